//! Records as JSON text, in and out of the database.
//!
//! JSON has no NaN and no infinity: a record with one could be written and never read again, so that it is refused here.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sprag_schemas::record::StageReport;

use crate::StoreError;

/// Writes a record.
pub(crate) fn encode<T: Serialize>(record: &T) -> String {
    serde_json::to_string(record).expect("records are structs and maps with text keys, which JSON can always hold")
}

/// Reads a record; `what` says whose, for the error.
pub(crate) fn decode<T: DeserializeOwned>(text: &str, what: impl FnOnce() -> String) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|source| StoreError::DamagedRecord { what: what(), source })
}

/// Refuses numbers that JSON cannot hold in a stage's report.
pub(crate) fn check_report(stage: &str, report: &StageReport) -> Result<(), StoreError> {
    report.metrics.iter().try_for_each(|m| check_finite(m.value, || format!("the metric `{}` of stage `{stage}`", m.name)))
}

/// Refuses a number that JSON cannot hold.
pub(crate) fn check_finite(value: f64, what: impl FnOnce() -> String) -> Result<(), StoreError> {
    if value.is_finite() { Ok(()) } else { Err(StoreError::NotFinite { what: what(), value }) }
}
