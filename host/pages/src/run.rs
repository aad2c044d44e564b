//! A run as a page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};
use sprag_schemas::record::{Metric, RunRecord, Severity, StageRecord, StageStatus, TestOutcome};

use crate::drift;
use crate::evaluation::Evaluation;
use crate::facts;
use crate::layout::badge;
use crate::number::{millis, short, signed};
use crate::plot::{Kind, Plot, Series};
use crate::predictions::{Predictions, Row};

/// What a page shows of a run beside its record.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// The first predictions of its evaluation, where there are some.
    pub predictions: Option<Predictions>,
    /// What its evaluation knows beyond the record.
    pub evaluation: Option<Evaluation>,
    /// The run's metrics in the versions that were registered before, oldest first: the version's number and the value, by metric.
    pub history: BTreeMap<String, Vec<(u64, f64)>>,
    /// Where an artifact is had: its stage and name are put at the end. Without one they are not linked.
    pub artifacts: Option<String>,
}

/// The run: what came of it, how the model compares, what its stages did, and where all of it comes from.
pub fn content(record: &RunRecord, beside: &Beside) -> Markup {
    html! {
        p.soft { "run " (record.id) }
        h1 { (record.project) " " (badge(record.outcome.name())) }
        p { (record.reason) }
        (stages(record))
        (comparison(record, beside))
        (plots(record, beside))
        (drift::shown(record))
        (findings(record))
        h2 { "What the stages did" }
        @for stage in &record.stages { (details(record, stage, beside)) }
        (lineage(record))
    }
}

/// The stages in their order, as a list that reads as a graph.
fn stages(record: &RunRecord) -> Markup {
    html! {
        ol.stages aria-label="Stages" {
            @for stage in &record.stages {
                li {
                    a href={ "#stage-" (stage.name) } { (stage.name) }
                    br;
                    (badge(stage.status.name()))
                    " " span.soft { (time(stage)) }
                }
            }
        }
    }
}

fn time(stage: &StageRecord) -> String {
    match (stage.status, &stage.cached_from) {
        (StageStatus::Skipped, _) => String::new(),
        (_, Some(_)) => "from the cache".to_owned(),
        (_, None) => millis(stage.duration_ms),
    }
}

/// The candidate beside production.
fn comparison(record: &RunRecord, beside: &Beside) -> Markup {
    let compared = facts::compared(record);
    let production = record.production.as_ref().map_or_else(|| "production".to_owned(), ToString::to_string);
    html! {
        @if !compared.is_empty() {
            h2 { "Candidate and production, on the same rows" }
            div.scroll tabindex="0" { table {
                thead { tr { th scope="col" { "Metric" } th.number scope="col" { "Candidate" } th.number scope="col" { (production) } th.number scope="col" { "Difference" } } }
                tbody { @for metric in &compared { tr {
                    th scope="row" { (metric.name) }
                    td.number { (short(metric.candidate)) }
                    td.number { (metric.production.map_or_else(|| "none".to_owned(), short)) }
                    td.number { (metric.production.map(|value| signed(metric.candidate - value)).unwrap_or_default()) }
                } } }
            } }
            @if let Some((metric, words)) = beside.evaluation.as_ref().and_then(Evaluation::interval) {
                p { "Interval of the difference in " (metric) ": " (words) "." }
            }
        }
    }
}

fn plots(record: &RunRecord, beside: &Beside) -> Markup {
    let mut drawn: Vec<(String, Plot)> = vec![];
    if let Some(Predictions::Numbers(rows)) = &beside.predictions {
        drawn.extend(of_predictions(rows));
    }
    drawn.extend(beside.evaluation.as_ref().and_then(Evaluation::calibration));
    for stage in &record.stages {
        drawn.extend(curves(stage));
    }
    for (metric, values) in &beside.history {
        if values.len() > 1 {
            let points = values.iter().map(|(version, value)| (*version as f64, *value)).collect();
            let series = vec![Series { name: metric.clone(), points }];
            let plot = Plot { x: "version".to_owned(), y: metric.clone(), series, kind: Kind::Lines };
            drawn.push((format!("{metric} of the registered versions"), plot));
        }
    }
    let confusion = match &beside.predictions {
        Some(Predictions::Classes(counts)) => Some(confusion(counts)),
        _ => None,
    };
    html! {
        @if !drawn.is_empty() {
            h2 { "Plots" }
            div.plots { @for (title, plot) in &drawn { (figure(title, plot)) } }
        }
        @if let Some(confusion) = confusion { (confusion) }
    }
}

