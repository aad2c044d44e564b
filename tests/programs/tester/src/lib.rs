//! A unit test that does what its test says: the parameter `act` names it, and `trainer` is what it gives the trainer.

#![allow(missing_docs, reason = "a test program: each act stands by its name")]

use serde::Deserialize;
use sprag_sdk::{Column, Dtype, Failure, Reader, Session, Table, field, harness, read_all};
use sprag_sdk_unit_test::{CaseOutcome, TestCase, UnitTest, scorer::Model, trainer};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    act: String,
    #[serde(default)]
    trainer: String,
}

pub struct Program;

impl UnitTest for Program {
    type Params = Params;

    fn test(_: &Session, params: Params) -> Result<Vec<TestCase>, Failure> {
        let outcome = match params.act.as_str() {
            "train" => train(&params.trainer)?.map(|_| String::new()),
            "train-twice" => train(&params.trainer)?.and(train(&params.trainer)?).map(|_| String::new()),
            "score" => score(&params.trainer)?,
            "params" => Ok(harness::make_session(&params.trainer).err().unwrap_or_default()),
            "table" => {
                let made = harness::make_table(&[field("x", Dtype::Float)], None, &[Column::texts(["a"])]);
                Ok(format!("{:?}", made.err()))
            }
            "skip" => return Ok(vec![case("skipped", CaseOutcome::Skipped("nothing to do".to_owned()))]),
            "same-names" => return Ok(vec![case("same", CaseOutcome::Passed); 2]),
            "no-name" => return Ok(vec![case("", CaseOutcome::Passed)]),
            "tables" => loop {
                std::mem::forget(table());
            },
            "states" => {
                let state = harness::make_state();
                loop {
                    state.write(&[0; 1 << 20])?;
                }
            }
            "models" => {
                let Ok(state) = train(&params.trainer)? else { return Err(Failure::internal("no model")) };
                let mut models = vec![];
                loop {
                    models.push(Model::load(&state)?);
                }
            }
            other => return Err(Failure::bad_params(format!("unknown act `{other}`"))),
        };
        let outcome = match outcome {
            Ok(told) if told.is_empty() => CaseOutcome::Passed,
            Ok(told) | Err(told) => CaseOutcome::Failed(told),
        };
        Ok(vec![case(&params.act, outcome)])
    }
}

/// Trains on three rows; the inner error is the trainer's own.
fn train(params: &str) -> Result<Result<Reader, String>, Failure> {
    let session = harness::make_session(params).map_err(Failure::BadParams)?;
    let state = harness::make_state();
    let table = table()?;
    if let Err(failure) = trainer::run(&session, &table, Some(&table), &state) {
        return Ok(Err(failure.message().to_owned()));
    }
    Ok(Ok(harness::open_state(state)))
}

/// Tells the state, the signature and the predictions for 1 and 2.
fn score(params: &str) -> Result<Result<String, String>, Failure> {
    let reader = match train(params)? {
        Ok(reader) => reader,
        Err(message) => return Ok(Err(message)),
    };
    let state = String::from_utf8_lossy(&read_all(&reader)?).into_owned();
    let model = Model::load(&reader)?;
    let (inputs, outputs) = (model.inputs(), model.outputs());
    let columns: Vec<_> = inputs.iter().map(|_| Column::floats(vec![1.0, 2.0])).collect();
    let predicted = model.predict(2, &columns)?;
    let names: Vec<_> = inputs.iter().chain(&outputs).map(|field| field.name.as_str()).collect();
    Ok(Ok(format!("{} {state} {names:?} {:?}", reader.media_type(), predicted.first().map(|column| &column.values))))
}

fn table() -> Result<Table, Failure> {
    let fields = [field("x", Dtype::Float), field("y", Dtype::Float)];
    let columns = [Column::floats(vec![1.0, 2.0, 3.0]), Column::floats(vec![2.0, 4.0, 9.0])];
    Ok(harness::make_table(&fields, Some("y"), &columns)?)
}

fn case(name: &str, outcome: CaseOutcome) -> TestCase {
    TestCase { name: name.to_owned(), outcome }
}

sprag_sdk_unit_test::unit_test!(Program);
