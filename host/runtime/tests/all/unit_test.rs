//! A unit test calls the trainer under test through the trainer's own interface.

use sprag_runtime::StageFailure;
use sprag_schemas::record::{TestCase, TestOutcome};

use crate::support::{Call, programs};

/// A call of the tester, which gives the trainer these parameters.
fn tester(act: &str, trainer: &str) -> Call {
    Call::new(programs::tester(), &format!(r#"{{"act":"{act}","trainer":"{}"}}"#, trainer.replace('"', "\\\"")))
}

fn case(name: &str, outcome: TestOutcome, message: &str) -> Vec<TestCase> {
    vec![TestCase { name: name.to_owned(), outcome, message: message.to_owned() }]
}

#[test]
fn train_and_score_are_wired_to_the_trainer() {
    let cases = tester("score", "{}").unit_test(programs::mean_trainer()).result;
    let told = r#"text/plain 5 ["prediction"] Some(Values::Floats([5.0, 5.0]))"#;
    assert_eq!(cases, Ok(case("score", TestOutcome::Failed, told)));
    let cases = tester("score", r#"{"act":"double"}"#).unit_test(programs::trainer()).result;
    let told = r#"application/x-act double ["x", "prediction"] Some(Values::Floats([2.0, 4.0]))"#;
    assert_eq!(cases, Ok(case("score", TestOutcome::Failed, told)));
}

#[test]
fn each_outcome_comes_back() {
    let cases = tester("train", "{}").unit_test(programs::mean_trainer()).result;
    assert_eq!(cases, Ok(case("train", TestOutcome::Passed, "")));
    let cases = tester("skip", "{}").unit_test(programs::mean_trainer()).result;
    assert_eq!(cases, Ok(case("skipped", TestOutcome::Skipped, "nothing to do")));
    let cases = tester("train", r#"{"act":"train-refuse"}"#).unit_test(programs::trainer()).result;
    assert_eq!(cases, Ok(case("train", TestOutcome::Failed, "this trainer takes no data")));
}

#[test]
fn parameters_are_held_against_the_trainers_schema() {
    let cases = tester("params", r#"{"alpha":1}"#).unit_test(programs::trainer()).result;
    assert_eq!(cases, Ok(case("params", TestOutcome::Failed, "\"act\" is a required property")));
}

#[test]
fn test_cases_have_names_of_their_own() {
    let told = |act: &str| tester(act, "{}").unit_test(programs::mean_trainer()).result.unwrap_err().to_string();
    assert_eq!(told("same-names"), "expected test cases of different names, found `same` twice");
    assert_eq!(told("no-name"), "expected the name of a test case to have 1 to 200 bytes, found 0");
}

#[test]
fn tables_of_a_test_are_checked() {
    let cases = tester("table", "{}").unit_test(programs::mean_trainer()).result.unwrap();
    assert!(cases[0].message.starts_with("Some(DataError::WrongType("), "{}", cases[0].message);
}

#[test]
fn what_the_trainer_reports_in_a_test_is_not_the_tests() {
    let call = tester("train-twice", r#"{"act":"report"}"#);
    let finished = call.unit_test(programs::trainer());
    assert_eq!(finished.result, Ok(case("train-twice", TestOutcome::Passed, "")));
    let report = finished.report;
    assert!(report.metrics.is_empty() && report.artifacts.is_empty());
    assert_eq!(call.blobs.len(), 0);
    assert_eq!(report.logs.len(), 2, "its log lines are");
}

#[test]
fn a_trainer_that_panics_fails_the_test_with_its_words() {
    let finished = tester("train", r#"{"act":"train-trap"}"#).unit_test(programs::trainer());
    assert!(matches!(finished.result, Err(StageFailure::Trap { .. })), "{:?}", finished.result);
    assert!(finished.report.stderr.contains("the trainer fell over"), "{}", finished.report.stderr);
}

#[test]
fn a_trainer_that_loops_hits_the_time_of_the_test() {
    let call = tester("train", r#"{"act":"train-loop"}"#).limit(|limits| limits.time = std::time::Duration::from_millis(300));
    assert_eq!(call.unit_test(programs::trainer()).result.unwrap_err().to_string(), "passed its limit `time` of 300ms");
}

#[test]
fn what_a_test_makes_is_bounded() {
    let hit = |call: Call| call.unit_test(programs::trainer()).result.unwrap_err().to_string();
    let trainer = r#"{"act":"double"}"#;
    let small = |act: &str| tester(act, trainer).limit(|limits| limits.memory = 16 << 20);
    assert_eq!(hit(tester("tables", trainer)), "passed its limit `handles` of 100");
    assert_eq!(hit(tester("states", trainer)), "passed its limit `model` of 1MiB");
    assert_eq!(hit(small("models")), "passed its limit `memory` of 16MiB");
    assert_eq!(hit(small("states").limit(|limits| limits.model = 1 << 30)), "passed its limit `memory` of 16MiB");
    assert_eq!(hit(small("tables").limit(|limits| limits.handles = 1_000_000)), "passed its limit `memory` of 16MiB");
}
