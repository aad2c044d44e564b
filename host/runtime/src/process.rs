//! Scripts in locked environments, as a trait that the caller implements. Nothing here starts a process. A stage call without an implementation has each of its jobs
//! refused.

use std::sync::Arc;
use std::time::Duration;

use sprag_core::limits::Limits;
use sprag_data::Table;
use sprag_schemas::record::{LogLine, ProcessRecord};

use crate::blobs::{ReadAt, ReaderHandle};
use crate::outside::Pending;

/// A script to run once.
#[derive(Clone)]
pub struct ProcessJob {
    /// The environment, by its name; none for the only one that is granted.
    pub environment: Option<String>,
    /// The text of the script.
    pub script: String,
    /// What it finds in its folder `in`, by name.
    pub inputs: Vec<(String, ProcessInput)>,
    /// The seed of all chance.
    pub seed: u64,
    /// The stage's limits.
    pub limits: Limits,
    /// How long it may take: what is left of the stage's time.
    pub time: Duration,
}

/// Something that a script is given.
#[derive(Clone)]
pub enum ProcessInput {
    /// A file of these bytes.
    Bytes(Arc<Vec<u8>>),
    /// A file with the bytes behind a handle.
    Blob(ReaderHandle),
    /// A table.
    Table(Table),
}

/// Who waits for a script.
pub trait ProcessWatch: Send + Sync {
    /// Hears a line that it wrote, or that is about it.
    fn told(&self, line: LogLine);
    /// Whether nobody waits any more: it is ended then.
    fn is_over(&self) -> bool;
}

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessEnding {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal.
    Signalled(i32),
    /// By itself, and it left something that is no file: says what.
    Refused(String),
    /// It passed a limit of the stage, by the key in the project file.
    Limit(&'static str),
    /// Nobody waited for it any more.
    Cancelled,
}

/// A file that a script left.
#[derive(Clone)]
pub struct ProcessOutput {
    /// Its path below `out/`, with `/` between folders.
    pub name: String,
    /// Its bytes.
    pub bytes: Arc<dyn ReadAt>,
}

/// What came of a script.
pub struct ProcessFinished {
    /// How it ended.
    pub ending: ProcessEnding,
    /// The files that it left, by name.
    pub outputs: Vec<ProcessOutput>,
    /// The end of its standard error.
    pub stderr: String,
    /// What the run's record says of it.
    pub record: ProcessRecord,
}

/// Why a script was not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    /// The stage may not.
    #[error("{0}")]
    Denied(String),
    /// The job cannot be as described.
    #[error("{0}")]
    BadJob(String),
    /// The machine does not confine it as demanded.
    #[error("{0}")]
    Unconfined(String),
    /// Nobody waited for it any more before it began.
    #[error("ended before the script began")]
    Stopped,
    /// The machine refused.
    #[error("{0}")]
    Io(String),
}

/// The environments that one stage may run scripts in.
pub trait Processes: Send + Sync {
    /// Runs a script to its end.
    fn run(&self, job: ProcessJob, watch: Arc<dyn ProcessWatch>) -> Pending<Result<ProcessFinished, ProcessError>>;
}