/// A plot with its title and legend.
pub fn figure(title: &str, plot: &Plot) -> Markup {
    html! {
        @if let Some(svg) = plot.svg() {
            figure {
                figcaption { (title) }
                div role="img" aria-label=(plot.words()) { (PreEscaped(svg)) }
                @if plot.series.len() > 1 {
                    p.soft { @for (index, series) in plot.series.iter().enumerate() {
                        svg.sign aria-hidden="true" viewBox="0 0 10 10" { circle cx="5" cy="5" r="4" fill=(Plot::colour(index)); } " " (series.name) " "
                    } }
                }
            }
        }
    }
}

fn of_predictions(rows: &[Row]) -> Vec<(String, Plot)> {
    let series = |of: fn(&Row) -> Option<(f64, f64)>, name: &str| Series {
        name: name.to_owned(),
        points: rows.iter().filter_map(of).collect(),
    };
    let both = |candidate: Series, production: Series| {
        if production.points.is_empty() { vec![candidate] } else { vec![candidate, production] }
    };
    let predicted = both(series(|row| Some((row.0, row.1)), "candidate"), series(|row| Some((row.0, row.2?)), "production"));
    let residuals =
        both(series(|row| Some((row.1, row.0 - row.1)), "candidate"), series(|row| Some((row.2?, row.0 - row.2?)), "production"));
    let plot = |x: &str, y: &str, series, kind| Plot { x: x.to_owned(), y: y.to_owned(), series, kind };
    vec![
        ("Predicted against actual".to_owned(), plot("actual", "predicted", predicted, Kind::AgainstEachOther)),
        ("Residuals".to_owned(), plot("predicted", "actual less predicted", residuals, Kind::Points)),
    ]
}

/// The series that a stage measured step by step, such as a learning curve.
fn curves(stage: &StageRecord) -> Vec<(String, Plot)> {
    let mut by_name: BTreeMap<&str, Vec<&Metric>> = BTreeMap::new();
    for metric in stage.report.metrics.iter().filter(|metric| metric.step.is_some()) {
        by_name.entry(&metric.name).or_default().push(metric);
    }
    let curve = |(name, metrics): (&str, Vec<&Metric>)| {
        let mut by_split: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for metric in metrics {
            let split = metric.split.clone().unwrap_or_else(|| name.to_owned());
            by_split.entry(split).or_default().push((metric.step.unwrap_or(0) as f64, metric.value));
        }
        let series = by_split.into_iter().map(|(name, points)| Series { name, points }).collect();
        let plot = Plot { x: "step".to_owned(), y: name.to_owned(), series, kind: Kind::Lines };
        (format!("{name} in `{}`", stage.name), plot)
    };
    by_name.into_iter().map(curve).collect()
}

fn confusion(counts: &BTreeMap<(String, String), u64>) -> Markup {
    let mut classes: Vec<&String> = counts.keys().flat_map(|(truth, said)| [truth, said]).collect();
    classes.sort();
    classes.dedup();
    html! {
        @if classes.len() <= 30 {
            h2 { "What was taken for what" }
            div.scroll tabindex="0" { table {
                thead { tr { th scope="col" { "Actual" } @for class in &classes { th.number scope="col" { "as " (class) } } } }
                tbody { @for truth in &classes { tr {
                    th scope="row" { (truth) }
                    @for said in &classes { td.number { (counts.get(&((*truth).clone(), (*said).clone())).copied().unwrap_or(0)) } }
                } } }
            } }
        }
    }
}

