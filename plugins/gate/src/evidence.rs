//! What was measured.

use serde::{Deserialize, Serialize};

/// Which values of a metric are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The lower, the better: an error.
    Lower,
    /// The higher, the better: a score.
    Higher,
}

impl Direction {
    /// By how much `candidate` is better than `production`: negative where it is worse.
    pub fn improvement(self, candidate: f64, production: f64) -> f64 {
        match self {
            Self::Lower => production - candidate,
            Self::Higher => candidate - production,
        }
    }

    /// The word for a better value, and for a worse.
    pub(crate) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Lower => ("lower", "higher"),
            Self::Higher => ("higher", "lower"),
        }
    }
}

/// A metric of both models on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Which values are better.
    pub direction: Direction,
    /// The candidate's value; none where the rows do not define it, as r2 where the target is constant.
    pub candidate: Option<f64>,
    /// Production's value; none too where there is no production.
    pub production: Option<f64>,
}

/// The deciding metric on the rows that share a value of a column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// The column.
    pub column: String,
    /// The value; none for the rows without one.
    pub value: Option<String>,
    /// How many rows there are.
    pub rows: u64,
    /// The candidate's value of the deciding metric.
    pub candidate: Option<f64>,
    /// Production's.
    pub production: Option<f64>,
}

/// An interval of the deciding metric's difference, candidate less production.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// The share of the draws that lies within.
    pub confidence: f64,
    /// How many draws there were.
    pub resamples: u32,
    /// How many rows were drawn from.
    pub rows: u64,
}

/// All that was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Evidence {
    /// The model in production, such as `diabetes@2`; none where there is none yet.
    pub production: Option<String>,
    /// How many rows the hold-out has.
    pub rows: u64,
    /// The metrics, in the order in which they are shown.
    pub metrics: Vec<Metric>,
    /// The deciding metric on each slice.
    pub slices: Vec<Slice>,
    /// How sure the difference is.
    pub interval: Option<Interval>,
}
