//! What is no model, or means harm, is an error and nothing else.

use prost::Message;

use crate::proto::{self, Extent};
use crate::{Model, ModelError, Plan};

fn node(operator: &str, inputs: &[&str], output: &str) -> proto::Node {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    proto::Node { op_type: operator.to_owned(), input: own(inputs), output: own(&[output]), ..proto::Node::default() }
}

fn whole(name: &str, values: &[i64]) -> proto::Tensor {
    proto::Tensor {
        name: name.to_owned(),
        dims: vec![values.len() as i64],
        data_type: 7,
        int64_data: values.to_vec(),
        ..proto::Tensor::default()
    }
}

fn doubles(name: &str, dims: &[i64], values: &[f64]) -> proto::Tensor {
    proto::Tensor {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: 11,
        double_data: values.to_vec(),
        ..proto::Tensor::default()
    }
}

/// A graph over two features a row, whose answer is `answer`.
fn graph(nodes: Vec<proto::Node>, constants: Vec<proto::Tensor>) -> proto::Model {
    let dim = |value| proto::Dimension { value: Some(value) };
    let shape = proto::Shape { dim: vec![dim(Extent::Parameter("rows".to_owned())), dim(Extent::Value(2))] };
    let tensor = proto::Type { tensor_type: Some(proto::TensorType { elem_type: 11, shape: Some(shape) }) };
    let value = |name: &str, r#type| proto::ValueInfo { name: name.to_owned(), r#type };
    let graph = proto::Graph {
        node: nodes,
        initializer: constants,
        input: vec![value("x", Some(tensor))],
        output: vec![value("answer", None)],
    };
    let opset_import = vec![proto::OperatorSet { domain: String::new(), version: 17 }];
    proto::Model { graph: Some(graph), opset_import, metadata_props: vec![] }
}

fn plan(model: &proto::Model) -> Result<Plan, ModelError> {
    Model::decode(&model.encode_to_vec())?.plan("answer")
}

fn affine() -> proto::Model {
    let nodes = vec![node("MatMul", &["x", "w"], "m"), node("Add", &["m", "b"], "answer")];
    graph(nodes, vec![doubles("w", &[2, 1], &[2.0, -1.0]), doubles("b", &[1], &[0.5])])
}

/// What a graph of some nodes is refused with, when it is read or when it is run.
fn refused(nodes: Vec<proto::Node>, constants: Vec<proto::Tensor>) -> String {
    match plan(&graph(nodes, constants)) {
        Err(error) => error.to_string(),
        Ok(plan) => plan.run(2, &[1.0, 2.0, 3.0, 4.0]).expect_err("a refusal").to_string(),
    }
}

