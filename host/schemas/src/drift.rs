//! How far the rows that a model sees have moved, as `sprag drift --json` prints it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far the rows that a model sees have moved from those that it was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DriftReport {
    /// The version, such as `diabetes@3`.
    pub version: String,
    /// The model's digest.
    pub model: String,
    /// The file that was looked at; none where it is what services saw.
    pub file: Option<String>,
    /// The first day (UTC) of what services saw.
    pub from: Option<String>,
    /// The services that saw it, by name.
    pub services: Vec<String>,
    /// How many rows were looked at.
    pub rows: u64,
    /// How many rows of the training they are held against.
    pub training_rows: u64,
    /// From which index on, less what chance comes to, a column has drifted.
    pub threshold: f64,
    /// Whether any column has drifted.
    pub drifted: bool,
    /// The columns: inputs, then outputs, by name.
    pub columns: Vec<DriftColumn>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DriftColumn {
    /// Its name.
    pub column: String,
    /// Whether it goes into the model or comes out of it.
    pub role: DriftRole,
    /// What its figures come to.
    pub verdict: DriftVerdict,
    /// The population stability index.
    pub psi: f64,
    /// What the index comes to where nothing has moved, by so few rows.
    pub psi_by_chance: f64,
    /// The Jensen-Shannon distance (base 2), from 0 to 1.
    pub jensen_shannon: f64,
    /// The share of rows without a value.
    pub nulls: ThenNow,
    /// The share of values that no bin is for: infinities, and kinds that the training rows did not have.
    pub other: ThenNow,
}

/// A share in the rows of the training, and in those that were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ThenNow {
    /// In the training.
    pub then: f64,
    /// In what was looked at.
    pub now: f64,
}

/// Where a column is in a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriftRole {
    /// It goes in.
    Input,
    /// It comes out.
    Output,
}

/// What is said of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriftVerdict {
    /// Too few rows to say anything.
    TooFewRows,
    /// It is as it was.
    Stable,
    /// It has moved, and not as far as the threshold.
    Moved,
    /// It has moved as far as the threshold, or further.
    Drifted,
}

impl DriftVerdict {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooFewRows => "too few rows",
            Self::Stable => "stable",
            Self::Moved => "moved",
            Self::Drifted => "drifted",
        }
    }
}
