//! A model as it stands in the file.

use prost::Message;

use crate::error::ModelError;
use crate::plan::Plan;
use crate::proto;

/// A model that was read. [`plan`](Self::plan) makes one of its outputs ready to be computed.
#[derive(Debug, Clone)]
pub struct Model {
    model: proto::Model,
}

impl Model {
    /// Reads a model.
    ///
    /// # Errors
    /// The bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, ModelError> {
        let not_onnx = |message: String| ModelError::NotOnnx { bytes: bytes.len(), message };
        let model = proto::Model::decode(bytes).map_err(|error| not_onnx(error.to_string()))?;
        if model.graph.is_none() {
            return Err(not_onnx("there is no graph".to_owned()));
        }
        Ok(Self { model })
    }

    /// What stands beside the graph under a key: the last of several.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.model.metadata_props.iter().rev().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    /// The names of the outputs, in order.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.model.graph.iter().flat_map(|graph| &graph.output).map(|output| output.name.as_str())
    }

    /// Makes an output ready to be computed: what it does not need is left out, what never changes is computed now.
    ///
    /// # Errors
    /// What it needs is not known, or makes no sense.
    pub fn plan(&self, output: &str) -> Result<Plan, ModelError> {
        let graph = self.model.graph.as_ref().ok_or_else(|| ModelError::graph("model", "a graph", "none"))?;
        Plan::of(graph, &self.model.opset_import, output)
    }
}
