//! Predicts the mean of the target, whatever the features: the smallest whole trainer.

use serde::Deserialize;
use sprag_sdk::{BATCH_ROWS, Column, Dtype, Failure, Field, Scorer, Session, Source, State, Table, Trainer, field, measurement};

/// There are no parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// The plugin, and the model that it makes.
pub struct Mean(f64);

impl Trainer for Mean {
    type Params = Params;
    type Model = Self;

    fn train(session: &Session, _: Params, training: &Table, _: Option<&Table>) -> Result<State, Failure> {
        let target = training.target().ok_or_else(|| Failure::bad_params("expected a target column, found none"))?;
        let mut sum = 0.0;
        for batch in training.batches(&[target], BATCH_ROWS)? {
            let numbers = batch?.remove(0).into_numbers().ok_or_else(|| Failure::bad_input("expected a target of numbers"))?;
            sum += numbers.iter().sum::<f64>();
        }
        let mean = sum / training.row_count() as f64;
        session.measure(&[measurement("mean", mean, "training")]);
        Ok(State { media_type: "text/plain".to_owned(), bytes: mean.to_string().into_bytes() })
    }
}

impl Scorer for Mean {
    fn load(state: &[u8]) -> Result<Self, Failure> {
        let mean = std::str::from_utf8(state).ok().and_then(|text| text.parse().ok());
        mean.map(Self).ok_or_else(|| Failure::bad_input("expected a number as text"))
    }

    fn inputs(&self) -> Vec<Field> {
        vec![]
    }

    fn outputs(&self) -> Vec<Field> {
        vec![field("prediction", Dtype::Float)]
    }

    fn predict(&self, rows: usize, _: &[Column]) -> Result<Vec<Column>, Failure> {
        Ok(vec![Column::floats(vec![self.0; rows])])
    }
}

sprag_sdk::trainer!(Mean);
