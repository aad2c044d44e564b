//! What has no limit of its own is bounded all the same.

use sprag_runtime::{StageFailure, Verdict};

use crate::support::{Call, numbers, programs};

#[test]
fn a_gigabyte_of_standard_error_keeps_its_end() {
    let finished = Call::act(programs::check(), "stderr").check(&numbers(1));
    assert_eq!(finished.result, Ok(Verdict::Pass));
    let stderr = finished.report.stderr;
    assert!(stderr.starts_with("[10737") && stderr.contains("bytes before this were dropped]"), "{}", &stderr[..60]);
    assert!(stderr.ends_with("the endwent on\n") && stderr.len() < 5000, "{}", stderr.len());
}

#[test]
fn standard_output_is_kept_with_standard_error() {
    let report = Call::act(programs::check(), "stdout").check(&numbers(1)).report;
    assert_eq!(report.stderr, "to standard output\nwent on\n");
}

#[test]
fn progress_without_end_is_passed_on_now_and_then() {
    let call = Call::act(programs::check(), "progress");
    assert_eq!(call.check(&numbers(1)).result, Ok(Verdict::Pass));
    let heard = call.signals.lock().unwrap().len();
    assert!((1..10_000).contains(&heard), "{heard}");
}

#[test]
fn texts_of_metrics_and_findings_are_bounded() {
    let long = "x".repeat(201);
    for (name, length) in [("", 0), (long.as_str(), 201)] {
        let (failure, _) = Call::new(programs::check(), &format!(r#"{{"act":"metric-name","with":"{name}"}}"#)).check_fails();
        let message = format!("expected the name of a metric to have 1 to 200 bytes, found {length}");
        assert_eq!(failure, StageFailure::Contract(message));
    }
    let (failure, _) = Call::act(programs::check(), "finding-text").check_fails();
    let message = "expected the message of a finding to have 0 to 65536 bytes, found 1048576";
    assert_eq!(failure, StageFailure::Contract(message.to_owned()));
}
