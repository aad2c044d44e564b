//! The emulator by its own interface, and the Azure plugins over it: natively, with a clock that only they move.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]
#![allow(clippy::print_stderr, reason = "how a test says what it could not do here")]

mod aci;
mod azureml;
mod protocol;
mod provision;
mod webapp;
mod world;
