//! A stage that fails is told apart by how it failed, with its own last words.

use sprag_runtime::StageFailure;

use crate::support::{Call, MemoryBlobs, numbers, programs};

fn fails(act: &str) -> (StageFailure, String) {
    let (failure, report) = Call::act(programs::check(), act).check_fails();
    (failure, report.stderr)
}

#[test]
fn a_panic_keeps_its_message_and_its_frames() {
    let (failure, stderr) = fails("panic");
    assert!(stderr.contains("the sky is falling"), "{stderr}");
    let StageFailure::Trap { message, frames } = &failure else { panic!("{failure:?}") };
    assert_eq!(message, "trapped: it panicked or aborted; its last words are below");
    assert!(frames.iter().any(|frame| frame.contains("program_check")), "{frames:?}");
    let record = failure.to_record();
    assert_eq!((record.kind.as_str(), record.frames.is_empty(), record.limit), ("trap", false, None));
}

#[test]
fn a_division_by_zero_is_a_trap() {
    let (failure, stderr) = fails("divide");
    assert!(matches!(failure, StageFailure::Trap { .. }), "{failure:?}");
    assert!(stderr.contains("divide by zero"), "{stderr}");
}

#[test]
fn an_abort_is_a_trap_without_words() {
    let (failure, stderr) = fails("abort");
    assert!(matches!(failure, StageFailure::Trap { .. }), "{failure:?}");
    assert_eq!(stderr, "");
}

#[test]
fn endless_recursion_is_told_as_such() {
    let cases = [
        ("recurse", "trapped: it went beyond its memory, which endless recursion does too"),
        ("recurse-lightly", "trapped: it used up its stack, which endless recursion does"),
    ];
    for (act, expected) in cases {
        let (failure, _) = fails(act);
        let StageFailure::Trap { message, frames } = failure else { panic!("{failure:?}") };
        assert_eq!((message.as_str(), frames.len()), (expected, 20));
        assert!(frames.iter().all(|frame| frame.contains("recurse")), "{frames:?}");
    }
}

/// WASI 0.2 has no exit codes but these two.
#[test]
fn a_stage_may_not_end_its_process() {
    let (failure, _) = fails("exit");
    let expected = "expected a stage to return, found that it ended its process with code 1";
    assert_eq!(failure, StageFailure::Contract(expected.to_owned()));
}

#[test]
fn each_failure_of_the_contract_keeps_its_words() {
    let cases = [
        ("bad-input", "bad input"),
        ("bad-params", "bad parameters"),
        ("unsupported", "not supported"),
        ("retry", "try again"),
        ("internal", "fault in the plugin"),
    ];
    for (case, kind) in cases {
        let (failure, _) = Call::new(programs::check(), &format!(r#"{{"act":"failure","with":"{case}"}}"#)).check_fails();
        assert_eq!(failure, StageFailure::Plugin { kind, message: "the words of the plugin".to_owned() });
        assert_eq!(failure.to_record().kind, "plugin-failed");
    }
}

#[test]
fn a_stage_that_pretends_to_be_cancelled_is_not_believed() {
    let (failure, _) = fails("pretend-stop");
    assert!(matches!(&failure, StageFailure::Contract(message) if message.contains("nobody asked it to")), "{failure:?}");
}

#[test]
fn parameters_that_only_the_type_refuses_fail_with_their_reason() {
    let (failure, _) = Call::new(programs::check(), r#"{"act":7}"#).check_fails();
    let StageFailure::Plugin { kind: "bad parameters", message } = failure else { panic!("{failure:?}") };
    assert!(message.starts_with("parameters: invalid type: integer `7`, expected a string"), "{message}");
}

#[test]
fn metrics_must_be_finite() {
    for (value, found) in [("NaN", "NaN"), ("inf", "inf"), ("-inf", "-inf")] {
        let call = Call::new(programs::check(), &format!(r#"{{"act":"metric","with":"{value}"}}"#));
        let (failure, report) = call.check_fails();
        let message = format!("expected a finite value for the metric `mse` of `candidate`, found {found}");
        assert_eq!(failure, StageFailure::Contract(message));
        assert_eq!((report.metrics.len(), report.stderr.as_str()), (0, ""));
    }
}

#[test]
fn artifact_names_cannot_leave_their_folder() {
    for name in ["../x", "a/b", "a\\\\b", ".hidden", "..", "sp ace", "nul\\u0000", "é", "/etc/passwd"] {
        let (failure, report) = Call::new(programs::check(), &format!(r#"{{"act":"artifact","with":"{name}"}}"#)).check_fails();
        let StageFailure::Contract(message) = failure else { panic!("{failure:?}") };
        assert!(message.starts_with("expected an artifact name of letters, digits,"), "{message}");
        assert!(report.artifacts.is_empty());
    }
    for (name, length) in [("", 0), (&*"x".repeat(201), 201)] {
        let (failure, _) = Call::new(programs::check(), &format!(r#"{{"act":"artifact","with":"{name}"}}"#)).check_fails();
        let message = format!("expected the name of an artifact to have 1 to 200 bytes, found {length}");
        assert_eq!(failure, StageFailure::Contract(message));
    }
}

#[test]
fn an_artifact_is_made_once() {
    let (failure, report) = fails_with_report("artifact-twice");
    assert_eq!(failure, StageFailure::Contract("expected a new artifact name, found `a` a second time".to_owned()));
    assert!(report.artifacts.is_empty(), "a stage that failed leaves no artifact");
}

fn fails_with_report(act: &str) -> (StageFailure, sprag_schemas::record::StageReport) {
    Call::act(programs::check(), act).check_fails()
}

#[test]
fn a_full_disk_is_not_the_plugins_fault() {
    let blobs = MemoryBlobs::with_room(3);
    let finished = Call::stored(programs::check(), r#"{"act":"report"}"#, blobs).check(&numbers(1));
    let StageFailure::Host(message) = finished.result.unwrap_err() else { panic!("expected the host's failure") };
    assert_eq!(message, "failed to write: no storage space");
    assert_eq!(finished.report.metrics.len(), 2, "what was reported before is kept");
}
