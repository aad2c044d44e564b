//! The parameters.

use serde::Deserialize;

/// What the model's file does not say.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The columns that the model takes, in its order. Default: those that its file names; else those of the input `card`; else the features of the data, in their
    /// order.
    pub columns: Option<Vec<String>>,
    /// The classes of a classifier, in the order of its probabilities. Default: it is a regression.
    pub labels: Option<Vec<String>>,
    /// The output of the graph: a number for each row or, with `labels`, the probability of each class. Default: `probabilities` with `labels` where there is one;
    /// else the first.
    pub output: Option<String>,
}