#[test]
fn a_graph_answers_row_by_row() {
    let plan = plan(&affine()).unwrap();
    assert_eq!(plan.width(), Some(2));
    let answer = plan.run(2, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    assert_eq!((answer.width, answer.values), (1, vec![0.5, 2.5]));
    assert_eq!(plan.run(0, &[]).unwrap().values, [0.0; 0]);
    let error = plan.run(2, &[1.0, 2.0, 3.0]).unwrap_err();
    assert_eq!(error.to_string(), "graph: expected 2 features in each row, found 3 numbers in 2 rows");
}

#[test]
fn every_part_of_a_model_that_is_cut_off_or_turned_is_an_error_or_another_model() {
    let bytes = affine().encode_to_vec();
    for end in 0..bytes.len() {
        // Some cuts end between two fields, and leave a smaller model; it is then refused for what it lacks.
        assert!(
            Model::decode(&bytes[..end]).and_then(|model| model.plan("answer")).is_err() || end == bytes.len(),
            "{end} bytes"
        );
    }
    for at in 0..bytes.len() * 8 {
        let mut turned = bytes.clone();
        turned[at / 8] ^= 1 << (at % 8);
        if let Ok(plan) = Model::decode(&turned).and_then(|model| model.plan("answer")) {
            let _any = plan.run(2, &[1.0, 2.0, 3.0, 4.0]);
        }
    }
}

#[test]
fn what_is_not_known_is_named() {
    let error = refused(vec![node("Conv", &["x"], "answer")], vec![]);
    assert!(error.starts_with("node 0 (`Conv`): the operator `Conv` is not known; known are Abs, Add,"), "{error}");
    let foreign = proto::Node { domain: "com.example".to_owned(), ..node("Add", &["x", "x"], "answer") };
    assert!(refused(vec![foreign], vec![]).contains("`Add` is not known"));
    let mut old = affine();
    old.opset_import[0].version = 3;
    assert_eq!(plan(&old).unwrap_err().to_string(), "model: expected version 7 to 24 of the operators, found version 3");
    let error = Model::decode(&affine().encode_to_vec()).unwrap().plan("other").unwrap_err();
    assert_eq!(error.to_string(), "graph: expected one of its outputs (`answer`), found `other`");
    assert!(Model::decode(b"no model").unwrap_err().to_string().starts_with("expected an ONNX model, found 8 bytes"));
}

#[test]
fn graphs_that_run_in_circles_or_from_nowhere_are_refused() {
    let circle = vec![node("Abs", &["b"], "a"), node("Abs", &["a"], "b"), node("Identity", &["b"], "answer")];
    assert!(refused(circle, vec![]).contains("expected inputs that an earlier node gives, found `b`"));
    assert!(refused(vec![node("Abs", &["nowhere"], "answer")], vec![]).contains("found `nowhere`"));
    let twice = vec![node("Abs", &["x"], "answer"), node("Neg", &["x"], "answer")];
    assert!(refused(twice, vec![]).contains("expected outputs that nothing else gives"));
    assert!(refused(vec![node("Add", &["x"], "answer")], vec![]).contains("Add"));
}

#[test]
fn shapes_that_would_fill_the_memory_are_refused() {
    let huge = whole("shape", &[1 << 20, 1 << 20]);
    let error = refused(vec![node("Expand", &["one", "shape"], "answer")], vec![doubles("one", &[1], &[1.0]), huge.clone()]);
    assert!(error.contains("2^28"), "{error}");
    let error = refused(vec![node("Reshape", &["x", "shape"], "answer")], vec![huge]);
    assert!(error.contains("expected"), "{error}");
    // A few bytes that claim a large tensor.
    let claim = proto::Tensor { dims: vec![i64::MAX, i64::MAX], ..doubles("w", &[], &[]) };
    assert!(refused(vec![node("MatMul", &["x", "w"], "answer")], vec![claim]).contains('w'));
    let negative = proto::Tensor { dims: vec![-1], ..doubles("w", &[], &[1.0]) };
    assert!(!refused(vec![node("Add", &["x", "w"], "answer")], vec![negative]).is_empty());
    // An outer product of all rows with all rows is no answer for each row.
    let column = doubles("w", &[3, 1, 1], &[1.0, 2.0, 3.0]);
    let error = refused(vec![node("Add", &["x", "w"], "answer")], vec![column]);
    assert_eq!(error, "graph: expected an answer with 2 rows, found one of the shape [3, 2, 2]");
}

#[test]
fn shapes_that_do_not_go_together_are_refused() {
    for (operator, dims) in [("MatMul", [3, 1]), ("Add", [3, 5]), ("Gemm", [3, 1])] {
        let count = usize::try_from(dims[0] * dims[1]).unwrap();
        let error = refused(vec![node(operator, &["x", "w"], "answer")], vec![doubles("w", &dims, &vec![1.0; count])]);
        assert!(error.contains(operator) && error.contains("expected"), "{error}");
    }
    let error = refused(vec![node("Gather", &["x", "at"], "answer")], vec![whole("at", &[5])]);
    assert!(error.contains("expected"), "{error}");
    let error = refused(vec![node("Transpose", &["w"], "answer")], vec![doubles("w", &[2], &[1.0])]);
    assert!(error.contains('w') || error.contains("graph"), "{error}");
}

#[test]
fn trees_with_false_places_are_refused() {
    let attribute =
        |name: &str, ints: &[i64]| proto::Attribute { name: name.to_owned(), ints: ints.to_vec(), ..proto::Attribute::default() };
    let tensor = |name: &str, kind: i32, values: &[f64]| {
        let tensor = if kind == 11 {
            doubles("", &[values.len() as i64], values)
        } else {
            let raw = values.iter().map(|_| 0_u8).collect();
            proto::Tensor { dims: vec![values.len() as i64], data_type: kind, raw_data: Some(raw), ..proto::Tensor::default() }
        };
        proto::Attribute { name: name.to_owned(), t: Some(tensor), ..proto::Attribute::default() }
    };
    let tree = |feature: i64, child: i64, leaf: i64, root: i64| {
        let one =
            |name: &str, value: i64| proto::Attribute { name: name.to_owned(), i: Some(value), ..proto::Attribute::default() };
        let attributes = vec![
            one("n_targets", 1),
            one("aggregate_function", 1),
            attribute("tree_roots", &[root]),
            attribute("nodes_featureids", &[feature]),
            tensor("nodes_splits", 11, &[0.5]),
            tensor("nodes_modes", 2, &[0.0]),
            attribute("nodes_truenodeids", &[0]),
            attribute("nodes_trueleafs", &[1]),
            attribute("nodes_falsenodeids", &[child]),
            attribute("nodes_falseleafs", &[leaf]),
            attribute("leaf_targetids", &[0, 0]),
            tensor("leaf_weights", 11, &[1.0, 2.0]),
        ];
        proto::Node { domain: "ai.onnx.ml".to_owned(), attribute: attributes, ..node("TreeEnsemble", &["x"], "answer") }
    };
    let good = plan(&graph(vec![tree(1, 1, 1, 0)], vec![])).unwrap();
    assert_eq!(good.run(2, &[9.0, 0.5, 9.0, 0.6]).unwrap().values, [1.0, 2.0]);
    for (what, bad) in [
        ("a child that is its own parent", tree(1, 0, 0, 0)),
        ("a leaf that is not there", tree(1, 7, 1, 0)),
        ("a node that is not there", tree(1, 7, 0, 0)),
        ("a feature that is not there", tree(5, 1, 1, 0)),
        ("a negative feature", tree(-1, 1, 1, 0)),
        ("a root that is not there", tree(1, 1, 1, 9)),
    ] {
        let error = refused(vec![bad], vec![]);
        assert!(error.contains("TreeEnsemble") && error.contains("expected"), "{what}: {error}");
    }
}
