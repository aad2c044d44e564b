//! What a run's record says, put in the order in which a person asks: what was trained, how it compares, what was decided.

use std::collections::BTreeMap;

use sprag_schemas::manifest::Kind;
use sprag_schemas::record::{Metric, RunOutcome, RunRecord, StageRecord, StageStatus};

/// One metric of candidate and production.
pub struct Compared {
    /// Its name.
    pub name: String,
    /// The candidate's value.
    pub candidate: f64,
    /// Production's value; none where there is no production.
    pub production: Option<f64>,
}

/// The metrics that the evaluation measured on both models, in the order in which it measured them.
pub fn compared(record: &RunRecord) -> Vec<Compared> {
    let Some(stage) = stage_of(record, Kind::Evaluate) else { return vec![] };
    let of = |split: &'static str| stage.report.metrics.iter().filter(move |metric| metric.split.as_deref() == Some(split));
    let production: BTreeMap<&str, f64> = of("production").map(|metric| (metric.name.as_str(), metric.value)).collect();
    of("candidate")
        .map(|metric| Compared {
            name: metric.name.clone(),
            candidate: metric.value,
            production: production.get(metric.name.as_str()).copied(),
        })
        .collect()
}

/// The stage of a kind, if it did its work or was taken from the cache.
pub fn stage_of(record: &RunRecord, kind: Kind) -> Option<&StageRecord> {
    record.stages.iter().find(|stage| stage.kind == kind && stage.status != StageStatus::Skipped)
}

/// What was trained on what, in one line.
pub fn trained(record: &RunRecord) -> Option<String> {
    let stage = stage_of(record, Kind::Train)?;
    let params: Vec<_> = stage.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let with = if params.is_empty() { String::new() } else { format!(", {}", params.join(", ")) };
    let data = record.data.as_ref();
    let on = data.map(|data| format!(" on `{}`, target `{}`", data.path, data.target)).unwrap_or_default();
    Some(format!("{} {}{on}{with}", stage.plugin.name, stage.plugin.version))
}

/// Whether no stage did any work.
pub fn is_all_cached(record: &RunRecord) -> bool {
    let mut ran = record.stages.iter().filter(|stage| stage.status != StageStatus::Skipped).peekable();
    ran.peek().is_some() && ran.all(|stage| stage.cached_from.is_some())
}

/// The name of a metric with what it was measured on.
pub fn metric_name(metric: &Metric) -> String {
    match &metric.split {
        Some(split) => format!("{split} {}", metric.name),
        None => metric.name.clone(),
    }
}

/// What the outcome means, in one word for a heading.
pub fn verdict(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Running => "running",
        RunOutcome::Promoted => "promoted",
        RunOutcome::Kept => "kept",
        RunOutcome::Succeeded => "succeeded",
        RunOutcome::Blocked => "blocked",
        RunOutcome::Error => "failed",
        RunOutcome::Cancelled => "cancelled",
        RunOutcome::Interrupted => "interrupted",
    }
}
