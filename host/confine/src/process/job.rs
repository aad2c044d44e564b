//! What is to run, on what, and within which limits.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One process to run in an environment.
#[derive(Debug, Clone)]
pub struct Job {
    /// What runs.
    pub program: Program,
    /// What it is handed on its command line. Every user of the machine can read it there: parameters go into a file.
    pub arguments: Vec<String>,
    /// What it finds in `in/`.
    pub inputs: Vec<Input>,
    /// `SPRAG_SEED` of its environment.
    pub seed: u64,
    /// `OMP_NUM_THREADS` of its environment: how many threads the numeric libraries start.
    pub threads: u32,
    /// Its limits.
    pub limits: Limits,
    /// Whether it may use the network.
    pub network: NetworkGrant,
    /// What is done where the machine cannot confine it.
    pub demand: Demand,
    /// Where its working directory is made.
    pub folder: PathBuf,
}

/// What runs.
#[derive(Debug, Clone)]
pub enum Program {
    /// A Python script, by its text.
    Script(String),
    /// A program of the environment's `bin` folder, by its name.
    Named(String),
}

/// A file that the process finds in `in/`.
#[derive(Debug, Clone)]
pub struct Input {
    /// Letters, digits, `.`, `_` and `-`, the first no `.`.
    pub name: String,
    /// What is in it.
    pub source: InputSource,
}

/// What is in an input.
#[derive(Debug, Clone)]
pub enum InputSource {
    /// The content of a file. It is linked where the process cannot change it, else copied.
    File(PathBuf),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// The limits of a process. Each that is passed ends it, and is named in the outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Wall time. Does not cover the making of the environment and the copying of inputs.
    pub time: Duration,
    /// Processor time of each process (`RLIMIT_CPU`), in whole seconds; none for no limit beside `time`.
    pub cpu: Option<Duration>,
    /// Bytes of memory of all its processes together, and of data of each (`RLIMIT_DATA`). The sum is sampled: between two looks more may be touched. Address space that is
    /// merely reserved is not counted, as numeric libraries reserve much.
    pub memory: u64,
    /// Bytes on disk in `out/` and `tmp/`, and in files that have lost their name. One file cannot pass it (`RLIMIT_FSIZE`); the sum is sampled.
    pub disk: u64,
    /// Entries in `out/` and `tmp/`, sampled.
    pub files: u64,
    /// Processes and threads. Held by the kernel for ordinary users in a user namespace (`RLIMIT_NPROC`), sampled for others.
    pub processes: u64,
    /// Files that a process has open (`RLIMIT_NOFILE`).
    pub open_files: u64,
    /// Files that are read from `out/`.
    pub outputs: u64,
    /// Bytes of all that is read from `out/`.
    pub output_bytes: u64,
    /// Bytes that are kept of the end of each of standard output and error. More is dropped, without an error.
    pub kept: usize,
    /// Bytes of lines of each of standard output and error that are told to the observer. More is dropped, and that is told once.
    pub told: u64,
    /// How long a process that was asked to end may take to do so.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        Self {
            time: Duration::from_secs(600),
            cpu: None,
            memory: 2 * GIB,
            disk: GIB,
            files: 10_000,
            processes: 256,
            open_files: 1024,
            outputs: 1000,
            output_bytes: GIB,
            kept: 64 << 10,
            told: 1 << 20,
            grace: Duration::from_secs(2),
        }
    }
}

/// Whether a process may use the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkGrant {
    /// It may not.
    Closed,
    /// It may use all of it: what leaves is neither held against a list of hosts nor recorded.
    Open,
}

/// What is done where the machine cannot confine a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// It does not start unless its view of the file system is confined, the network is closed where it is not granted, and privileges are dropped.
    Confined,
    /// It starts with what confinement there is, and the outcome says what that was.
    WhatThereIs,
}
