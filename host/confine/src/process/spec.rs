//! What the program's hidden command is told, and what it tells back.
//!
//! A process goes through three or four others: `outer`, which finds and ends all that is left; a wrapper that makes namespaces (`bwrap`, `unshare`), or none; `inner`, which
//! puts the rest of the confinement in place, and becomes the process where there is no wrapper; the process itself. Both are this program. What they tell goes through the writing end of a pipe that is their standard
//! *input*: it passes through any wrapper without a file descriptor of its own, and the process, whose standard input is `/dev/null`, never has it.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::confinement::Confinement;
use super::job::{Demand, NetworkGrant};
use super::namespaces::Namespaces;
use super::outcome::Ended;
use super::{inner, outer};

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Spec {
    pub(crate) step: Step,
    /// The process that starts this one, and with which it is to end.
    pub(crate) supervisor: u32,
    /// The command that makes namespaces and starts what follows it; empty for none.
    pub(crate) wrapper: Vec<String>,
    /// This program's hidden command, as it is found within the wrapper.
    pub(crate) shim: Vec<String>,
    /// What runs, with its arguments.
    pub(crate) program: Vec<String>,
    /// Where it runs.
    pub(crate) directory: String,
    /// Whether the wrapper made a file system that holds nothing else.
    pub(crate) view: View,
    /// What it may read, and run.
    pub(crate) readable: Vec<String>,
    /// What it may write.
    pub(crate) writable: Vec<String>,
    pub(crate) ceilings: Ceilings,
    pub(crate) network: NetworkGrant,
    pub(crate) demand: Demand,
    /// The namespaces of the process that supervises.
    pub(crate) outside: Namespaces,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    /// Ends at once: whether a wrapper works is found out by running this in it.
    Probe,
    Outer,
    /// Becomes the wrapper, as a process that does not outlive the outermost helper.
    Leash,
    Inner,
}

/// What a wrapper makes of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum View {
    /// A new one, that holds what is needed alone.
    New,
    /// The machine's, in a mount namespace of its own.
    Private,
    /// The machine's.
    Shared,
}

/// Limits that the kernel holds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Ceilings {
    pub(crate) cpu_seconds: Option<u64>,
    pub(crate) data: u64,
    pub(crate) file: u64,
    pub(crate) open_files: u64,
    pub(crate) processes: u64,
    /// Bytes of `/dev/shm`, where there is one of its own.
    pub(crate) shared_memory: u64,
}

/// What the hidden command tells, one JSON document a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Said {
    /// All is in place, and the process starts.
    Confined(Confinement),
    /// Not all that is demanded is there.
    Unconfined(Vec<String>),
    /// Something failed before the process started.
    Failed(String),
    /// The process could not be started.
    NotStarted(String),
    /// It ended.
    Ended(Ended),
    /// The wrapper ended, which says something where nothing else was said.
    Wrapper(Ended),
}

/// Says something to the process that supervises. That it cannot be heard is no failure: nobody is there who would care.
pub(crate) fn say(said: &Said) {
    let mut line = serde_json::to_vec(said).expect("texts and numbers alone");
    line.push(b'\n');
    let _unheard = std::io::stdin().as_fd().try_clone_to_owned().map(|pipe| File::from(pipe).write_all(&line));
}

/// The hidden command: confines this process by what the text says, and runs what it names. [`Supervisor`](super::Supervisor) starts it; nobody else has a use for it.
pub fn exec_confined(spec_json: &str) -> ExitCode {
    let spec: Spec = match serde_json::from_str(spec_json) {
        Ok(spec) => spec,
        Err(error) => {
            say(&Said::Failed(format!("expected what is to be confined as JSON, found something else: {error}")));
            return ExitCode::FAILURE;
        }
    };
    match spec.step {
        Step::Probe => ExitCode::SUCCESS,
        Step::Outer => outer::run(spec),
        Step::Leash => outer::leash(&spec),
        Step::Inner => inner::run(&spec),
    }
}
