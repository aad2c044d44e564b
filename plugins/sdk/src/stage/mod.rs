//! The stage kinds: for each a trait, a macro, and the bindings of its world. The kind
//! `unit-test` is a crate of its own, `sprag-sdk-unit-test`, since it imports what a trainer exports.

pub mod approve;
pub mod deploy;
pub mod evaluate;
pub mod notify;
pub mod package;
pub mod provision;
pub mod register;
mod releases;
pub mod sanity_check;
pub mod smoke_test;
pub mod train;
