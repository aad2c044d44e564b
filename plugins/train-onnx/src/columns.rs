//! What is known about a model of elsewhere: its columns, its classes, which of its outputs is meant.

use serde::Deserialize;
use sprag_inference::Model;
use sprag_onnx::{Column, Signature};
use sprag_onnx_scorer::About;
use sprag_sdk::{Dtype, Failure, Source};

use crate::Params;

/// The output that converters give a classifier's probabilities.
const PROBABILITIES: &str = "probabilities";

/// The part of a card that is read: what [`import-mlflow`](../import_mlflow) writes beside a model.
#[derive(Debug, Deserialize)]
struct Card {
    #[serde(default)]
    columns: Option<Vec<String>>,
}

/// Says it.
pub(crate) fn about(params: &Params, card: Option<&[u8]>, model: &Model, training: &impl Source) -> Result<About, Failure> {
    let carded = card.map(serde_json::from_slice::<Card>).transpose();
    let carded = carded.map_err(|error| Failure::bad_input(format!("input `card`: expected a card of a model: {error}")))?;
    let columns = params.columns.clone().or_else(|| carded?.columns).unwrap_or_else(|| training.features());
    let inputs = columns.iter().map(|name| input(name, training)).collect::<Result<_, _>>()?;
    let outputs = match &params.labels {
        None => vec![Column::new("prediction", Dtype::Float.name())],
        Some(labels) => {
            let prediction = Column::new("prediction", dtype_of_target(training)?.name());
            let probability = |label: &String| Column::new(format!("probability:{label}"), Dtype::Float.name());
            std::iter::once(prediction).chain(labels.iter().map(probability)).collect()
        }
    };
    let known: Vec<_> = model.outputs().collect();
    let usual = params.labels.as_ref().and_then(|_| known.contains(&PROBABILITIES).then(|| PROBABILITIES.to_owned()));
    let output = params.output.clone().or(usual);
    if let Some(unknown) = output.as_ref().filter(|output| !known.contains(&output.as_str())) {
        let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(Failure::bad_params(format!("`output`: expected an output of the graph ({known}), found `{unknown}`")));
    }
    Ok(About { signature: Signature { inputs, outputs }, labels: params.labels.clone(), output })
}

fn input(name: &str, training: &impl Source) -> Result<Column, Failure> {
    let field = training.find_field(name)?;
    if !field.dtype.is_numeric() {
        return Err(Failure::bad_input(format!(
            "expected columns of numbers for a model of elsewhere, found `{name}` of {}; encode it within the model, and leave it out of `features`",
            field.dtype.name()
        )));
    }
    Ok(Column::new(name, field.dtype.name()))
}

/// The type of the classes.
fn dtype_of_target(training: &impl Source) -> Result<Dtype, Failure> {
    let target = training.target().ok_or_else(|| Failure::bad_input("expected a column to predict, found none"))?;
    let dtype = training.find_field(&target)?.dtype;
    if matches!(dtype, Dtype::Integer | Dtype::Boolean | Dtype::Text) {
        return Ok(dtype);
    }
    Err(Failure::bad_params(format!(
        "`labels`: expected a column of classes to predict, found `{target}` of {}; leave `labels` out for a regression",
        dtype.name()
    )))
}
