//! From the model to the messages.

use crate::{
    Head, Linear,
    proto::{
        ATTRIBUTE_INT, Attribute, DOUBLE, Dimension, Entry, Extent, Graph, INT64, Model, Node, OperatorSet, Shape, Tensor,
        TensorType, Type, ValueInfo,
    },
};

/// The version of the format; onnxruntime reads it since 1.10 (November 2021).
pub(crate) const IR_VERSION: i64 = 8;
/// The version of the operators in the domain `ai.onnx` that goes with it.
pub(crate) const OPSET: i64 = 17;
/// The metadata key of the signature.
pub(crate) const SIGNATURE: &str = "sprag.signature";
/// The metadata key of the classes.
pub(crate) const LABELS: &str = "sprag.labels";
/// The name of the initializer that holds the weights.
pub(crate) const WEIGHTS: &str = "weights";
/// The name of the initializer that holds the bias.
pub(crate) const BIAS: &str = "bias";

/// The whole model.
pub(crate) fn model(linear: &Linear) -> Model {
    let mut metadata = vec![entry(SIGNATURE, &linear.signature)];
    if let Head::Classification { labels } = &linear.head {
        metadata.push(entry(LABELS, labels));
    }
    Model {
        ir_version: IR_VERSION,
        producer_name: linear.producer.clone(),
        graph: Some(graph(linear)),
        opset_import: vec![OperatorSet { domain: Some(String::new()), version: OPSET }],
        metadata_props: metadata,
    }
}

fn graph(linear: &Linear) -> Graph {
    let (inputs, outputs) = (linear.signature.inputs.len(), linear.bias.len());
    let (affine, tail, results) = match &linear.head {
        Head::Regression => ("prediction", vec![], vec![value("prediction", DOUBLE, &[outputs])]),
        Head::Classification { .. } => (
            "scores",
            vec![
                node("Softmax", &["scores"], "probabilities", &[("axis", 1)]),
                node("ArgMax", &["probabilities"], "label_index", &[("axis", 1), ("keepdims", 0)]),
            ],
            vec![value("label_index", INT64, &[]), value("probabilities", DOUBLE, &[outputs])],
        ),
    };
    let mut nodes = vec![node("MatMul", &["features", WEIGHTS], "products", &[]), node("Add", &["products", BIAS], affine, &[])];
    nodes.extend(tail);
    Graph {
        node: nodes,
        name: "linear".to_owned(),
        initializer: vec![tensor(WEIGHTS, &[inputs, outputs], &linear.weights), tensor(BIAS, &[outputs], &linear.bias)],
        input: vec![value("features", DOUBLE, &[inputs])],
        output: results,
    }
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, i64)]) -> Node {
    Node {
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![output.to_owned()],
        name: operator.to_lowercase(),
        op_type: operator.to_owned(),
        attribute: attributes
            .iter()
            .map(|&(name, value)| Attribute { name: name.to_owned(), i: Some(value), r#type: ATTRIBUTE_INT })
            .collect(),
    }
}

fn tensor(name: &str, dims: &[usize], values: &[f64]) -> Tensor {
    Tensor {
        dims: dims.iter().map(|&dim| dim as i64).collect(),
        data_type: DOUBLE,
        name: name.to_owned(),
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

/// A tensor of as many rows as there are to score, and of the dimensions given.
fn value(name: &str, element: i32, dims: &[usize]) -> ValueInfo {
    let rows = Extent::Param("N".to_owned());
    let extents = std::iter::once(rows).chain(dims.iter().map(|&dim| Extent::Value(dim as i64)));
    let shape = Shape { dim: extents.map(|extent| Dimension { extent: Some(extent) }).collect() };
    let tensor = TensorType { elem_type: element, shape: Some(shape) };
    ValueInfo { name: name.to_owned(), r#type: Some(Type { tensor_type: Some(tensor) }) }
}

fn entry(key: &str, value: &impl serde::Serialize) -> Entry {
    let value = serde_json::to_string(value).expect("names and lists of names are JSON");
    Entry { key: key.to_owned(), value }
}
