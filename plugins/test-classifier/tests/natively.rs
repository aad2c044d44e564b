//! The cases pass for a trainer that is right, and a fault is found by the cases that are meant for it.

use sprag_sdk::{Column, Failure, Field, Frame, Scorer};
use sprag_sdk_unit_test::Subject;
use test_classifier::run_all;
use train_logistic::{Classifier, Params, fit};

/// `train-logistic`, run natively, with its penalty changed where that is wanted.
struct Logistic {
    strength: f64,
}

impl Subject for Logistic {
    fn train(&self, params: &str, data: &Frame) -> Result<Vec<u8>, Failure> {
        let mut params: Params = serde_json::from_str(params).map_err(|error| Failure::bad_params(error.to_string()))?;
        params.c *= self.strength;
        Ok(Classifier::try_from(fit(data, &params, &())?)?.state().bytes)
    }

    fn signature(&self, state: &[u8]) -> Result<(Vec<Field>, Vec<Field>), Failure> {
        let model = Classifier::load(state)?;
        Ok((model.inputs(), model.outputs()))
    }

    fn predict(&self, state: &[u8], inputs: &[Column]) -> Result<Vec<Column>, Failure> {
        Classifier::load(state)?.predict(inputs.first().map_or(0, Column::len), inputs)
    }
}

fn failures(trainer: &Logistic, c: &str) -> Vec<(&'static str, String)> {
    run_all(trainer, c).into_iter().filter_map(|(name, outcome)| Some((name, outcome.err()?))).collect()
}

#[test]
fn a_right_trainer_passes_all() {
    assert_eq!(failures(&Logistic { strength: 1.0 }, "c"), []);
}

#[test]
fn a_wrong_penalty_is_found_only_where_it_is_looked_for() {
    let found: Vec<_> = failures(&Logistic { strength: 0.9 }, "c").into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, ["two-classes-have-the-known-probabilities", "three-classes-have-the-known-probabilities"]);
    assert_eq!(failures(&Logistic { strength: 0.9 }, ""), []);
}
