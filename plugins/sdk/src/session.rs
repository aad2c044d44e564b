//! What a stage tells its run, in short.

use serde::de::DeserializeOwned;

use crate::{Failure, Finding, Measurement, Session, Severity};

impl Session {
    /// The parameters, typed. The host has held them against the plugin's schema already.
    ///
    /// # Errors
    ///
    /// [`Failure::BadParams`] where the schema allows what the type does not.
    pub fn params<P: DeserializeOwned>(&self) -> Result<P, Failure> {
        serde_json::from_str(&self.params_json()).map_err(|error| Failure::bad_params(format!("parameters: {error}")))
    }

    /// Records a finding about a column, or about the whole where `subject` is none.
    pub fn find(&self, severity: Severity, code: &str, message: &str, subject: Option<&str>) {
        self.report(&Finding {
            code: code.to_owned(),
            severity,
            message: message.to_owned(),
            subject: subject.map(str::to_owned),
        });
    }
}

/// A measurement outside any series.
pub fn measurement(name: &str, value: f64, split: &str) -> Measurement {
    Measurement { name: name.to_owned(), value, step: None, split: Some(split.to_owned()) }
}

/// Writes an `info` line to the run's log: `info!(session, "read {rows} rows")`.
#[macro_export]
macro_rules! info {
    ($session:expr, $($message:tt)+) => {
        $session.log($crate::Level::Info, &::std::format!($($message)+), &[])
    };
}

/// Writes a `warn` line to the run's log: `warn!(session, "column `{name}` is constant")`.
#[macro_export]
macro_rules! warn {
    ($session:expr, $($message:tt)+) => {
        $session.log($crate::Level::Warn, &::std::format!($($message)+), &[])
    };
}

/// Who watches long work: is told how far it is, and may stop it.
///
/// Work that takes a watch instead of a [`Session`] runs in a native test too, with `()`.
pub trait Watch {
    /// Says that `done` of `total` units are done.
    ///
    /// # Errors
    ///
    /// [`Failure::Cancelled`] when the work should stop.
    fn advance(&self, done: u64, total: u64) -> Result<(), Failure>;
}

impl Watch for Session {
    fn advance(&self, done: u64, total: u64) -> Result<(), Failure> {
        self.progress(done, Some(total));
        if self.should_stop() { Err(Failure::Cancelled) } else { Ok(()) }
    }
}

/// Nobody watches.
impl Watch for () {
    fn advance(&self, _done: u64, _total: u64) -> Result<(), Failure> {
        Ok(())
    }
}
