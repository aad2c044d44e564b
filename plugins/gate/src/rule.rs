//! What a project demands of a new model, as it stands in the parameters of an evaluation.

use serde::{Deserialize, Serialize};

/// What a new model must do to be promoted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rule {
    /// The metric that decides; the plugin's first where it is not given.
    pub metric: Option<String>,
    /// By how much the deciding metric must be better than production's: strictly more than this. Equal is never better.
    pub min_improvement: Margin,
    /// What happens where no model is in production yet.
    pub first_model: FirstModel,
    /// Metrics that must not get worse.
    pub guards: Vec<Guard>,
    /// What the candidate must reach by itself, whatever is in production.
    pub bounds: Vec<Bound>,
    /// Parts of the hold-out on which the candidate must not be worse.
    pub slices: Vec<SliceGuard>,
    /// How sure the improvement is.
    pub bootstrap: Bootstrap,
}

/// An amount: `absolute` + `relative` x the size of production's value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Margin {
    /// In the metric's own unit.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
    pub absolute: f64,
    /// As a share of production's value: 0.01 is one per cent.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
    pub relative: f64,
}

impl Margin {
    /// The amount where production has this value.
    pub fn at(self, production: f64) -> f64 {
        self.absolute + self.relative * production.abs()
    }
}

/// What happens where no model is in production yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FirstModel {
    /// The first model is promoted, unless it breaks a bound.
    #[default]
    Promote,
    /// The first model is promoted when there are bounds and it keeps them all; without a bound it is blocked.
    RequireBounds,
    /// The first model is never promoted by this stage.
    Keep,
}

/// What happens when a condition beside the deciding metric does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Otherwise {
    /// Production stays; the run succeeds.
    #[default]
    Keep,
    /// The run stops.
    Blocked,
}

/// A metric that must not get worse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Guard {
    /// The metric.
    pub metric: String,
    /// How much worse than production's it may be.
    #[serde(default)]
    pub must_not_worsen_by: Margin,
    /// What happens when it is worse than that.
    #[serde(default)]
    pub otherwise: Otherwise,
}

/// What the candidate must reach by itself. When it does not, it is blocked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bound {
    /// The metric.
    pub metric: String,
    /// The smallest value that is accepted.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// The largest value that is accepted.
    #[serde(default)]
    pub at_most: Option<f64>,
}

/// A column whose every value is a part of the hold-out on which the candidate must not be worse than production.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SliceGuard {
    /// The column.
    pub column: String,
    /// How much worse than production's the deciding metric may be on a slice.
    #[serde(default)]
    pub must_not_worsen_by: Margin,
    /// A slice of fewer rows is measured but judges nothing.
    #[serde(default = "min_rows")]
    pub min_rows: u64,
    /// What happens when it is worse than that.
    #[serde(default)]
    pub otherwise: Otherwise,
}

fn min_rows() -> u64 {
    30
}

/// The paired bootstrap: the hold-out's rows are drawn again and again with replacement, and both models are measured on the same draw.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bootstrap {
    /// How often the rows are drawn; 0 leaves the interval out.
    #[cfg_attr(feature = "schema", schemars(range(max = 1_000_000)))]
    pub resamples: u32,
    /// The share of the draws that lies within the interval.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.5, max = 0.9999)))]
    pub confidence: f64,
    /// Of a larger hold-out, this many rows are chosen at random for the draws, so that the work stays bounded. The interval gets wider by it, never narrower.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 10_000_000)))]
    pub max_rows: u32,
    /// Whether a candidate is promoted only when the whole interval lies on the better side.
    pub require_significant: bool,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 1000, confidence: 0.95, max_rows: 20_000, require_significant: false }
    }
}