fn findings(record: &RunRecord) -> Markup {
    let worth = |stage: &&StageRecord| {
        stage.report.findings.iter().any(|finding| finding.severity != Severity::Note)
            || stage.report.test_cases.iter().any(|case| case.outcome == TestOutcome::Failed)
            || stage.error.is_some()
    };
    let found: Vec<_> = record.stages.iter().filter(worth).collect();
    html! {
        @if !found.is_empty() {
            h2 { "Findings" }
            ul { @for stage in found {
                @if let Some(error) = &stage.error { li { strong { (stage.name) } ": " (error.message) } }
                @for finding in stage.report.findings.iter().filter(|finding| finding.severity != Severity::Note) {
                    li { strong { (stage.name) } " " code { (finding.code) } ": " (finding.message) }
                }
                @for case in stage.report.test_cases.iter().filter(|case| case.outcome == TestOutcome::Failed) {
                    li { strong { (stage.name) } " " code { (case.name) } ": " (case.message) }
                }
            } }
        }
    }
}

fn details(record: &RunRecord, stage: &StageRecord, beside: &Beside) -> Markup {
    let plain: Vec<_> = stage.report.metrics.iter().filter(|metric| metric.step.is_none()).collect();
    html! {
        details id={ "stage-" (stage.name) } {
            summary { strong { (stage.name) } " " (badge(stage.status.name())) " " span.soft { (stage.plugin.name) " " (stage.plugin.version) } }
            @if !stage.reason.is_empty() { p { (stage.reason) } }
            div.scroll tabindex="0" { table { tbody {
                (fact("Component", &stage.plugin.digest))
                (fact("Plugin", &stage.plugin.reference))
                @for grant in &stage.plugin.grants { (fact("Granted", grant)) }
                @for (name, value) in &stage.params { (fact(&format!("Parameter {name}"), &value.to_string())) }
                @if let Some(run) = &stage.cached_from { (fact("Work of the run", run)) }
                @if let Some(model) = &stage.report.model { (fact("Model", &model.digest)) }
                @for metric in plain { (fact(&facts::metric_name(metric), &short(metric.value))) }
                @for process in &stage.report.processes { (fact("Script", &format!("{}, {}", process.script, process.ended))) }
                @for artifact in &stage.report.artifacts { tr {
                    th scope="row" { "Artifact" }
                    td {
                        @match &beside.artifacts {
                            Some(at) => a href={ (at) "/" (encoded(&stage.name)) "/" (encoded(&artifact.name)) } download { (artifact.name) },
                            None => (artifact.name),
                        }
                        " " code.soft { (artifact.digest) }
                    }
                } }
            } } }
            @if !stage.report.logs.is_empty() {
                h3 { "Log" }
                pre tabindex="0" { @for line in &stage.report.logs { (format!("{:?}", line.level).to_lowercase()) "  " (line.message) "\n" } }
            }
            @if !stage.report.stderr.is_empty() {
                h3 { "Standard output and error, the end of it" }
                pre tabindex="0" { (stage.report.stderr) }
            }
        }
        @if record.stages.is_empty() { p { "none" } }
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { tr { th scope="row" { (name) } td { code { (value) } } } }
}

fn lineage(record: &RunRecord) -> Markup {
    let origin = &record.origin;
    html! {
        h2 { "Where it comes from" }
        div.scroll tabindex="0" { table { tbody {
            (fact("Started", &record.started_at))
            @if let Some(end) = &record.finished_at { (fact("Ended", end)) }
            (fact("By", &origin.by))
            @if let Some(pipeline) = &record.pipeline { (fact("Pipeline", &format!("{}@{} {}", pipeline.name, pipeline.version, pipeline.digest))) }
            @if let Some(trigger) = &record.trigger { (fact("Started by", &format!("{}: {}", trigger.cause.name(), trigger.by))) }
            @for (name, text) in &record.tags { (fact(&format!("Tag {name}"), text)) }
            @if let Some(version) = &record.registered { (fact("Registered", &version.to_string())) }
            @if let Some(trained) = facts::trained(record) { (fact("Trained", &trained)) }
            @if let Some(data) = &record.data {
                (fact("Data", &data.file_digest))
                (fact("Training rows", &data.training_digest))
                (fact("Hold-out", &data.holdout_digest))
            }
            (fact("Seed", &record.seed.to_string()))
            @if let Some(commit) = &origin.git_commit {
                (fact("Commit", &format!("{commit}{}", if origin.git_dirty == Some(true) { ", with changes that are not committed" } else { "" })))
            }
            @if let Some(build) = &origin.build_id { (fact("Build", build)) }
            @for policy in &record.policies { (fact("Policy", &format!("{} {}", policy.path, policy.digest))) }
            (fact("sprag", &origin.sprag_version))
        } } }
    }
}

/// A name as a part of an address: everything but letters, digits and a few signs is written by its bytes.
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut written, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => written.push(char::from(byte)),
            // Writing to a string cannot fail.
            byte => _ = write!(written, "%{byte:02X}"),
        }
        written
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(reason: &str) -> RunRecord {
        serde_json::from_value(json!({
            "id": "20261122-154300-k3xq", "project": "diabetes", "outcome": "promoted", "reason": reason,
            "started-at": "2026-11-22T15:43:00Z", "finished-at": null, "seed": 1, "data": null, "candidate": null, "production": null, "registered": null,
            "origin": { "by": reason, "sprag-version": "0.1.0", "git-commit": null, "git-dirty": null, "build-id": null, "build-uri": null },
            "stages": [{
                "name": "evaluate", "kind": "evaluate", "status": "passed", "reason": reason, "tier": "hermetic", "cache-key": null, "cached-from": null, "duration-ms": 12.0,
                "plugin": { "reference": "evaluate-regression", "name": "evaluate-regression", "version": "0.1.0", "digest": "sha256:0", "grants": [reason] },
                "params": { "metric": reason }, "error": null,
                "report": {
                    "metrics": [
                        { "name": "mse", "value": 3300.0, "split": "candidate" }, { "name": "mse", "value": 3400.0, "split": "production" },
                        { "name": "loss", "value": 2.0, "step": 0 }, { "name": "loss", "value": 1.0, "step": 1 },
                    ],
                    "artifacts": [{ "name": "../a b.csv", "media-type": "text/csv", "digest": "sha256:1", "bytes": 3 }],
                },
            }],
        }))
        .unwrap()
    }

    fn page(record: &RunRecord) -> String {
        let rows = (0..20).map(|row| (f64::from(row), f64::from(row) + 0.5, Some(f64::from(row) - 1.0))).collect();
        let history = [("mse".to_owned(), vec![(1, 3400.0), (2, 3300.0)])].into();
        let predictions = Some(Predictions::Numbers(rows));
        let beside = Beside { predictions, evaluation: None, history, artifacts: Some("/api/x".to_owned()) };
        content(record, &beside).into_string()
    }

    #[test]
    fn a_run_is_shown_with_its_figures_and_plots() {
        let page = page(&record("better"));
        for expected in
            ["Predicted against actual", "Residuals", "loss in `evaluate`", "mse of the registered versions", "-100", "3300"]
        {
            assert!(page.contains(expected), "{expected}");
        }
        assert_eq!(page.matches("<figure").count(), 4);
        assert!(page.contains("href=\"/api/x/evaluate/..%2Fa%20b.csv\""), "a path in a name is a name");
    }

    #[test]
    fn what_plugins_and_users_say_is_text() {
        let page = page(&record("<script>alert('x')</script>\"><img src=x onerror=alert(1)>"));
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    }

    #[test]
    fn a_report_is_one_file_that_fetches_nothing() {
        let document = crate::layout::document("run", &content(&record("better"), &Beside::default()));
        assert!(document.starts_with("<!DOCTYPE html>"));
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!document.replace("http://www.w3.org/2000/svg", "").contains(outside), "{outside}");
        }
    }
}
