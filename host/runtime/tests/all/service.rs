//! Models outside of any stage: each call has its own time, memory does not pile up, and a scorer that failed is replaced.

use std::time::Duration;

use sprag_core::limits::Limits;
use sprag_data::{Column, Values};
use sprag_runtime::{ScorerPool, ScorerSettings, ScoringFailure, StageFailure};

use crate::support::{block_on, model, numbers, runtime};

fn settings(change: impl FnOnce(&mut Limits)) -> ScorerSettings {
    let mut limits = Limits { memory: 32 << 20, time: Duration::from_secs(60), ..Limits::default() };
    change(&mut limits);
    ScorerSettings { limits, seed: 7 }
}

fn floats(values: &[f64]) -> Vec<Column> {
    vec![Column { values: Values::Floats(values.to_vec()), validity: None }]
}

fn pool(act: &str, most: usize, change: impl FnOnce(&mut Limits)) -> ScorerPool {
    block_on(ScorerPool::load(runtime(), &model(act), &settings(change), most)).unwrap()
}

fn ask(pool: &ScorerPool, x: f64) -> Result<Vec<Column>, ScoringFailure> {
    block_on(pool.predict(1, floats(&[x]))).map(|scored| scored.outputs)
}

#[test]
fn a_table_and_columns_get_the_same_predictions() {
    let mut scorer = block_on(runtime().scorer(&model("double"), &settings(|_| ()))).unwrap();
    assert_eq!((scorer.inputs()[0].name.as_str(), scorer.outputs()[0].name.as_str()), ("x", "prediction"));
    let table = numbers(3);
    let x = table.read("x", 0, 3).unwrap();
    let of_table = block_on(scorer.predict(&table)).unwrap().read("prediction", 0, 3).unwrap();
    let of_columns = block_on(scorer.predict_columns(3, vec![x])).unwrap();
    assert_eq!(of_columns, [of_table]);
    let whole = vec![Column { values: Values::Integers(vec![4]), validity: None }];
    assert_eq!(block_on(scorer.predict_columns(1, whole)).unwrap(), floats(&[8.0]), "integers serve for floats");
}

#[test]
fn predictions_do_not_count_against_the_memory_of_later_calls() {
    let mut scorer = block_on(runtime().scorer(&model("double"), &settings(|_| ()))).unwrap();
    let table = numbers(200_000);
    for _ in 0..40 {
        block_on(scorer.predict(&table)).unwrap();
    }
}

#[test]
fn columns_that_do_not_fit_are_refused_before_the_model_sees_them() {
    let pool = pool("double", 1, |_| ());
    let refused = |rows, columns| block_on(pool.predict(rows, columns)).unwrap_err().to_string();
    assert_eq!(refused(1, vec![]), "expected 1 input columns, found 0");
    assert_eq!(refused(2, floats(&[1.0])), "expected 2 rows in the column `x`, found 1");
    let text = vec![Column { values: Values::Texts { bytes: vec![], ends: vec![0] }, validity: None }];
    assert_eq!(refused(1, text), "expected the column `x` to be float, found text");
}

#[test]
fn each_call_has_its_own_time_and_one_that_loops_harms_no_other() {
    let pool = pool("moody", 2, |limits| limits.time = Duration::from_millis(300));
    let failure = ask(&pool, -2.0).unwrap_err().failure;
    assert_eq!(failure.to_string(), "passed its limit `time` of 300ms");
    assert_eq!(ask(&pool, 4.0).unwrap(), floats(&[8.0]));
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(ask(&pool, 5.0).unwrap(), floats(&[10.0]), "the time of an earlier call is no concern of this one");
}

#[test]
fn a_scorer_that_failed_is_replaced() {
    let pool = pool("moody", 1, |_| ());
    let trapped = ask(&pool, -1.0).unwrap_err();
    assert!(matches!(trapped.failure, StageFailure::Trap { .. }), "{trapped:?}");
    assert!(trapped.last_words.contains("the scorer fell over"), "{trapped:?}");
    assert_eq!(ask(&pool, 4.0).unwrap(), floats(&[8.0]));
    assert!(matches!(ask(&pool, -3.0).unwrap_err().failure, StageFailure::Limit(hit) if hit.key == "memory"));
    assert_eq!(ask(&pool, 4.0).unwrap(), floats(&[8.0]));
    let refused = ask(&pool, -4.0).unwrap_err().failure;
    assert_eq!(refused, StageFailure::Plugin { kind: "bad input", message: "expected a better mood".to_owned() });
    assert_eq!(ask(&pool, 4.0).unwrap(), floats(&[8.0]));
}

#[test]
fn broken_promises_are_named() {
    for (act, expected) in [
        ("predict-nan", "expected 1 rows of float for the output `prediction`, found NaN in row 0"),
        ("predict-rows", "expected 1 rows of float for the output `prediction`, found 2 rows"),
        ("predict-columns", "expected 1 output columns from `predict`, found 0"),
    ] {
        assert_eq!(ask(&pool(act, 1, |_| ()), 1.0).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_scorer_that_never_frees_its_memory_is_replaced_unnoticed() {
    let pool = pool("predict-leak", 1, |limits| limits.memory = 16 << 20);
    for _ in 0..40 {
        assert_eq!(ask(&pool, 4.0).unwrap(), floats(&[1.0]));
    }
}

#[test]
fn a_caller_that_goes_away_in_the_middle_leaves_a_pool_that_works() {
    let pool = pool("moody", 1, |_| ());
    for _ in 0..5 {
        let gone = block_on(async { tokio::time::timeout(Duration::from_millis(50), pool.predict(1, floats(&[-2.0]))).await });
        assert!(gone.is_err(), "it loops for a minute");
        assert_eq!(ask(&pool, 4.0).unwrap(), floats(&[8.0]));
    }
}

#[test]
fn a_model_that_its_scorer_refuses_shows_at_once() {
    let failure = block_on(ScorerPool::load(runtime(), &model("load-refuse"), &settings(|_| ()), 1)).err().unwrap();
    let StageFailure::Plugin { kind, message } = failure else { panic!("expected a refusal, found {failure:?}") };
    assert_eq!(kind, "bad input");
    assert!(message.starts_with("the scorer of sha256:") && message.ends_with(": expected something else"), "{message}");
}

#[test]
fn a_pool_fills_up_to_its_room() {
    let pool = pool("double", 3, |_| ());
    block_on(pool.fill()).unwrap();
    assert_eq!(ask(&pool, 4.0).unwrap(), floats(&[8.0]));
}
