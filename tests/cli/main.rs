//! The program as a person or a CI system meets it: command lines in; text, files and exit codes out.
//!
//! Each test has a project, a home and an environment of its own, and all share one cache of compiled code, so that each component is
//! compiled once. What a plugin or a crate does by itself is tested where it lives; here it is the wiring, and what must hold whatever
//! happens to the process.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "how a test says where its files are and what it could not do here")]

mod authoring;
mod authoring_rust;
mod bad_data;
mod bad_plugins;
mod bad_projects;
mod batches;
mod cache;
mod canary;
mod checks;
mod ci;
mod conformance;
mod context;
mod deploy_local;
mod drift;
mod full_disk;
mod gated;
mod goldens;
mod hostile;
mod killed;
mod lifecycle;
mod lineage;
mod locked;
mod onnx;
mod package;
mod page;
mod pipelines;
mod plan;
mod policy;
mod provision;
mod records;
mod reference;
mod release;
mod released;
mod report;
mod reports;
mod scaffold;
mod score;
mod scripts;
mod serve;
mod serve_fuzz;
mod serve_starts;
mod server;
mod smoke;
mod standalone;
mod supervised;
mod swap;
mod together;
mod told;
