//! What an evaluation knows beyond the record, as its stage left it in `evaluation.json`: how sure the difference is, and whether probabilities mean what they say.

use serde::Deserialize;

use crate::number::short;
use crate::plot::{Kind, Plot, Series};

/// The name of the artifact.
pub const ARTIFACT: &str = "evaluation.json";

/// The part of the file that is shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Evaluation {
    rule: Rule,
    metrics: Vec<Metric>,
    #[serde(default)]
    interval: Option<Interval>,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Rule {
    metric: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Metric {
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct Interval {
    low: f64,
    high: f64,
    confidence: f64,
    resamples: u32,
    rows: u64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Details {
    #[serde(default)]
    calibration: Option<Calibration>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Calibration {
    class: String,
    candidate: Vec<Bin>,
    production: Option<Vec<Bin>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct Bin {
    predicted: f64,
    observed: f64,
}

impl Evaluation {
    /// Reads the file; none where it is not what an evaluation leaves.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The interval of the difference in the metric that decides, candidate less production: the metric, and the interval in words. None where there is none.
    pub fn interval(&self) -> Option<(&str, String)> {
        let Interval { low, high, confidence, resamples, rows } = self.interval?;
        let metric = self.rule.metric.as_deref().or_else(|| self.metrics.first().map(|metric| metric.name.as_str()))?;
        let percent = short(confidence * 100.0);
        Some((metric, format!("{} to {} ({percent} %, {resamples} draws of {rows} rows)", short(low), short(high))))
    }

    /// The reliability curves; none where the models give no probabilities of two classes.
    pub(crate) fn calibration(&self) -> Option<(String, Plot)> {
        let Calibration { class, candidate, production } = self.details.as_ref()?.calibration.as_ref()?;
        let series = |name: &str, bins: &[Bin]| Series {
            name: name.to_owned(),
            points: bins.iter().map(|bin| (bin.predicted, bin.observed)).collect(),
        };
        let mut both = vec![series("candidate", candidate)];
        both.extend(production.iter().map(|bins| series("production", bins)));
        let (x, y) = (format!("predicted probability of {class}"), format!("share that is {class}"));
        Some((format!("Calibration for {class}"), Plot { x, y, series: both, kind: Kind::AgainstEachOther }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_of_the_metric_that_decides() {
        let text = |metric: &str| {
            format!(
                r#"{{"rule":{{"metric":{metric}}},"metrics":[{{"name":"mse"}},{{"name":"r2"}}],"details":{{}},
                "interval":{{"low":-1491.78,"high":95.87,"confidence":0.95,"resamples":1000,"rows":89}}}}"#
            )
        };
        let of = |metric: &str| {
            Evaluation::read(&text(metric)).and_then(|read| read.interval().map(|(name, words)| format!("{name}: {words}")))
        };
        assert_eq!(of("null").as_deref(), Some("mse: -1491.78 to 95.87 (95 %, 1000 draws of 89 rows)"));
        assert!(of("\"r2\"").is_some_and(|words| words.starts_with("r2: ")));
        assert_eq!(Evaluation::read("{}"), None);
    }

    #[test]
    fn calibration_is_drawn_where_there_is_some() {
        let text = r#"{"rule":{"metric":null},"metrics":[],"details":{"labels":[],"calibration":{"class":"yes","candidate":[{"rows":2,"predicted":0.1,"observed":0.2}],"production":null}}}"#;
        let (title, plot) = Evaluation::read(text).and_then(|read| read.calibration()).unwrap();
        assert_eq!((title.as_str(), plot.series.len(), plot.series[0].points[0]), ("Calibration for yes", 1, (0.1, 0.2)));
    }
}
