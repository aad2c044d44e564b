//! The cases. Each is a function from the trainer to an outcome.

use serde_json::json;
use sprag_sdk::{Column, Failure, Frame, Values};
use sprag_sdk_unit_test::{Outcome, Subject};

type Case = fn(&dyn Subject) -> Outcome;

/// What holds of any classifier.
const CASES: &[(&str, Case)] = &[
    ("separable-classes-are-told-apart", |trainer| {
        let found = predict(trainer, "{}", &table(&X, &["n", "n", "n", "y", "y", "y"]), &[1.0, 6.0])?;
        same("the predictions", &texts(&found[0])?, &["n", "y"])
    }),
    ("three-classes-are-told-apart", |trainer| {
        let y = ["a", "a", "b", "b", "c", "c"].map(str::to_owned);
        let apart = Frame::new([
            ("x", Column::floats(vec![0.0, 1.0, 50.0, 51.0, 100.0, 101.0])),
            ("z", Column::floats(vec![0.0, 0.0, 9.0, 9.0, 0.0, 0.0])),
            ("y", Column::texts(&y)),
        ]);
        let state = train(trainer, "{}", &apart.with_target("y"))?;
        let rows = [vec![0.0, 50.0, 100.0], vec![0.0, 9.0, 0.0]].map(Column::floats);
        let found = trainer.predict(&state, &rows).map_err(told)?;
        same("the predictions", &texts(found.first().ok_or("expected an output, found none")?)?, &["a", "b", "c"])
    }),
    ("whole-numbers-stay-whole-numbers", |trainer| {
        let y = Column { values: Values::Integers(vec![3, 3, 3, 10, 10, 10]), validity: None };
        let frame = Frame::new([("x", Column::floats(X.to_vec())), ("y", y)]).with_target("y");
        match &predict(trainer, "{}", &frame, &[1.0, 6.0])?[0].values {
            Values::Integers(found) if found == &[3, 10] => Ok(()),
            found => Err(format!("expected the whole numbers 3 and 10, found {found:?}")),
        }
    }),
    ("probabilities-add-up-to-one", |trainer| {
        let found = predict(trainer, "{}", &mixed(), &X)?;
        let numbers: Vec<_> = found.iter().skip(1).filter_map(Column::numbers).collect();
        let sums = (0..X.len()).map(|row| numbers.iter().map(|column| column[row]).sum::<f64>());
        sums.filter(|_| !numbers.is_empty()).try_for_each(|sum| near("the sum of the probabilities", sum, 1.0))
    }),
    ("more-rows-than-one-batch", |trainer| {
        let x: Vec<_> = (0..70_000).map(|row| f64::from(row % 100)).collect();
        let y: Vec<_> = x.iter().map(|x| if *x < 50.0 { "low" } else { "high" }).collect();
        same("the predictions", &texts(&predict(trainer, "{}", &table(&x, &y), &[0.0, 99.0])?[0])?, &["low", "high"])
    }),
    ("the-same-input-gives-the-same-bytes", |trainer| {
        let (first, second) = (train(trainer, "{}", &mixed())?, train(trainer, "{}", &mixed())?);
        if first == second { Ok(()) } else { Err("expected the same state twice, found two different ones".to_owned()) }
    }),
    ("refuses-a-single-class", |trainer| refuses(trainer, &table(&[1.0, 2.0], &["n", "n"]))),
    ("refuses-a-feature-that-is-not-a-number", |trainer| refuses(trainer, &table(&[1.0, f64::NAN], &["n", "y"]))),
    ("refuses-a-target-without-a-value", |trainer| {
        let y = Column { validity: Some(vec![0b011]), ..Column::texts(["n", "y", ""]) };
        refuses(trainer, &Frame::new([("x", Column::floats(vec![1.0, 2.0, 3.0])), ("y", y)]).with_target("y"))
    }),
    ("refuses-a-table-without-rows", |trainer| refuses(trainer, &table(&[], &[]))),
    ("refuses-a-foreign-state", |trainer| refuses_state(trainer, b"{\"classes\": 2}")),
    ("refuses-a-truncated-state", |trainer| {
        let state = train(trainer, "{}", &mixed())?;
        refuses_state(trainer, &state[..state.len() / 2])
    }),
];

