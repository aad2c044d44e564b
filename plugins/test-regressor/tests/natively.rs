//! The cases pass for a trainer that is right, and each kind of fault is found by the case that is meant for it.

use sprag_sdk::{Column, Failure, Field, Frame, Scorer};
use sprag_sdk_unit_test::Subject;
use test_regressor::run_all;
use train_ridge::{Line, Params, fit};

/// `train-ridge`, run natively, with a fault where one is wanted.
#[derive(Default)]
struct Ridge {
    penalise_less: bool,
    accept_any_state: bool,
    accept_nan: bool,
}

impl Subject for Ridge {
    fn train(&self, params: &str, data: &Frame) -> Result<Vec<u8>, Failure> {
        let mut params: Params = serde_json::from_str(params).map_err(|error| Failure::bad_params(error.to_string()))?;
        if self.penalise_less {
            params.alpha /= 2.0;
        }
        match fit(data, &params, &()) {
            Err(_) if self.accept_nan => Ok(Vec::new()),
            fitted => Ok(Line::from(fitted?).state().bytes),
        }
    }

    fn signature(&self, state: &[u8]) -> Result<(Vec<Field>, Vec<Field>), Failure> {
        if self.accept_any_state {
            return Ok((Vec::new(), Vec::new()));
        }
        let line = Line::load(state)?;
        Ok((line.inputs(), line.outputs()))
    }

    fn predict(&self, state: &[u8], inputs: &[Column]) -> Result<Vec<Column>, Failure> {
        let line = Line::load(state)?;
        let rows = inputs.first().map_or(0, Column::len);
        let expected = line.inputs().len();
        if inputs.len() != expected {
            return Err(Failure::bad_input(format!("expected {expected} columns")));
        }
        line.predict(rows, inputs)
    }
}

fn failures(trainer: &Ridge) -> Vec<&'static str> {
    run_all(trainer, "alpha").into_iter().filter(|(_, outcome)| outcome.is_err()).map(|(name, _)| name).collect()
}

#[test]
fn a_right_trainer_passes_all() {
    let failed: Vec<_> = run_all(&Ridge::default(), "alpha").into_iter().filter(|(_, outcome)| outcome.is_err()).collect();
    assert_eq!(failed, []);
}

#[test]
fn a_wrong_trainer_is_found() {
    let known = ["six-points-give-the-known-predictions", "six-points-give-the-known-error", "integers-count-as-numbers"];
    assert_eq!(failures(&Ridge { penalise_less: true, ..Ridge::default() }), known);
    let states = ["the-model-names-its-columns", "refuses-a-foreign-state", "refuses-a-truncated-state"];
    assert_eq!(failures(&Ridge { accept_any_state: true, ..Ridge::default() }), states);
    assert_eq!(failures(&Ridge { accept_nan: true, ..Ridge::default() }).len(), 5);
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = run_all(&Ridge::default(), "alpha").into_iter().map(|(name, _)| name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
