//! A model's columns.

use serde::{Deserialize, Serialize};

/// The columns that a model takes and gives, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// What it takes: the columns of the tensor `features`.
    pub inputs: Vec<Column>,
    /// What it gives; the first is the prediction.
    pub outputs: Vec<Column>,
}

/// A named, typed column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, by the name that it has in `sprag:data`: `float`, `integer`, `boolean` or `text`.
    pub dtype: String,
}

impl Column {
    /// A column of this name and type.
    pub fn new(name: impl Into<String>, dtype: impl Into<String>) -> Self {
        Self { name: name.into(), dtype: dtype.into() }
    }
}
