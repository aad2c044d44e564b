//! The part of a run event that people are told. `sprag schema run-event` prints the schema of the whole.

use serde::Deserialize;

use crate::{Version, short};

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RunEnded {
    /// The project's name.
    pub project: String,
    /// The run.
    pub run: Run,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Run {
    /// Its id.
    pub id: String,
    /// How it ended, as its record says it.
    pub outcome: String,
    /// Why, as one sentence.
    pub reason: String,
    /// Who ran it, and from where.
    pub origin: Origin,
    /// The stages.
    pub stages: Vec<Stage>,
    /// The version that it registered.
    pub registered: Option<Version>,
    /// What started it, where no person did.
    #[serde(default)]
    pub trigger: Option<Trigger>,
}

/// Who ran it, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Origin {
    /// Who.
    pub by: String,
    /// The commit.
    pub git_commit: Option<String>,
    /// The page of the build.
    pub build_uri: Option<String>,
}

/// What started it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Trigger {
    /// In one sentence.
    pub by: String,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// How it ended.
    pub status: String,
    /// Why.
    pub reason: String,
    /// What it reported.
    #[serde(default)]
    pub report: Report,
}

/// What a stage reported.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Its metrics.
    pub metrics: Vec<Metric>,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Where in a series it stands.
    #[serde(default)]
    pub step: Option<u64>,
    /// What it was measured on.
    #[serde(default)]
    pub split: Option<String>,
}

impl RunEnded {
    /// What happened, in one line.
    #[must_use]
    pub fn title(&self) -> String {
        let project = &self.project;
        match (self.run.outcome.as_str(), &self.run.registered) {
            (_, Some(version)) => format!("{project}: {version} is registered"),
            ("promoted", None) => format!("{project}: the candidate is better"),
            ("kept", None) => format!("{project}: the model in production stays"),
            ("succeeded", None) => format!("{project}: a run succeeded"),
            ("blocked", None) => format!("{project}: a run was blocked"),
            ("cancelled", None) => format!("{project}: a run was cancelled"),
            _ => format!("{project}: a run failed"),
        }
    }

    /// What the evaluation measured of the candidate, beside the model in production.
    pub(crate) fn metrics(&self) -> Vec<String> {
        let evaluations = self.run.stages.iter().filter(|stage| stage.kind == "evaluate");
        let measured: Vec<_> =
            evaluations.flat_map(|stage| &stage.report.metrics).filter(|metric| metric.step.is_none()).collect();
        let of = |name: &str, split: &str| {
            let found = measured.iter().find(|metric| metric.name == name && metric.split.as_deref() == Some(split));
            found.map(|metric| metric.value)
        };
        let candidates = measured.iter().filter(|metric| metric.split.as_deref() == Some("candidate"));
        let line = |metric: &&Metric| match of(&metric.name, "production") {
            Some(production) => format!("{} {} (production {})", metric.name, short(metric.value), short(production)),
            None => format!("{} {}", metric.name, short(metric.value)),
        };
        candidates.map(line).collect()
    }

    /// The facts by name, in the order in which a person asks.
    pub(crate) fn facts(&self) -> Vec<(String, String)> {
        let run = &self.run;
        let stages: Vec<_> = run.stages.iter().map(|stage| format!("{} {}", stage.name, stage.status)).collect();
        let facts = [
            ("Project", self.project.clone()),
            ("Outcome", run.outcome.clone()),
            ("Why", run.reason.clone()),
            ("Stages", stages.join(", ")),
            ("Started by", run.trigger.as_ref().map_or_else(|| run.origin.by.clone(), |trigger| trigger.by.clone())),
            ("Commit", run.origin.git_commit.clone().unwrap_or_default()),
            ("Run", run.id.clone()),
            ("Build", run.origin.build_uri.clone().unwrap_or_default()),
        ];
        facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
