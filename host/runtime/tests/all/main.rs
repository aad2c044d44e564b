//! Runs compiled guests, good and bad, through the runtime's public interface.
//!
//! Each hostile act must end in the one failure that names it. No test measures time: limits on time are only asserted to have been hit.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod cancel;
mod determinism;
mod failures;
mod floods;
mod handover;
mod interpreter;
mod limits;
mod linalg;
mod models;
mod refusals;
mod register;
mod scorer;
mod service;
mod support;
mod unit_test;
mod wasi;

/// A test program that no module runs is an error of compilation: each has its loader, whose use the compiler checks in turn.
macro_rules! assert_is_run {
    ($name:ident $path:ident) => {
        let _: fn() -> sprag_runtime::Loaded = support::programs::$name;
        assert!(std::path::Path::new(sprag_test_programs::$path).is_file());
    };
}

#[test]
fn every_program_has_a_loader() {
    sprag_test_programs::foreach_program!(assert_is_run);
}
