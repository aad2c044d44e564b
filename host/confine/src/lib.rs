//! Native environments, locked and supervised: the host's side of a component that asks for a process.
//!
//! [`Environment::ensure`] makes a Python environment from a lock in which every file has its hash, and keeps it in the user's cache folder. [`Supervisor::run`] runs a
//! script in it, confined by what the kernel offers, within limits, and says in its [`Outcome`] what confinement there was. Nothing of it is hermetic: a native
//! process sees the processor, the clock and the libraries of the machine. It is recorded, not reproducible.
//!
//! What is confined is started through the program itself, which has a hidden command for it ([`exec_confined`]): between `fork` and `exec` nothing can be done without
//! `unsafe`, and a process that confines itself before it starts another needs none.
//!
//! This crate grants nothing. Whether a component may have a process, of which environment and with which limits, is decided before it is called.

mod environment;
mod process;

pub use environment::{
    Environment, EnvironmentError, Installer, Lock, LockError, LockProblem, Options, PythonVersion, Requirement, VersionError,
    Wheels,
};
pub use process::{
    Confinement, Demand, Ended, Event, FileSystem, Input, InputSource, Job, Limit, Limits, Means, Network, NetworkGrant, Outcome,
    Output, Privileges, ProcessError, Processes, Program, Refused, Shim, Stream, Supervisor, Tail, exec_confined,
};
