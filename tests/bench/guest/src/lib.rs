//! What the benchmark runs to see the host alone: a check that does nothing, or that takes every batch and drops it.

use serde::Deserialize;
use sprag_sdk::{Failure, SanityCheck, Session, Table, Verdict};

/// The parameters.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Whether every value is read.
    pub scan: bool,
}

/// The plugin.
pub struct BenchCheck;

impl SanityCheck for BenchCheck {
    type Params = Params;

    fn check(_session: &Session, params: Params, data: &Table) -> Result<Verdict, Failure> {
        if params.scan {
            let names: Vec<_> = data.schema().into_iter().map(|field| field.name).collect();
            let cursor = data.scan(&names, 64 << 10)?;
            let mut rows = 0;
            while let Some(batch) = cursor.next()? {
                rows += batch.first().map_or(0, sprag_sdk::Column::len) as u64;
            }
            if rows != data.row_count() {
                return Err(Failure::internal("the batches have not all rows"));
            }
        }
        Ok(Verdict::Pass)
    }
}

sprag_sdk::sanity_check!(BenchCheck);
