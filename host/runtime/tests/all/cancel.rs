//! A stage that is asked to stop may end by itself, and is ended where it does not.

use std::time::Duration;

use sprag_runtime::{Finished, StageFailure, Verdict};

use crate::support::{Call, block_on, numbers, programs, runtime};

/// Runs an act and asks it to stop a little later.
fn cancelled(act: &str) -> Finished<Verdict> {
    let call = Call::act(programs::check(), act);
    let cancel = call.stage.cancel.clone();
    let asking = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        cancel.request();
    });
    let finished = block_on(runtime().sanity_check(&call.stage, &numbers(1)));
    asking.join().unwrap();
    finished
}

#[test]
fn a_stage_that_looks_ends_by_itself() {
    assert_eq!(cancelled("honour-stop").result, Err(StageFailure::Cancelled));
}

#[test]
fn a_stage_that_computes_on_is_ended() {
    assert_eq!(cancelled("ignore-stop").result, Err(StageFailure::Cancelled));
}

#[test]
fn a_stage_that_sleeps_on_is_ended() {
    assert_eq!(cancelled("sleep").result, Err(StageFailure::Cancelled));
}

#[test]
fn a_stage_that_is_done_all_the_same_has_its_result() {
    let call = Call::act(programs::check(), "verdict");
    call.stage.cancel.request();
    assert!(call.stage.cancel.is_requested());
    assert_eq!(call.check(&numbers(1)).result, Ok(Verdict::Pass));
}

#[test]
fn a_cancelled_stage_is_recorded_as_such() {
    assert_eq!(StageFailure::Cancelled.to_record().kind, "cancelled");
}
