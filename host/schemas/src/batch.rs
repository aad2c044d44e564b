//! What a batch job did, as `sprag score --json` prints it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a batch job did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BatchSummary {
    /// The model: its version, or its digest where it is under no name.
    pub model: String,
    /// The model's digest.
    pub model_digest: String,
    /// The file that was scored.
    pub input: BatchFile,
    /// The file with the predictions.
    pub output: BatchFile,
    /// The file of the rows that were refused; none where all were scored.
    pub rejects: Option<BatchFile>,
    /// How many threads worked.
    pub threads: usize,
    /// The row from which this attempt went on, where an earlier one had been stopped: how many rows were done by then.
    pub resumed_at: Option<u64>,
    /// Why the work of an earlier attempt could not be gone on with.
    pub restarted: Option<String>,
    /// How long this attempt took.
    pub seconds: f64,
    /// How many rows this attempt went through in a second.
    pub rows_per_second: f64,
}

/// A file that a batch job read or wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BatchFile {
    /// Its path, as it was given.
    pub path: String,
    /// The SHA-256 of its bytes.
    pub digest: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
}
