//! Each limit, hit by a stage of its own kind, is named in the failure.

use std::time::Duration;

use sprag_runtime::{LimitHit, StageFailure};
use sprag_schemas::record::StageReport;

use crate::support::{Call, model, numbers, programs};

/// Runs an act that must hit a limit, which ends it before it says that it went on.
fn hits(call: &Call, key: &'static str, limit: &str) -> StageReport {
    let (failure, report) = call.check_fails();
    assert_eq!(failure, StageFailure::Limit(LimitHit { key, limit: limit.to_owned() }));
    assert_eq!(failure.to_string(), format!("passed its limit `{key}` of {limit}"));
    let record = failure.to_record();
    assert_eq!((record.kind.as_str(), record.limit.as_deref()), ("limit-hit", Some(key)));
    assert!(!report.stderr.contains("went on"), "{}", report.stderr);
    report
}

fn act(act: &str) -> Call {
    Call::act(programs::check(), act)
}

#[test]
fn an_endless_loop_hits_the_time() {
    hits(&act("loop").limit(|limits| limits.time = Duration::from_millis(300)), "time", "300ms");
}

#[test]
fn an_endless_sleep_hits_the_time() {
    hits(&act("sleep").limit(|limits| limits.time = Duration::from_millis(300)), "time", "300ms");
}

#[test]
fn stopping_because_the_time_is_nearly_over_hits_the_time() {
    hits(&act("honour-stop").limit(|limits| limits.time = Duration::from_secs(1)), "time", "1s");
}

#[test]
fn allocation_without_end_hits_the_memory() {
    hits(&act("allocate").limit(|limits| limits.memory = 16 << 20), "memory", "16MiB");
}

#[test]
fn too_little_memory_to_start_hits_the_memory() {
    hits(&act("verdict").limit(|limits| limits.memory = 64 << 10), "memory", "64KiB");
}

#[test]
fn walks_kept_open_hit_the_handles() {
    hits(&act("handles"), "handles", "100");
}

#[test]
fn handles_of_the_guests_own_count_too() {
    let failure = Call::act(programs::trainer(), "own-handles").train().result.unwrap_err();
    assert_eq!(failure, StageFailure::Limit(LimitHit { key: "handles", limit: "100".to_owned() }));
}

#[test]
fn a_huge_argument_hits_the_call() {
    let call = Call::new(programs::check(), r#"{"act":"call","len":5000000}"#).limit(|limits| limits.logs = 1 << 30);
    hits(&call, "call", "4MiB");
}

#[test]
fn a_huge_batch_of_rows_hits_the_call() {
    // 600 000 rows of 8 bytes, in a call that may carry 4 MiB.
    let call = Call::new(programs::check(), r#"{"act":"read-range","with":"x","len":600000}"#);
    let failure = call.check(&numbers(600_000)).result.unwrap_err();
    assert_eq!(failure.to_string(), "passed its limit `call` of 4MiB");
}

#[test]
fn metrics_hit_their_number_one_by_one_and_in_a_batch() {
    let report = hits(&act("metrics"), "metrics", "100");
    assert_eq!(report.metrics.len(), 100, "those before the limit are kept");
    let call = act("metrics-batch").limit(|limits| (limits.call, limits.memory) = (1 << 30, 1 << 30));
    assert_eq!(hits(&call, "metrics", "100").metrics.len(), 0);
}

#[test]
fn a_million_metrics_in_one_call_may_hit_the_call_first() {
    hits(&act("metrics-batch").limit(|limits| limits.memory = 1 << 30), "call", "4MiB");
}

#[test]
fn findings_hit_their_number() {
    assert_eq!(hits(&act("findings"), "findings", "100").findings.len(), 100);
}

#[test]
fn log_lines_and_their_fields_hit_the_logs() {
    hits(&act("logs"), "logs", "64KiB");
    hits(&act("log-fields").limit(|limits| limits.call = 1 << 30), "logs", "64KiB");
}

#[test]
fn artifacts_hit_their_bytes() {
    let report = hits(&act("artifact-bytes"), "artifacts", "64KiB");
    assert!(report.artifacts.is_empty());
    hits(&act("artifact-flood").limit(|limits| limits.handles = 1_000_000), "artifacts", "64KiB");
}

#[test]
fn a_model_hits_its_bytes() {
    let failure =
        Call::act(programs::trainer(), "state-flood").limit(|limits| limits.memory = 1 << 30).train().result.unwrap_err();
    assert_eq!(failure, StageFailure::Limit(LimitHit { key: "model", limit: "1MiB".to_owned() }));
}

#[test]
fn memory_counts_over_the_scorers_that_a_stage_calls() {
    // Each of the two scorers holds 24 MiB: one fits, two do not.
    let call = Call::act(programs::evaluator(), "look").limit(|limits| limits.memory = 40 << 20);
    assert!(call.evaluate(model("load-allocate"), None, 3).result.is_ok());
    let failure = call.evaluate(model("load-allocate"), Some(model("load-allocate")), 3).result.unwrap_err();
    assert_eq!(failure.to_string(), "passed its limit `memory` of 40MiB");
}

#[test]
fn predictions_that_are_hoarded_hit_the_memory() {
    let call = Call::act(programs::evaluator(), "hoard").limit(|limits| limits.handles = 1_000_000);
    let failure = call.evaluate(model("double"), None, 20_000).result.unwrap_err();
    assert_eq!(failure.to_string(), "passed its limit `memory` of 64MiB");
}

#[test]
fn the_time_counts_over_trainer_and_scorer() {
    for act in ["train-loop", "load-loop"] {
        let call = Call::act(programs::trainer(), act).limit(|limits| limits.time = Duration::from_millis(300));
        assert_eq!(call.train().result.unwrap_err().to_string(), "passed its limit `time` of 300ms");
    }
    let call = Call::act(programs::evaluator(), "swallow").limit(|limits| limits.time = Duration::from_millis(300));
    let failure = call.evaluate(model("predict-loop"), None, 3).result.unwrap_err();
    assert_eq!(failure.to_string(), "passed its limit `time` of 300ms");
}
