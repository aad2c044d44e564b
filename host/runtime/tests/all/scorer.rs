//! A scorer that fails, or breaks its promises, fails the stage that asked: the evaluator here swallows every error and promotes.

use sprag_runtime::StageFailure;
use sprag_schemas::record::DecisionOutcome;

use crate::support::{Call, logs, model, programs};

/// The failure of a stage that asked a bad scorer for predictions over three rows.
fn swallowed(act: &str) -> StageFailure {
    Call::act(programs::evaluator(), "swallow").evaluate(model(act), None, 3).result.unwrap_err()
}

#[test]
fn a_good_scorer_is_no_failure() {
    let finished = Call::act(programs::evaluator(), "swallow").evaluate(model("double"), None, 3);
    assert_eq!(finished.result.unwrap().outcome, DecisionOutcome::Promote);
}

#[test]
fn broken_promises_are_named() {
    let cases = [
        ("predict-columns", "expected 1 output columns from `predict`, found 0"),
        ("predict-rows", "expected 3 rows of float for the output `prediction`, found 4 rows"),
        ("predict-nan", "expected 3 rows of float for the output `prediction`, found NaN in row 0"),
        ("predict-infinite", "expected 3 rows of float for the output `prediction`, found inf in row 0"),
        ("predict-type", "expected 3 rows of float for the output `prediction`, found values of another type"),
        ("predict-null", "expected 3 rows of float for the output `prediction`, found nulls"),
        ("wants-text", "expected the column `x` to be text, found float"),
        ("wants-missing", "cannot score this data: no column `missing`; known columns are `x`, `y`"),
        ("gives-nothing", "expected a model with at least one output column, found none"),
    ];
    for (act, expected) in cases {
        assert_eq!(swallowed(act), StageFailure::Contract(format!("the scorer of the candidate: {expected}")), "{act}");
    }
}

#[test]
fn its_own_failure_and_its_trap_are_named() {
    for (act, expected) in [("predict-refuse", "expected other rows"), ("load-refuse", "expected something else")] {
        let message = format!("the scorer of the candidate: {expected}");
        assert_eq!(swallowed(act), StageFailure::Plugin { kind: "bad input", message });
    }
    for act in ["predict-trap", "load-trap"] {
        let finished = Call::act(programs::evaluator(), "swallow").evaluate(model(act), None, 3);
        let StageFailure::Trap { message, frames } = finished.result.unwrap_err() else { panic!("expected a trap") };
        assert_eq!(message, "the scorer of the candidate trapped: it panicked or aborted; its last words are below");
        assert!(frames.iter().any(|frame| frame.contains("program_trainer")), "{frames:?}");
        assert!(finished.report.stderr.contains("the scorer fell over"), "its last words are kept: {}", finished.report.stderr);
    }
}

#[test]
fn outputs_of_other_types_come_back_as_a_table() {
    let finished = Call::act(programs::evaluator(), "dump").evaluate(model("gives-text"), None, 2);
    assert_eq!(
        logs(&finished.report),
        [
            "prediction: Values::Floats([1.0, 1.0])",
            r#"label: Values::Texts(TextValues { bytes: [114, 111, 119, 32, 48, 114, 111, 119, 32, 49], ends: [5, 10] })"#,
            "sure: Values::Booleans([1, 1])",
        ]
    );
}

#[test]
fn predictions_over_many_batches_stay_in_order() {
    let call = Call::act(programs::evaluator(), "compare").limit(|limits| limits.call = 64 << 20);
    let finished = call.evaluate(model("double"), None, 200_000);
    assert_eq!(finished.result.unwrap().reason, "0 against None");
}

#[test]
fn what_a_scorer_leaves_beside_its_predictions_goes_nowhere() {
    let call = Call::act(programs::evaluator(), "swallow");
    let finished = call.evaluate(model("load-artifact"), None, 3);
    assert!(finished.result.is_ok());
    assert!(finished.report.artifacts.is_empty());
    assert_eq!(call.blobs.len(), 0);
}
