//! What came of a process, and what is told while it runs.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::confinement::Confinement;
use super::outputs::{Output, Refused};
use super::tail::Tail;
use super::workspace::Workspace;

/// What came of a process.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// The limit that ended it, or at which it gave up by itself.
    pub limit: Option<Limit>,
    /// Whether it was cancelled.
    pub was_cancelled: bool,
    /// What confinement it had.
    pub confinement: Confinement,
    /// The files that it left in `out/`, sorted by name. They last as long as this outcome.
    pub outputs: Vec<Output>,
    /// What it left in `out/` that is no file, or too much.
    pub refused: Vec<Refused>,
    /// The end of its standard output.
    pub stdout: Tail,
    /// The end of its standard error.
    pub stderr: Tail,
    /// How long it took.
    pub wall: Duration,
    /// The most memory that all its processes were seen to hold, in bytes; none where it ended before anyone looked. Sampled, so it may have been more.
    pub peak_memory: Option<u64>,
    /// What holds the outputs.
    pub(crate) _workspace: Workspace,
}

impl Outcome {
    /// Whether it did what it was to do: ended by itself, without a failure, and left nothing in `out/` that is no file.
    pub fn is_success(&self) -> bool {
        let stopped = self.was_cancelled || self.limit.is_some();
        self.ended == Ended::Exited(0) && !stopped && self.refused.is_empty()
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal, by its number.
    Signalled(i32),
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(formatter, "exit code {code}"),
            Self::Signalled(signal) => write!(formatter, "signal {signal}"),
        }
    }
}

/// A limit that a process hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Wall time.
    Time,
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Bytes on disk.
    Disk,
    /// Files and folders.
    Files,
    /// Processes and threads.
    Processes,
}

impl fmt::Display for Limit {
    /// The name of the field of [`Limits`](super::Limits).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Time => "time",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Files => "files",
            Self::Processes => "processes",
        })
    }
}

/// Which output of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What is told while a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is confined, and starts.
    Confined(Confinement),
    /// It wrote a line. What is no text is escaped; a long line comes in pieces.
    Line(Stream, String),
    /// It wrote more than is told.
    Silenced(Stream),
    /// It was asked to end.
    Asked,
    /// It did not, and is being ended.
    Killed,
}
