//! Training, and judging candidate against production.

use sprag_runtime::StageFailure;
use sprag_schemas::record::{Decision, DecisionOutcome, Metric};

use crate::support::{Call, block_on, logs, model, model_of, numbers, programs, runtime};

#[test]
fn a_trainer_leaves_a_model_with_its_signature() {
    let call = Call::new(programs::mean_trainer(), "{}");
    let finished = call.train();
    let trained = finished.result.unwrap();
    assert_eq!((trained.media_type.as_str(), trained.bytes), ("text/plain", 1));
    assert_eq!(call.blobs.get(&trained.state.to_string()), b"4");
    assert!(trained.inputs.is_empty());
    let output = &trained.outputs[0];
    assert_eq!((output.name.as_str(), output.dtype.as_str()), ("prediction", "float"));
    let mean = Metric { name: "mean".into(), value: 4.0, step: None, split: Some("training".into()) };
    assert_eq!(finished.report.metrics, [mean]);
}

#[test]
fn a_trainer_sees_its_validation_rows_where_there_are_some() {
    let call = Call::act(programs::trainer(), "report");
    let finished = block_on(runtime().train(&call.stage, &numbers(5), Some(&numbers(2))));
    assert!(finished.result.is_ok());
    assert_eq!(finished.report.metrics[0].value, 5.0);
    assert_eq!(logs(&finished.report), ["validation of Some(2) rows"]);
    assert_eq!(finished.report.artifacts[0].name, "notes.txt");
}

#[test]
fn a_trainer_that_fails_leaves_no_model() {
    for act in ["train-refuse", "train-trap"] {
        let call = Call::act(programs::trainer(), act);
        assert!(call.train().result.is_err());
        assert_eq!(call.blobs.len(), 0, "{act}");
    }
}

#[test]
fn a_model_that_its_own_scorer_refuses_is_the_trainers_failure() {
    let failure = Call::act(programs::trainer(), "load-refuse").train().result.unwrap_err();
    let message =
        "expected a model that its own scorer loads, found that the scorer refuses it (bad input: expected something else)";
    assert_eq!(failure, StageFailure::Contract(message.to_owned()));
}

#[test]
fn a_scorer_that_panics_on_its_own_model_says_so() {
    let finished = Call::act(programs::trainer(), "load-trap").train();
    let StageFailure::Trap { message, .. } = finished.result.unwrap_err() else { panic!("expected a trap") };
    assert_eq!(message, "the model's own scorer trapped: it panicked or aborted; its last words are below");
    assert!(finished.report.stderr.contains("the scorer fell over"), "{}", finished.report.stderr);
}

#[test]
fn a_signature_must_make_sense() {
    let told = |act: &str| Call::act(programs::trainer(), act).train().result.unwrap_err().to_string();
    let prefix = "the model's own scorer: expected";
    assert_eq!(told("gives-nothing"), format!("{prefix} a model with at least one output column, found none"));
    assert_eq!(told("gives-unnamed"), format!("{prefix} a name for every output column of the model, found an empty one"));
    let twice =
        |which: &str, name: &str| format!("{prefix} different names for the {which} columns of the model, found `{name}` twice");
    assert_eq!(told("gives-twice"), twice("output", "prediction"));
    assert_eq!(told("wants-twice"), twice("input", "x"));
}

#[test]
fn a_better_candidate_is_promoted_and_a_worse_one_is_not() {
    let call = Call::act(programs::evaluator(), "compare");
    let (good, bad) = (model("double"), model_of(programs::mean_trainer(), b"4"));
    let decided = |outcome, reason: &str| Decision { outcome, reason: reason.to_owned() };

    let first = call.evaluate(good.clone(), None, 3);
    assert_eq!(first.result, Ok(decided(DecisionOutcome::Promote, "0 against None")));
    let better = call.evaluate(good.clone(), Some(bad.clone()), 3);
    assert_eq!(better.result, Ok(decided(DecisionOutcome::Promote, "0 against Some(8.0)")));
    let splits: Vec<_> = better.report.metrics.iter().map(|metric| (metric.split.as_deref(), metric.value)).collect();
    assert_eq!(splits, [(Some("candidate"), 0.0), (Some("production"), 8.0 / 3.0)]);
    let worse = call.evaluate(bad, Some(good), 3);
    assert_eq!(worse.result, Ok(decided(DecisionOutcome::Keep, "8 against Some(0.0)")));
    let blocked = Call::act(programs::evaluator(), "blocked").evaluate(model("double"), None, 3);
    assert_eq!(blocked.result, Ok(decided(DecisionOutcome::Blocked, "breaks a rule")));
}

#[test]
fn models_show_who_they_are() {
    let call = Call::act(programs::evaluator(), "look");
    let mut production = model_of(programs::mean_trainer(), b"4");
    production.version = Some("diabetes@3".to_owned());
    let candidate = model("double");
    let finished = call.evaluate(candidate.clone(), Some(production.clone()), 3);
    let expected = [
        format!(r#"None ["x"] ["prediction"] {}"#, candidate.digest),
        format!(r#"Some("diabetes@3") [] ["prediction"] {}"#, production.digest),
    ];
    assert_eq!(logs(&finished.report), expected);
}

#[test]
fn an_evaluator_that_fails_promotes_nothing() {
    let refused = Call::act(programs::evaluator(), "refuse").evaluate(model("double"), None, 3).result.unwrap_err();
    assert_eq!(refused.to_string(), "not supported: no such metric");
    let nan = Call::act(programs::evaluator(), "nan").evaluate(model("double"), None, 3).result.unwrap_err();
    assert_eq!(nan.to_string(), "expected a finite value for the metric `mse` of `candidate`, found NaN");
}

#[test]
fn a_production_model_whose_state_is_damaged_is_named() {
    let mut production = model("load-refuse");
    production.version = Some("diabetes@3".to_owned());
    let failure = Call::act(programs::evaluator(), "compare").evaluate(model("double"), Some(production), 3).result.unwrap_err();
    let message = "the scorer of diabetes@3: expected something else".to_owned();
    assert_eq!(failure, StageFailure::Plugin { kind: "bad input", message });
}
