//! An MLflow tracking server through its REST API (<https://mlflow.org/docs/latest/rest-api.html>), as far as runs, files and registered models go.
//!
//! Every call may be made again: what is there already is found and left, or set to the same.

mod artifacts;
mod experiments;
mod registry;
mod runs;
mod server;

pub use artifacts::Place;
pub use registry::ModelVersion;
pub use runs::{Dataset, Metric, RunInfo, RunStatus};
pub use server::{Access, MlflowError, Server};

/// A key with a value, as runs and versions carry them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tag {
    /// The key.
    pub key: String,
    /// The value.
    #[serde(default)]
    pub value: String,
}

impl Tag {
    /// A tag.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}
