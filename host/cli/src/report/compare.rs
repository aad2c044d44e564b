//! Two runs side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sprag_schemas::record::RunRecord;

use super::number::{short, signed};
use crate::console::{BOLD, DIM};

/// How two runs differ.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Comparison {
    first: String,
    second: String,
    /// What is the same in both is left out.
    differences: Vec<Difference>,
    metrics: Vec<MetricDifference>,
}

/// One thing that differs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Difference {
    what: String,
    first: Option<String>,
    second: Option<String>,
}

/// One metric, whether or not it differs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct MetricDifference {
    name: String,
    first: Option<f64>,
    second: Option<f64>,
}

/// Compares two runs: what went in, what came out.
pub(crate) fn compare(first: &RunRecord, second: &RunRecord) -> Comparison {
    let (a, b) = (facts(first), facts(second));
    let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let differences = names
        .into_iter()
        .filter(|name| a.get(*name) != b.get(*name))
        .map(|name| Difference { what: name.clone(), first: a.get(name).cloned(), second: b.get(name).cloned() })
        .collect();
    let (a, b) = (metrics(first), metrics(second));
    let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let metrics = names
        .into_iter()
        .map(|name| MetricDifference { name: name.clone(), first: a.get(name).copied(), second: b.get(name).copied() })
        .collect();
    Comparison { first: first.id.clone(), second: second.id.clone(), differences, metrics }
}

/// The comparison as lines of text.
pub(crate) fn text(comparison: &Comparison) -> Vec<String> {
    let Comparison { first, second, differences, metrics } = comparison;
    let mut lines = vec![format!("{BOLD}{first}{BOLD:#} and {BOLD}{second}{BOLD:#}")];
    if differences.is_empty() {
        lines.push("  the same data, components, parameters and outcome".to_owned());
    }
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    for Difference { what, first, second } in differences {
        lines.push(format!("  {what:<32} {} {DIM}->{DIM:#} {}", or_none(first), or_none(second)));
    }
    let (same, metrics): (Vec<_>, Vec<_>) = metrics.iter().partition(|metric| metric.first == metric.second);
    if !metrics.is_empty() {
        lines.push(String::new());
        lines.push(format!("  {DIM}{:<40} {:>14} {:>14} {:>14}{DIM:#}", "metric", "first", "second", "difference"));
    }
    let value = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), short);
    for MetricDifference { name, first, second } in metrics {
        let difference = first.zip(*second).map(|(a, b)| signed(b - a)).unwrap_or_default();
        lines.push(format!("  {name:<40} {:>14} {:>14} {difference:>14}", value(*first), value(*second)).trim_end().to_owned());
    }
    if !same.is_empty() {
        lines.push(format!("  {DIM}{} metrics are the same in both{DIM:#}", same.len()));
    }
    lines
}

fn facts(record: &RunRecord) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let mut add = |what: String, value: String| {
        facts.insert(what, value);
    };
    add("outcome".to_owned(), record.outcome.name().to_owned());
    add("seed".to_owned(), record.seed.to_string());
    if let Some(data) = &record.data {
        add("data file".to_owned(), data.file_digest.clone());
        add("training rows".to_owned(), data.training_digest.clone());
        add("hold-out rows".to_owned(), data.holdout_digest.clone());
    }
    if let Some(commit) = &record.origin.git_commit {
        add("commit".to_owned(), commit.clone());
    }
    if let Some(candidate) = &record.candidate {
        add("candidate".to_owned(), candidate.digest.clone());
    }
    if let Some(production) = &record.production {
        add("production".to_owned(), production.to_string());
    }
    for stage in &record.stages {
        let plugin = &stage.plugin;
        add(
            format!("{} plugin", stage.name),
            format!("{} {} {}", plugin.name, plugin.version, &plugin.digest[..19.min(plugin.digest.len())]),
        );
        add(format!("{} status", stage.name), stage.status.name().to_owned());
        for (name, value) in &stage.params {
            add(format!("{} {name}", stage.name), value.to_string());
        }
    }
    facts
}

fn metrics(record: &RunRecord) -> BTreeMap<String, f64> {
    let all = record.stages.iter().flat_map(|stage| stage.report.metrics.iter().map(move |metric| (stage, metric)));
    all.map(|(stage, metric)| (format!("{} {}", stage.name, super::facts::metric_name(metric)), metric.value)).collect()
}
