//! sprag among the real parts of its users: registries, container engines, clients, mail servers, clusters and clouds. What is not packaged for these
//! machines is stood in for by an emulator of `tests/emulators` that is held against the vendor's published interface.
//!
//! A person may go without a part: its test says so and passes. With `CI` set, a part that is missing fails its test; `.ci/run` installs them all, and
//! names those that no package has in `SPRAG_TESTS_WITHOUT`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "how a test says what it could not do here")]

mod api;
mod azure;
mod client;
mod component;
mod container;
#[path = "../cli/context/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the tests of the command line, which use all of it")]
mod context;
mod kubernetes;
mod languages;
mod login;
mod mlflow;
mod notify;
mod page;
mod part;
mod plugins;
mod registry;
mod scikit_learn;
mod triton;
mod wasmtime;
mod watched;
