//! The stage kinds: for each a trait, a macro, and the bindings of its world. The kind
//! `unit-test` is a crate of its own, `sprag-sdk-unit-test`, since it imports what a trainer exports.

pub mod evaluate;
pub mod register;
pub mod sanity_check;
pub mod train;
