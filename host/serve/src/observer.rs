//! Who wants to see what a service scores: sketches for drift, comparisons of variants.

use std::time::Duration;

use sprag_data::{Column, Field};

use crate::catalog::ReleaseKey;

/// One request that was scored, or that could not be.
pub struct Observation<'a> {
    /// The variant that answered.
    pub variant: &'static str,
    /// The release in it.
    pub release: &'a ReleaseKey,
    /// How many rows.
    pub rows: u32,
    /// The model's inputs.
    pub input_fields: &'a [Field],
    /// Their values, a column for each; none where scoring failed.
    pub inputs: &'a [Column],
    /// The model's outputs.
    pub output_fields: &'a [Field],
    /// Their values, a column for each; none where scoring failed.
    pub outputs: Option<&'a [Column]>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// How long scoring took, waiting included.
    pub latency: Duration,
}

/// Sees what a service scores. It is called on the path of each request and must not block.
pub trait Observer: Send + Sync {
    /// A request was scored, or failed to be.
    fn observe(&self, observation: &Observation<'_>);

    /// Further lines for `/metrics`, in the text format of OpenMetrics without its end mark.
    fn metrics(&self) -> String {
        String::new()
    }
}
