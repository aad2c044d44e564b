//! A model in ONNX, with what its metadata says of its columns.

use std::collections::BTreeMap;

use sprag_inference::{Model, Plan};
use sprag_onnx::Signature;
use sprag_sdk::{Column, Dtype, Failure, Field, Scorer, Values};

use crate::key;
use crate::text::Categories;

/// A model that scores.
pub struct Scored {
    plan: Plan,
    inputs: Vec<Field>,
    outputs: Vec<Field>,
    /// The classes of a classifier, as text.
    labels: Option<Vec<String>>,
    categories: BTreeMap<String, Categories>,
}

impl Scored {
    /// Reads a model, and says what it cannot be scored for.
    ///
    /// # Errors
    ///
    /// It is no ONNX model, has operators that are not known, or lacks what the exporter says of its columns.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let model = Model::decode(bytes).map_err(|error| error.to_string())?;
        let signature: Signature =
            metadata(&model, key::SIGNATURE)?.ok_or_else(|| format!("expected the metadata `{}`, found none", key::SIGNATURE))?;
        let labels: Option<Vec<String>> = metadata(&model, key::LABELS)?;
        let output: Option<String> = model.metadata(key::OUTPUT).map(str::to_owned);
        let categories: BTreeMap<String, Categories> = metadata(&model, key::CATEGORIES)?.unwrap_or_default();
        let nullable: Vec<String> = metadata(&model, key::NULLABLE)?.unwrap_or_default();
        let first = model.outputs().next().map(str::to_owned);
        let output = output.or(first).ok_or("expected a graph with an output, found none")?;
        let plan = model.plan(&output).map_err(|error| error.to_string())?;
        if let Some(width) = plan.width().filter(|width| *width != signature.inputs.len()) {
            return Err(format!("expected a graph over {} features, found one over {width}", signature.inputs.len()));
        }
        let field = |column: &sprag_onnx::Column| {
            let dtype = Dtype::from_name(&column.dtype)
                .ok_or_else(|| format!("column `{}`: unknown type `{}`", column.name, column.dtype))?;
            if dtype == Dtype::Text && !categories.contains_key(&column.name) {
                return Err(format!(
                    "expected the codes of the text column `{}` in the metadata `{}`, found none",
                    column.name,
                    key::CATEGORIES
                ));
            }
            Ok(Field { name: column.name.clone(), dtype, nullable: nullable.contains(&column.name) })
        };
        let inputs = signature.inputs.iter().map(field).collect::<Result<_, _>>()?;
        let answers = signature.outputs.iter().map(|column| {
            let dtype = Dtype::from_name(&column.dtype)
                .ok_or_else(|| format!("output `{}`: unknown type `{}`", column.name, column.dtype))?;
            Ok::<_, String>(sprag_sdk::field(&column.name, dtype))
        });
        let outputs: Vec<_> = answers.collect::<Result<_, _>>()?;
        let expected = 1 + labels.as_ref().map_or(0, Vec::len);
        if outputs.len() != expected {
            return Err(format!("expected {expected} outputs in the metadata `{}`, found {}", key::SIGNATURE, outputs.len()));
        }
        Ok(Self { plan, inputs, outputs, labels, categories })
    }

    /// The predictions, or for each row the probability of each class.
    ///
    /// # Errors
    ///
    /// The columns are not those of [`inputs`](Scorer::inputs), or the graph cannot be computed for them.
    pub fn numbers(&self, rows: usize, inputs: &[Column]) -> Result<Vec<f64>, Failure> {
        let features = self.features(rows, inputs)?;
        let answer = self.plan.run(rows, &features).map_err(|error| Failure::internal(error.to_string()))?;
        let width = self.labels.as_ref().map_or(1, Vec::len);
        if answer.width != width {
            return Err(Failure::internal(format!("expected {width} numbers for each row, found {}", answer.width)));
        }
        Ok(answer.values)
    }

    /// The features of a batch, row after row.
    fn features(&self, rows: usize, inputs: &[Column]) -> Result<Vec<f64>, Failure> {
        let width = self.inputs.len();
        let mut features = vec![0.0; rows * width];
        for (at, (column, field)) in inputs.iter().zip(&self.inputs).enumerate() {
            let values = match self.categories.get(&field.name) {
                Some(categories) => categories.encode(&field.name, column)?.into(),
                None if field.nullable => column
                    .numbers()
                    .ok_or_else(|| Failure::bad_input(format!("expected numbers in column `{}`, found text", field.name)))?,
                None => column.features(&field.name)?,
            };
            for (row, value) in values.iter().enumerate() {
                features[row * width + at] = *value;
            }
        }
        Ok(features)
    }
}

fn metadata<T: for<'de> serde::Deserialize<'de>>(model: &Model, key: &str) -> Result<Option<T>, String> {
    let read = |text: &str| serde_json::from_str(text).map_err(|error| format!("metadata `{key}`: {error}"));
    model.metadata(key).map(read).transpose()
}

impl Scorer for Scored {
    fn load(state: &[u8]) -> Result<Self, Failure> {
        Self::read(state).map_err(Failure::bad_input)
    }

    fn inputs(&self) -> Vec<Field> {
        self.inputs.clone()
    }

    fn outputs(&self) -> Vec<Field> {
        self.outputs.clone()
    }

    fn predict(&self, rows: usize, inputs: &[Column]) -> Result<Vec<Column>, Failure> {
        let values = self.numbers(rows, inputs)?;
        let Some(labels) = &self.labels else { return Ok(vec![Column::floats(values)]) };
        let width = labels.len();
        let column = |at: usize| values.iter().skip(at).step_by(width).copied().collect::<Vec<_>>();
        let likeliest = values.chunks_exact(width).map(first_largest);
        let prediction = labelled(likeliest, labels, self.outputs[0].dtype)?;
        Ok(std::iter::once(prediction).chain((0..width).map(|at| Column::floats(column(at)))).collect())
    }
}

/// Of equals the first, as ONNX's ArgMax has it.
fn first_largest(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, at| if values[at] > values[best] { at } else { best })
}

/// The labels of classes, as a column of the target's type.
fn labelled(classes: impl Iterator<Item = usize>, labels: &[String], dtype: Dtype) -> Result<Column, Failure> {
    let bad = |label: &String| Failure::bad_input(format!("expected a class that is {}, found `{label}`", dtype.name()));
    let values = match dtype {
        Dtype::Integer => {
            let parsed: Vec<i64> = labels.iter().map(|label| label.parse().map_err(|_| bad(label))).collect::<Result<_, _>>()?;
            Values::Integers(classes.map(|class| parsed[class]).collect())
        }
        Dtype::Boolean => Values::Booleans(classes.map(|class| u8::from(labels[class] == "true")).collect()),
        Dtype::Text => return Ok(Column::texts(classes.map(|class| &labels[class]))),
        Dtype::Float | Dtype::Timestamp => return Err(Failure::bad_input(format!("expected classes, found {}", dtype.name()))),
    };
    Ok(Column { values, validity: None })
}