/// Runs every case against a trainer, in order. `c` is what it calls the inverse of its penalty's strength; with an empty name, the cases with known
/// probabilities are left out.
pub fn run_all(trainer: &dyn Subject, c: &str) -> Vec<(&'static str, Outcome)> {
    let mut outcomes: Vec<_> = CASES.iter().map(|(name, case)| (*name, case(trainer))).collect();
    if !c.is_empty() {
        let params = json!({ c: 1.0 }).to_string();
        outcomes.push(("two-classes-have-the-known-probabilities", two_classes(trainer, &params)));
        outcomes.push(("three-classes-have-the-known-probabilities", three_classes(trainer, &params)));
    }
    outcomes
}

/// The golden values here and below: scikit-learn 1.9.1, `LogisticRegression(C=1, tol=1e-14, solver="newton-cholesky")` after `StandardScaler`.
fn two_classes(trainer: &dyn Subject, params: &str) -> Outcome {
    let found = predict(trainer, params, &mixed(), &[1.0, 4.0, 10.0])?;
    probabilities(&found, 2, &[0.218_833_662_504_682_42, 0.563_282_621_541_289_7, 0.964_717_155_973_374_9])
}

fn three_classes(trainer: &dyn Subject, params: &str) -> Outcome {
    let found = predict(trainer, params, &table(&X, &["a", "a", "b", "b", "c", "c"]), &[1.0, 3.5])?;
    probabilities(&found, 1, &[0.703_321_558_684_317_7, 0.292_619_970_170_036_8])?;
    probabilities(&found, 2, &[0.251_805_041_184_558_26, 0.414_760_059_659_926_5])
}

const X: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

/// Two classes that no threshold tells apart.
fn mixed() -> Frame {
    table(&X, &["n", "n", "y", "n", "y", "y"])
}

fn table(x: &[f64], y: &[&str]) -> Frame {
    Frame::new([("x", Column::floats(x.to_vec())), ("y", Column::texts(y))]).with_target("y")
}

fn told(failure: Failure) -> String {
    format!("expected the trainer to succeed, found: {}", failure.message())
}

fn train(trainer: &dyn Subject, params: &str, data: &Frame) -> Result<Vec<u8>, String> {
    trainer.train(params, data).map_err(told)
}

/// All outputs, of which there is at least one, for these values of `x`.
fn predict(trainer: &dyn Subject, params: &str, data: &Frame, at: &[f64]) -> Result<Vec<Column>, String> {
    let state = train(trainer, params, data)?;
    let found = trainer.predict(&state, &[Column::floats(at.to_vec())]).map_err(told)?;
    match found.iter().map(Column::len).find(|&rows| rows != at.len()) {
        Some(rows) => Err(format!("expected {} rows in each output, found {rows}", at.len())),
        None if found.is_empty() => Err("expected at least one output, found none".to_owned()),
        None => Ok(found),
    }
}

fn texts(column: &Column) -> Result<Vec<String>, String> {
    let text = |row| column.text(row).map(|text| text.into_owned()).ok_or("expected text as the prediction, found another type");
    (0..column.len()).map(text).collect::<Result<_, _>>().map_err(str::to_owned)
}

fn same(what: &str, found: &[String], expected: &[&str]) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("expected {expected:?} as {what}, found {found:?}")) }
}

fn near(what: &str, found: f64, expected: f64) -> Outcome {
    if (found - expected).abs() <= 1e-6 { Ok(()) } else { Err(format!("expected {expected} as {what}, found {found}")) }
}

fn probabilities(found: &[Column], output: usize, expected: &[f64]) -> Outcome {
    let Some(found) = found.get(output).and_then(Column::numbers) else {
        return Err(format!("expected probabilities as output {output}, found none"));
    };
    found
        .iter()
        .zip(expected)
        .enumerate()
        .try_for_each(|(row, (&found, &expected))| near(&format!("the probability of row {row}"), found, expected))
}

fn refuses(trainer: &dyn Subject, data: &Frame) -> Outcome {
    match trainer.train("{}", data) {
        Err(_) => Ok(()),
        Ok(_) => Err("expected a refusal of the data, found a model".to_owned()),
    }
}

fn refuses_state(trainer: &dyn Subject, state: &[u8]) -> Outcome {
    match trainer.signature(state) {
        Err(_) => Ok(()),
        Ok(_) => Err(format!("expected a refusal of {} bytes that are no model's state, found a model", state.len())),
    }
}
