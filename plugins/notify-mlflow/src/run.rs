//! A run in MLflow's terms.

use serde_json::Value;
use sprag_mlflow::{Dataset, Metric, RunStatus, Tag};
use sprag_sdk::Failure;

use crate::event::{self, Run, RunEnded, Stage};

/// The longest value of a parameter, and of a tag, that every server of the last years takes.
const MOST_PARAM: usize = 6000;
const MOST_TAG: usize = 5000;

/// The most characters of a data set's digest.
const MOST_DIGEST: usize = 36;

/// How the run ended. That a candidate was kept back, or a check stopped the run, is no fault of it; MLflow knows no more than these.
pub(crate) fn status(run: &Run) -> RunStatus {
    match run.outcome.as_str() {
        "promoted" | "kept" | "succeeded" => RunStatus::Finished,
        "cancelled" | "interrupted" => RunStatus::Killed,
        _ => RunStatus::Failed,
    }
}

/// When it started, in milliseconds of the Unix epoch.
pub(crate) fn started_at(run: &Run) -> Result<i64, Failure> {
    millis(&run.started_at)
}

/// When it ended.
pub(crate) fn ended_at(run: &Run) -> Result<i64, Failure> {
    millis(run.finished_at.as_ref().unwrap_or(&run.started_at))
}

fn millis(at: &str) -> Result<i64, Failure> {
    let read = chrono::DateTime::parse_from_rfc3339(at);
    read.map(|at| at.timestamp_millis()).map_err(|error| Failure::unsupported(format!("expected a time, found `{at}`: {error}")))
}

/// The parameters of all stages as `STAGE.NAME`, those within others as `STAGE.NAME.INNER`, and the seed.
pub(crate) fn params(run: &Run) -> Vec<Tag> {
    let mut params = vec![Tag::new("seed", run.seed.to_string())];
    for stage in &run.stages {
        for (name, value) in &stage.params {
            flatten(&mut params, format!("{}.{name}", stage.name), value);
        }
    }
    params
}

fn flatten(params: &mut Vec<Tag>, key: String, value: &Value) {
    match value {
        Value::Object(inner) if !inner.is_empty() => {
            inner.iter().for_each(|(name, value)| flatten(params, format!("{key}.{name}"), value));
        }
        Value::String(text) => params.push(Tag::new(plain(&key), cut(text, MOST_PARAM))),
        other => params.push(Tag::new(plain(&key), cut(&other.to_string(), MOST_PARAM))),
    }
}

/// The metrics: the candidate's by their own names, others as `SPLIT/NAME`.
pub(crate) fn metrics(run: &Run) -> Result<Vec<Metric>, Failure> {
    let mut metrics = vec![];
    for stage in &run.stages {
        let timestamp = match &stage.started_at {
            Some(at) => millis(at)?,
            None => started_at(run)?,
        };
        metrics.extend(stage.report.metrics.iter().map(|metric| Metric {
            key: metric_key(metric),
            value: metric.value,
            timestamp,
            step: metric.step.unwrap_or(0),
        }));
    }
    Ok(metrics)
}

fn metric_key(metric: &event::Metric) -> String {
    match metric.split.as_deref() {
        None | Some("candidate") => plain(&metric.name),
        Some(split) => plain(&format!("{split}/{}", metric.name)),
    }
}

/// A key with the characters that MLflow takes.
fn plain(key: &str) -> String {
    key.chars().map(|c| if c.is_alphanumeric() || "_-. /:".contains(c) { c } else { '_' }).take(250).collect()
}

