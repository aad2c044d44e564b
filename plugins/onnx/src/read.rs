//! From the messages to the model, part by part, so that an error names the part.

use serde::de::DeserializeOwned;

use crate::{
    Head, Linear, ModelError, Signature,
    build::{BIAS, IR_VERSION, LABELS, OPSET, SIGNATURE, WEIGHTS},
    proto::{DOUBLE, Graph, Model},
};

/// The model in the messages.
pub(crate) fn linear(model: &Model) -> Result<Linear, ModelError> {
    if model.ir_version != IR_VERSION {
        return Err(ModelError::unexpected("IR version", IR_VERSION, model.ir_version));
    }
    let Some(graph) = &model.graph else { return Err(ModelError::unexpected("graph", "one", "none")) };
    check_operator_set(model)?;
    let operators: Vec<_> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
    let classifies = match operators.as_slice() {
        ["MatMul", "Add"] => false,
        ["MatMul", "Add", "Softmax", "ArgMax"] => true,
        others => {
            let (expected, found) = ("`MatMul, Add` or `MatMul, Add, Softmax, ArgMax`", format!("`{}`", others.join(", ")));
            return Err(ModelError::unexpected("operators", expected, found));
        }
    };
    let signature: Signature = metadata(model, SIGNATURE, "the model's columns as JSON")?;
    let (head, outputs) = if classifies {
        let labels: Vec<String> = metadata(model, LABELS, "the classes as JSON")?;
        let count = labels.len();
        (Head::Classification { labels }, count)
    } else {
        (Head::Regression, 1)
    };
    let expected = if classifies { outputs + 1 } else { 1 };
    if signature.outputs.len() != expected {
        return Err(ModelError::unexpected("signature", format!("{expected} outputs"), signature.outputs.len()));
    }
    let weights = doubles(graph, WEIGHTS, &[signature.inputs.len(), outputs])?;
    let bias = doubles(graph, BIAS, &[outputs])?;
    Ok(Linear { producer: model.producer_name.clone(), signature, weights, bias, head })
}

fn check_operator_set(model: &Model) -> Result<(), ModelError> {
    let sets: Vec<_> = model
        .opset_import
        .iter()
        .map(|set| {
            let domain = set.domain.as_deref().filter(|domain| !domain.is_empty()).unwrap_or("ai.onnx");
            format!("{domain} {}", set.version)
        })
        .collect();
    let (expected, found) = (format!("ai.onnx {OPSET}"), sets.join(", "));
    if expected == found { Ok(()) } else { Err(ModelError::unexpected("operator set", expected, found)) }
}

fn metadata<T: DeserializeOwned>(model: &Model, key: &'static str, what: &str) -> Result<T, ModelError> {
    let Some(entry) = model.metadata_props.iter().find(|entry| entry.key == key) else {
        return Err(ModelError::unexpected(&format!("metadata `{key}`"), what, "nothing"));
    };
    serde_json::from_str(&entry.value).map_err(|source| ModelError::Metadata { key, source })
}

fn doubles(graph: &Graph, name: &str, dims: &[usize]) -> Result<Vec<f64>, ModelError> {
    let part = format!("tensor `{name}`");
    let Some(tensor) = graph.initializer.iter().find(|tensor| tensor.name == name) else {
        return Err(ModelError::unexpected(&part, "one", "none"));
    };
    let expected = format!("{} doubles", join(dims));
    let element = if tensor.data_type == DOUBLE { "doubles".to_owned() } else { format!("of type {}", tensor.data_type) };
    let found = format!("{} {element}", join(&tensor.dims));
    if expected != found {
        return Err(ModelError::unexpected(&part, expected, found));
    }
    let bytes = dims.iter().product::<usize>() * size_of::<f64>();
    if tensor.raw_data.len() != bytes {
        return Err(ModelError::unexpected(&part, format!("{bytes} bytes"), tensor.raw_data.len()));
    }
    let (chunks, _) = tensor.raw_data.as_chunks();
    let values: Vec<_> = chunks.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(ModelError::unexpected(&part, "finite numbers", value)),
        None => Ok(values),
    }
}

fn join<T: ToString>(dims: &[T]) -> String {
    dims.iter().map(T::to_string).collect::<Vec<_>>().join(" x ")
}
