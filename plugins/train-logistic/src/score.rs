//! The fitted model: its state, and its predictions.

use sprag_onnx::{Head, Linear, MEDIA_TYPE, Signature};
use sprag_sdk::{Column, Dtype, Failure, Field, Scorer, State, field};

use crate::{Classes, Fit};

/// A model that classifies.
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    inputs: Vec<Field>,
    classes: Classes,
    linear: Linear,
}

impl TryFrom<Fit> for Classifier {
    type Error = Failure;

    /// # Errors
    ///
    /// When a weight is not finite, which the state could not hold.
    fn try_from(fit: Fit) -> Result<Self, Failure> {
        if fit.weights.iter().chain(&fit.bias).any(|weight| !weight.is_finite()) {
            return Err(Failure::bad_input("expected data that has finite weights, found that some grow without end"));
        }
        let column = |name: &str, dtype: Dtype| sprag_onnx::Column::new(name, dtype.name());
        let probabilities = fit.classes.labels().iter().map(|label| column(&format!("probability:{label}"), Dtype::Float));
        let linear = Linear {
            producer: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            signature: Signature {
                inputs: fit.features.iter().map(|field| column(&field.name, field.dtype)).collect(),
                outputs: std::iter::once(column("prediction", fit.classes.dtype())).chain(probabilities).collect(),
            },
            weights: fit.weights,
            bias: fit.bias,
            head: Head::Classification { labels: fit.classes.labels().to_vec() },
        };
        Ok(Self { inputs: fit.features, classes: fit.classes, linear })
    }
}

impl Classifier {
    /// The model's state.
    pub fn state(&self) -> State {
        State { media_type: MEDIA_TYPE.to_owned(), bytes: self.linear.encode() }
    }

    /// The probabilities of each class, by softmax.
    fn probabilities(&self, rows: usize, inputs: &[Column]) -> Result<Vec<Vec<f64>>, Failure> {
        let mut scores: Vec<_> = self.linear.bias.iter().map(|&bias| vec![bias; rows]).collect();
        for (at, (column, input)) in inputs.iter().zip(&self.inputs).enumerate() {
            let values = column.features(&input.name)?;
            for (scores, weight) in scores.iter_mut().zip(self.linear.weights_of(at)) {
                for (score, value) in scores.iter_mut().zip(&*values) {
                    *score += weight * value;
                }
            }
        }
        for row in 0..rows {
            let largest = scores.iter().map(|scores| scores[row]).fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = scores.iter().map(|scores| (scores[row] - largest).exp()).sum();
            for scores in &mut scores {
                scores[row] = (scores[row] - largest).exp() / total;
            }
        }
        Ok(scores)
    }
}

impl Scorer for Classifier {
    fn load(state: &[u8]) -> Result<Self, Failure> {
        let linear = Linear::decode(state).map_err(|error| Failure::bad_input(error.to_string()))?;
        let Head::Classification { labels } = &linear.head else {
            return Err(Failure::bad_input("expected a classifier, found a regression"));
        };
        let dtype = |column: &sprag_onnx::Column| {
            let unknown = || Failure::bad_input(format!("column `{}`: unknown type `{}`", column.name, column.dtype));
            Dtype::from_name(&column.dtype).ok_or_else(unknown)
        };
        let classes = Classes::from_labels(dtype(&linear.signature.outputs[0])?, labels.clone())?;
        let inputs = linear.signature.inputs.iter().map(|column| Ok(field(&column.name, dtype(column)?)));
        Ok(Self { inputs: inputs.collect::<Result<_, Failure>>()?, classes, linear })
    }

    fn inputs(&self) -> Vec<Field> {
        self.inputs.clone()
    }

    fn outputs(&self) -> Vec<Field> {
        let probabilities = self.linear.signature.outputs.iter().skip(1).map(|column| field(&column.name, Dtype::Float));
        std::iter::once(field("prediction", self.classes.dtype())).chain(probabilities).collect()
    }

    fn predict(&self, rows: usize, inputs: &[Column]) -> Result<Vec<Column>, Failure> {
        let probabilities = self.probabilities(rows, inputs)?;
        // Of equals the first, as ONNX's ArgMax has it.
        let likeliest = |row: usize| {
            (1..probabilities.len())
                .fold(0, |best, class| if probabilities[class][row] > probabilities[best][row] { class } else { best })
        };
        let prediction = self.classes.column((0..rows).map(likeliest));
        Ok(std::iter::once(prediction).chain(probabilities.into_iter().map(Column::floats)).collect())
    }
}
