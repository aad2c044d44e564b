//! Fits a ridge regression: linear, with a penalty on the size of its weights.

use serde::{Deserialize, Serialize};
use sprag_sdk::linalg::{Kernels, Matrix};
use sprag_sdk::{
    Column, Dtype, Failure, Field, Scorer, Session, State, Table, Trainer, field, measurement,
};

/// The parameters. `params.schema.json` says the same to sprag.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The strength of the penalty on the sum of squared weights.
    alpha: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

/// The fitted line, which is the model's state.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    features: Vec<String>,
    weights: Vec<f64>,
    intercept: f64,
}

/// The plugin.
pub struct Train;

impl Trainer for Train {
    type Params = Params;
    type Model = Line;

    fn train(
        session: &Session,
        params: Params,
        training: &Table,
        _: Option<&Table>,
    ) -> Result<State, Failure> {
        let line = fit(training, &params)?;
        let norm = line
            .weights
            .iter()
            .map(|weight| weight * weight)
            .sum::<f64>()
            .sqrt();
        session.measure(&[measurement("coefficient_norm", norm, "training")]);
        let bytes =
            serde_json::to_vec(&line).map_err(|error| Failure::internal(error.to_string()))?;
        Ok(State {
            media_type: "application/json".to_owned(),
            bytes,
        })
    }
}

/// Fits a line. It runs over sprag's table, whose sums sprag computes, and over a `Frame` in a test alike.
fn fit(data: &impl Kernels, params: &Params) -> Result<Line, Failure> {
    let target = data
        .target()
        .ok_or_else(|| Failure::bad_params("expected a target column, found none"))?;
    let features = data.features();
    let columns: Vec<_> = features.iter().cloned().chain([target]).collect();
    let means: Vec<_> = data
        .describe(&columns)?
        .iter()
        .map(|stats| stats.mean)
        .collect();
    // The products of each two columns around their means: the last row is that of the target.
    let gram = data.gram(&columns, &means, None)?.values()?;
    let size = features.len();
    let at = |row: usize, column: usize| gram[column * columns.len() + row];
    let penalty = |row: usize, column: usize| if row == column { params.alpha } else { 0.0 };
    let cells = (0..size * size).map(|cell| (cell % size, cell / size));
    let matrix: Vec<_> = cells
        .map(|(row, column)| at(row, column) + penalty(row, column))
        .collect();
    let products: Vec<_> = (0..size).map(|row| at(row, size)).collect();
    // The shortest solution where features carry the same and there are many.
    let system = Matrix::from_values(size as u64, size as u32, &matrix)?;
    let weights = system
        .least_squares(&Matrix::vector(&products)?, None)?
        .weights
        .values()?;
    let shift: f64 = weights
        .iter()
        .zip(&means)
        .map(|(weight, mean)| weight * mean)
        .sum();
    Ok(Line {
        features,
        intercept: means[size] - shift,
        weights,
    })
}

impl Scorer for Line {
    fn load(state: &[u8]) -> Result<Self, Failure> {
        let line: Self = serde_json::from_slice(state).map_err(|error| {
            Failure::bad_input(format!("expected a line of this plugin: {error}"))
        })?;
        if line.features.len() != line.weights.len() {
            return Err(Failure::bad_input("expected a weight for each feature"));
        }
        Ok(line)
    }

    fn inputs(&self) -> Vec<Field> {
        self.features
            .iter()
            .map(|name| field(name, Dtype::Float))
            .collect()
    }

    fn outputs(&self) -> Vec<Field> {
        vec![field("prediction", Dtype::Float)]
    }

    fn predict(&self, rows: usize, inputs: &[Column]) -> Result<Vec<Column>, Failure> {
        let mut predictions = vec![self.intercept; rows];
        for ((name, weight), column) in self.features.iter().zip(&self.weights).zip(inputs) {
            for (prediction, value) in predictions.iter_mut().zip(column.features(name)?.iter()) {
                *prediction += weight * value;
            }
        }
        Ok(vec![Column::floats(predictions)])
    }
}

sprag_sdk::trainer!(Train);

#[cfg(test)]
mod tests {
    use sprag_sdk::Frame;

    use super::*;

    fn fitted(csv: &str, alpha: f64) -> Line {
        fit(&Frame::from_csv(csv).with_target("y"), &Params { alpha }).unwrap()
    }

    #[test]
    fn without_a_penalty_an_exact_line_is_found() {
        let line = fitted("x,y\n-1,-1\n0,1\n2,5\n5,11\n", 0.0);
        assert!(
            (line.weights[0] - 2.0).abs() < 1e-9 && (line.intercept - 1.0).abs() < 1e-9,
            "{line:?}"
        );
    }

    #[test]
    fn a_model_is_the_same_after_it_was_stored() {
        let line = fitted("x,y\n1,10\n2,9\n3,8\n", 1.0);
        let again = Line::load(&serde_json::to_vec(&line).unwrap()).unwrap();
        let inputs = [Column::floats(vec![1.0, 2.5])];
        assert_eq!(
            again.predict(2, &inputs).unwrap(),
            line.predict(2, &inputs).unwrap()
        );
        assert!(Line::load(b"{}").is_err());
    }
}
