//! A trainer and scorer that do what their test says: the parameter `act` names it, and is all that the model's state holds.

#![allow(missing_docs, reason = "a test program: each act stands by its name")]
#![allow(clippy::print_stderr, reason = "this is what is captured")]

use std::hint::black_box;

use serde::Deserialize;
use sprag_sdk::stage::train::bindings::exports::sprag::stage::score;
use sprag_sdk::{
    Column, Dtype, Failure, Field, Reader, Scorer, Session, State, Table, Trainer, Values, artifacts, field, measurement,
    write_artifact,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    act: String,
}

pub struct Program {
    act: String,
}

impl Trainer for Program {
    type Params = Params;
    type Model = Self;

    fn train(session: &Session, params: Params, training: &Table, validation: Option<&Table>) -> Result<State, Failure> {
        match params.act.as_str() {
            "train-trap" => panic!("the trainer fell over"),
            "train-loop" => spin(),
            "own-handles" => loop {
                std::mem::forget(score::Model::new(Own));
            },
            "train-refuse" => return Err(Failure::bad_input("this trainer takes no data")),
            "state-flood" => return Ok(State { media_type: "text/plain".to_owned(), bytes: vec![b'x'; 64 << 20] }),
            "report" => {
                session.measure(&[measurement("rows", training.row_count() as f64, "training")]);
                write_artifact("notes.txt", "text/plain", b"trained")?;
                sprag_sdk::info!(session, "validation of {:?} rows", validation.map(Table::row_count));
            }
            _ => {}
        }
        Ok(State { media_type: "application/x-act".to_owned(), bytes: params.act.into_bytes() })
    }
}

impl Scorer for Program {
    fn load(state: &[u8]) -> Result<Self, Failure> {
        let act = String::from_utf8_lossy(state).into_owned();
        match act.as_str() {
            "load-refuse" => Err(Failure::bad_input("expected something else")),
            "load-trap" => panic!("the scorer fell over"),
            "load-loop" => spin(),
            "load-artifact" => artifacts::create("from-the-scorer", "text/plain").map_err(Failure::from).map(|_| Self { act }),
            "load-allocate" => {
                let all = black_box(vec![1_u8; 24 << 20]);
                eprintln!("holds {} bytes", all.len());
                std::mem::forget(all);
                Ok(Self { act })
            }
            _ => Ok(Self { act }),
        }
    }

    fn inputs(&self) -> Vec<Field> {
        match self.act.as_str() {
            "wants-missing" => vec![field("missing", Dtype::Float)],
            "wants-text" => vec![field("x", Dtype::Text)],
            "wants-twice" => vec![field("x", Dtype::Float); 2],
            "wants-nothing" => vec![],
            _ => vec![field("x", Dtype::Float)],
        }
    }

    fn outputs(&self) -> Vec<Field> {
        let prediction = field("prediction", Dtype::Float);
        match self.act.as_str() {
            "gives-nothing" => vec![],
            "gives-twice" => vec![prediction.clone(), prediction],
            "gives-unnamed" => vec![field("", Dtype::Float)],
            "gives-text" => vec![prediction, field("label", Dtype::Text), field("sure", Dtype::Boolean)],
            _ => vec![prediction],
        }
    }

    fn predict(&self, rows: usize, inputs: &[Column]) -> Result<Vec<Column>, Failure> {
        let floats = |value: f64| Ok(vec![Column::floats(vec![value; rows])]);
        match self.act.as_str() {
            "predict-refuse" => Err(Failure::bad_input("expected other rows")),
            "predict-trap" => panic!("the scorer fell over"),
            "predict-loop" => spin(),
            "predict-columns" => Ok(vec![]),
            "predict-rows" => Ok(vec![Column::floats(vec![1.0; rows + 1])]),
            "predict-nan" => floats(f64::NAN),
            "predict-infinite" => floats(f64::INFINITY),
            "predict-type" => Ok(vec![Column { values: Values::Integers(vec![1; rows]), validity: None }]),
            "predict-null" => {
                Ok(vec![Column { values: Values::Floats(vec![0.0; rows]), validity: Some(vec![0; rows.div_ceil(8)]) }])
            }
            "gives-text" => Ok(vec![
                Column::floats(vec![1.0; rows]),
                Column::texts((0..rows).map(|row| format!("row {row}"))),
                Column { values: Values::Booleans(vec![1; rows]), validity: None },
            ]),
            "wants-nothing" => floats(1.0),
            "predict-leak" => {
                std::mem::forget(black_box(vec![1_u8; 4 << 20]));
                floats(1.0)
            }
            "predict-bloat" => bloat(),
            act => {
                if let Some(turns) = act.strip_prefix("slow ") {
                    (0..turns.parse().unwrap_or(0_u64)).for_each(|turn| _ = black_box(turn));
                }
                let x = inputs.first().ok_or_else(|| Failure::internal("no input"))?.features("x")?;
                if act == "moody" {
                    mood(x.first().copied().unwrap_or_default())?;
                }
                let factor = act.strip_prefix("times ").and_then(|factor| factor.parse().ok()).unwrap_or(2.0);
                Ok(vec![Column::floats(x.iter().map(|x| x * factor).collect())])
            }
        }
    }
}

/// Scores well, unless the first row asks for something else.
fn mood(x: f64) -> Result<(), Failure> {
    match x {
        -1.0 => panic!("the scorer fell over"),
        -2.0 => spin(),
        -3.0 => bloat(),
        -4.0 => Err(Failure::bad_input("expected a better mood")),
        _ => Ok(()),
    }
}

/// A resource of the guest's own, of which it may hold no more than of the host's.
struct Own;

impl score::GuestModel for Own {
    fn load(_: &Reader) -> Result<score::Model, Failure> {
        Err(Failure::internal("never called"))
    }

    fn inputs(&self) -> Vec<Field> {
        vec![]
    }

    fn outputs(&self) -> Vec<Field> {
        vec![]
    }

    fn predict(&self, _: u32, _: Vec<Column>) -> Result<Vec<Column>, Failure> {
        Ok(vec![])
    }
}

fn bloat() -> ! {
    loop {
        std::mem::forget(black_box(vec![1_u8; 1 << 20]));
    }
}

fn spin() -> ! {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

sprag_sdk::trainer!(Program);
