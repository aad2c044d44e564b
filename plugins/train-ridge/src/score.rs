//! The fitted line as a model: its state, and its predictions.

use sprag_onnx::{Head, Linear, MEDIA_TYPE, Signature};
use sprag_sdk::{Column, Dtype, Failure, Field, Scorer, State, field};

use crate::Fit;

/// A line that scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    inputs: Vec<Field>,
    linear: Linear,
}

impl From<Fit> for Line {
    fn from(fit: Fit) -> Self {
        let inputs = fit.features.iter().map(|field| sprag_onnx::Column::new(&field.name, field.dtype.name())).collect();
        let linear = Linear {
            producer: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            signature: Signature { inputs, outputs: vec![sprag_onnx::Column::new("prediction", "float")] },
            weights: fit.coefficients,
            bias: vec![fit.intercept],
            head: Head::Regression,
        };
        Self { inputs: fit.features, linear }
    }
}

impl Line {
    /// The model's state.
    pub fn state(&self) -> State {
        State { media_type: MEDIA_TYPE.to_owned(), bytes: self.linear.encode() }
    }
}

impl Scorer for Line {
    fn load(state: &[u8]) -> Result<Self, Failure> {
        let linear = Linear::decode(state).map_err(|error| Failure::bad_input(error.to_string()))?;
        if linear.head != Head::Regression {
            return Err(Failure::bad_input("expected a regression, found a classifier"));
        }
        let inputs = linear.signature.inputs.iter().map(|column| {
            let dtype = Dtype::from_name(&column.dtype).filter(|dtype| dtype.is_numeric());
            let found =
                || Failure::bad_input(format!("input `{}`: expected a numeric type, found `{}`", column.name, column.dtype));
            Ok(field(&column.name, dtype.ok_or_else(found)?))
        });
        Ok(Self { inputs: inputs.collect::<Result<_, Failure>>()?, linear })
    }

    fn inputs(&self) -> Vec<Field> {
        self.inputs.clone()
    }

    fn outputs(&self) -> Vec<Field> {
        vec![field("prediction", Dtype::Float)]
    }

    fn predict(&self, rows: usize, inputs: &[Column]) -> Result<Vec<Column>, Failure> {
        let mut predictions = vec![self.linear.bias[0]; rows];
        for ((column, input), weight) in inputs.iter().zip(&self.inputs).zip(&self.linear.weights) {
            for (prediction, value) in predictions.iter_mut().zip(&*column.features(&input.name)?) {
                *prediction += weight * value;
            }
        }
        Ok(vec![Column::floats(predictions)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let fit = Fit {
            features: vec![field("a", Dtype::Float), field("b", Dtype::Integer)],
            coefficients: vec![2.0, -1.0],
            intercept: 0.5,
            rank: 2,
            training: crate::Training { mse: 0.0, r2: 1.0 },
        };
        Line::from(fit)
    }

    #[test]
    fn the_state_is_the_model() {
        let loaded = Line::load(&line().state().bytes).unwrap();
        assert_eq!(loaded.inputs().iter().map(|field| field.dtype).collect::<Vec<_>>(), [Dtype::Float, Dtype::Integer]);
        let inputs = [vec![1.0, 2.0], vec![10.0, 20.0]].map(Column::floats);
        let predictions = loaded.predict(2, &inputs).unwrap();
        assert_eq!(predictions[0].numbers().unwrap().as_ref(), [-7.5, -15.5]);
    }

    #[test]
    fn foreign_states_and_columns_are_refused() {
        assert!(Line::load(b"{}").is_err());
        let failure = line().predict(1, &[Column::floats(vec![1.0]), Column::texts(["x"])]).unwrap_err();
        assert_eq!(failure.message(), "expected numbers in column `b`, found text");
    }
}
