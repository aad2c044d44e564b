//! The cases. Each is a function from the trainer to an outcome.

use serde_json::json;
use sprag_sdk::{Column, Failure, Frame, Values};
use sprag_sdk_unit_test::{Outcome, Subject};

/// A trainer, and what it calls its penalty.
struct Trainer<'a> {
    subject: &'a dyn Subject,
    alpha: &'a str,
}

type Case = fn(&Trainer<'_>) -> Outcome;

const CASES: &[(&str, Case)] = &[
    ("six-points-give-the-known-predictions", |trainer| {
        predictions(trainer, &six_points(), 1.2, &[1.0, 2.0], &[9.939_393_939_393_94, 9.030_303_030_303_03])
    }),
    ("six-points-give-the-known-error", |trainer| {
        let found = train_and_predict(trainer, &six_points(), 1.2, &[3.0, 4.0])?;
        let mse = found.iter().zip([8.0, 7.0]).map(|(found, truth)| (found - truth).powi(2)).sum::<f64>() / 2.0;
        near("the mean squared error", mse, 0.029_843_893_480_257_067)
    }),
    ("no-penalty-finds-an-exact-line", |trainer| {
        predictions(trainer, &table(&[-1.0, 0.0, 2.0, 5.0], &[-1.0, 1.0, 5.0, 11.0]), 0.0, &[10.0, -3.0], &[21.0, -5.0])
    }),
    ("a-huge-penalty-leaves-the-mean", |trainer| {
        let found = train_and_predict(trainer, &six_points(), 1e12, &[1.0, 6.0])?;
        found.iter().try_for_each(|&found| near("a prediction", found, 46.0 / 6.0))
    }),
    ("a-constant-feature-carries-nothing", |trainer| {
        predictions(trainer, &table(&[4.0, 4.0, 4.0], &[1.0, 2.0, 6.0]), 1.0, &[4.0], &[3.0])
    }),
    ("one-row-gives-its-own-target", |trainer| predictions(trainer, &table(&[3.0], &[7.0]), 1.0, &[3.0], &[7.0])),
    ("integers-count-as-numbers", |trainer| {
        let x = Column { values: Values::Integers(vec![1, 2, 3, 4, 5, 6]), validity: None };
        let data = Frame::new([("x", x), ("y", Column::floats(SIX_POINTS.to_vec()))]).with_target("y");
        let state = train(trainer, 1.2, &data)?;
        let found = trainer.predict(&state, &[Column { values: Values::Integers(vec![1]), validity: None }]).map_err(told)?;
        near("the prediction", found.first().copied().unwrap_or(f64::NAN), 9.939_393_939_393_94)
    }),
    ("more-rows-than-one-batch", |trainer| {
        let x: Vec<_> = (0..70_000).map(|row| f64::from(row % 1000)).collect();
        let y: Vec<_> = x.iter().map(|x| 3.0 - 0.5 * x).collect();
        predictions(trainer, &table(&x, &y), 0.0, &[0.0, 100.0], &[3.0, -47.0])
    }),
    ("the-same-input-gives-the-same-bytes", |trainer| {
        let (first, second) = (train(trainer, 1.2, &six_points())?, train(trainer, 1.2, &six_points())?);
        if first == second { Ok(()) } else { Err("expected the same state twice, found two different ones".to_owned()) }
    }),
    ("the-model-names-its-columns", |trainer| {
        let (inputs, outputs) = trainer.subject.signature(&train(trainer, 1.2, &six_points())?).map_err(told)?;
        let inputs: Vec<_> = inputs.into_iter().map(|field| field.name).collect();
        match (inputs.as_slice(), outputs.is_empty()) {
            ([name], false) if name == "x" => Ok(()),
            _ => Err(format!("expected the input `x` and at least one output, found {inputs:?} and {} outputs", outputs.len())),
        }
    }),
    ("refuses-a-target-that-is-not-a-number", |trainer| refuses(trainer, &table(&[1.0, 2.0, 3.0], &[1.0, f64::NAN, 3.0]))),
    ("refuses-an-infinite-feature", |trainer| refuses(trainer, &table(&[1.0, f64::INFINITY, 3.0], &[1.0, 2.0, 3.0]))),
    ("refuses-a-feature-without-a-value", |trainer| {
        let x = Column { values: Values::Floats(vec![1.0, 0.0, 3.0]), validity: Some(vec![0b101]) };
        refuses(trainer, &Frame::new([("x", x), ("y", Column::floats(vec![1.0, 2.0, 3.0]))]).with_target("y"))
    }),
    ("refuses-a-text-feature", |trainer| {
        refuses(trainer, &Frame::new([("x", Column::texts(["a", "b"])), ("y", Column::floats(vec![1.0, 2.0]))]).with_target("y"))
    }),
    ("refuses-a-table-without-rows", |trainer| refuses(trainer, &table(&[], &[]))),
    ("refuses-a-foreign-state", |trainer| refuses_state(trainer, b"{\"slope\": 1}")),
    ("refuses-a-truncated-state", |trainer| {
        let state = train(trainer, 1.2, &six_points())?;
        refuses_state(trainer, &state[..state.len() / 2])
    }),
    ("refuses-to-score-without-its-columns", |trainer| match trainer.predict(&train(trainer, 1.2, &six_points())?, &[]) {
        Err(_) => Ok(()),
        Ok(_) => Err("expected a refusal of a call without the column `x`, found predictions".to_owned()),
    }),
];

/// Runs every case against a trainer that calls its penalty `alpha`, in order.
pub fn run_all(subject: &dyn Subject, alpha: &str) -> Vec<(&'static str, Outcome)> {
    let trainer = Trainer { subject, alpha };
    CASES.iter().map(|(name, case)| (*name, case(&trainer))).collect()
}

/// The targets at 1, 2, ... 6.
const SIX_POINTS: [f64; 6] = [10.0, 9.0, 8.0, 8.0, 6.0, 5.0];

fn six_points() -> Frame {
    table(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &SIX_POINTS)
}

fn table(x: &[f64], y: &[f64]) -> Frame {
    Frame::new([("x", Column::floats(x.to_vec())), ("y", Column::floats(y.to_vec()))]).with_target("y")
}

impl Trainer<'_> {
    fn train(&self, alpha: f64, data: &Frame) -> Result<Vec<u8>, Failure> {
        self.subject.train(&json!({ self.alpha: alpha }).to_string(), data)
    }

    /// The first output.
    fn predict(&self, state: &[u8], inputs: &[Column]) -> Result<Vec<f64>, Failure> {
        let first = self.subject.predict(state, inputs)?.into_iter().next();
        first.and_then(Column::into_numbers).ok_or_else(|| Failure::internal("expected numbers as the first output, found none"))
    }
}