/// What the run is known by.
pub(crate) fn tags(event: &RunEnded) -> Vec<Tag> {
    let run = &event.run;
    let own = run.tags.iter().map(|(name, value)| Tag::new(plain(name), cut(value, MOST_TAG)));
    let known = [
        ("mlflow.user", Some(run.origin.by.clone())),
        ("mlflow.source.name", Some(event.project.clone())),
        ("mlflow.source.type", Some("PROJECT".to_owned())),
        ("mlflow.source.git.commit", run.origin.git_commit.clone()),
        ("sprag.outcome", Some(run.outcome.clone())),
        ("sprag.reason", Some(cut(&run.reason, MOST_TAG))),
        ("sprag.model", run.candidate.as_ref().map(|model| model.digest.clone())),
        ("sprag.version", run.registered.as_ref().map(|version| version.version.to_string())),
        ("sprag.build", run.origin.build_uri.clone()),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some(Tag::new(name, value?)));
    own.chain(known).collect()
}

/// The data: training rows and hold-out.
pub(crate) fn data(run: &Run) -> Vec<Dataset> {
    let Some(data) = &run.data else { return vec![] };
    // A run that ended before its data were split names none.
    let was_read = run.stages.iter().any(|stage: &Stage| stage.started_at.is_some());
    let of = |name: &str, digest: &str, context| Dataset {
        name: name.to_owned(),
        digest: digest.rsplit(':').next().unwrap_or_default().chars().take(MOST_DIGEST).collect(),
        path: data.path.clone(),
        context,
    };
    if !was_read {
        return vec![];
    }
    vec![of("training", &data.training_digest, "training"), of("hold-out", &data.holdout_digest, "evaluation")]
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::event::Event;

    fn event() -> RunEnded {
        match serde_json::from_str(include_str!("../../notice/tests/run-event.json")).unwrap() {
            Event::Run(event) => *event,
            other => panic!("expected a run, found {other:?}"),
        }
    }

    #[test]
    fn a_run_is_told_in_the_terms_of_mlflow() {
        let event = event();
        assert_eq!(params(&event.run), [Tag::new("seed", "0"), Tag::new("train.alpha", "0.4")]);
        let metrics = metrics(&event.run).unwrap();
        let keys: Vec<_> = metrics.iter().map(|metric| metric.key.as_str()).collect();
        assert_eq!(keys, ["mse", "production/mse"]);
        assert_eq!(metrics[0].timestamp, 1_795_514_400_000);
        assert_eq!((started_at(&event.run), ended_at(&event.run)), (Ok(1_795_514_400_000), Ok(1_795_514_401_000)));
        let tags = tags(&event);
        assert!(tags.contains(&Tag::new("mlflow.source.git.commit", "1a2b3c")) && tags.contains(&Tag::new("sprag.version", "2")));
        assert_eq!(data(&event.run)[0].digest.len(), MOST_DIGEST);
    }

    #[test]
    fn what_mlflow_does_not_take_is_made_plain() {
        let mut found = vec![];
        flatten(&mut found, "train.grid".to_owned(), &serde_json::json!({ "a b": [1, 2], "c": { "d<e>": "x" } }));
        assert_eq!(found, [Tag::new("train.grid.a b", "[1,2]"), Tag::new("train.grid.c.d_e_", "x")]);
        let metric = event::Metric { name: "f1@k".to_owned(), value: 1.0, step: None, split: Some("training".to_owned()) };
        assert_eq!(metric_key(&metric), "training/f1_k");
    }

    #[test]
    fn each_end_has_its_status() {
        let of = |outcome: &str| status(&Run { outcome: outcome.to_owned(), ..event().run });
        assert_eq!((of("kept"), of("blocked"), of("error")), (RunStatus::Finished, RunStatus::Failed, RunStatus::Failed));
        assert_eq!((of("cancelled"), of("interrupted")), (RunStatus::Killed, RunStatus::Killed));
    }

    #[test]
    fn a_release_by_share_moves_no_alias() {
        let released = |share: &str| {
            let text =
                format!(r#"{{"event":"released","environment":"production","version":{{"name":"m","version":2}}{share}}}"#);
            serde_json::from_str::<Event>(&text).unwrap()
        };
        assert!(matches!(released(""), Event::Released(released) if released.version.version == 2));
        assert_eq!(released(r#","share":10"#), Event::Other("released".to_owned()));
    }
}
