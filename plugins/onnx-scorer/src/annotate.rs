//! Adds to a model of elsewhere what its bytes do not say: the names of its columns, its classes, which output is meant.

use prost::Message;
use sprag_inference::Model;
use sprag_onnx::Signature;

use crate::key;

/// What is added.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// The columns.
    pub signature: Signature,
    /// The classes, in the order of their probabilities; none for a regression.
    pub labels: Option<Vec<String>>,
    /// The output of the graph; none for its first.
    pub output: Option<String>,
}

/// `StringStringEntryProto` as an element of `ModelProto.metadata_props`.
#[derive(Clone, PartialEq, Message)]
struct Properties {
    #[prost(message, repeated, tag = "14")]
    entries: Vec<Property>,
}

#[derive(Clone, PartialEq, Message)]
struct Property {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// Whether a model says what its columns are.
pub fn is_annotated(model: &Model) -> bool {
    model.metadata(key::SIGNATURE).is_some()
}

/// The model with what is known about it.
///
/// The bytes of a repeated field may come in pieces (<https://protobuf.dev/programming-guides/encoding/#optional>), so that the entries are appended and nothing that
/// stood there before is touched.
pub fn annotated(model: &[u8], about: &About) -> Vec<u8> {
    let entry = |key: &str, value: String| Property { key: key.to_owned(), value };
    let signature = serde_json::to_string(&about.signature).expect("a signature is made of texts");
    let mut entries = vec![entry(key::SIGNATURE, signature)];
    entries.extend(about.labels.as_ref().map(|labels| entry(key::LABELS, serde_json::json!(labels).to_string())));
    entries.extend(about.output.as_ref().map(|output| entry(key::OUTPUT, output.clone())));
    let mut bytes = model.to_vec();
    bytes.extend(Properties { entries }.encode_to_vec());
    bytes
}