fn told(failure: Failure) -> String {
    format!("expected the trainer to succeed, found: {}", failure.message())
}

fn train(trainer: &Trainer<'_>, alpha: f64, data: &Frame) -> Result<Vec<u8>, String> {
    trainer.train(alpha, data).map_err(told)
}

fn train_and_predict(trainer: &Trainer<'_>, data: &Frame, alpha: f64, at: &[f64]) -> Result<Vec<f64>, String> {
    let state = train(trainer, alpha, data)?;
    let found = trainer.predict(&state, &[Column::floats(at.to_vec())]).map_err(told)?;
    if found.len() == at.len() { Ok(found) } else { Err(format!("expected {} predictions, found {}", at.len(), found.len())) }
}

fn predictions(trainer: &Trainer<'_>, data: &Frame, alpha: f64, at: &[f64], expected: &[f64]) -> Outcome {
    let found = train_and_predict(trainer, data, alpha, at)?;
    found
        .iter()
        .zip(at)
        .zip(expected)
        .try_for_each(|((&found, x), &expected)| near(&format!("the prediction at {x}"), found, expected))
}

fn near(what: &str, found: f64, expected: f64) -> Outcome {
    let close = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
    if close { Ok(()) } else { Err(format!("expected {expected} as {what}, found {found}")) }
}

fn refuses(trainer: &Trainer<'_>, data: &Frame) -> Outcome {
    match trainer.train(1.0, data) {
        Err(_) => Ok(()),
        Ok(_) => Err("expected a refusal of the data, found a model".to_owned()),
    }
}

fn refuses_state(trainer: &Trainer<'_>, state: &[u8]) -> Outcome {
    match trainer.subject.signature(state) {
        Err(_) => Ok(()),
        Ok(_) => Err(format!("expected a refusal of {} bytes that are no model's state, found a model", state.len())),
    }
}
