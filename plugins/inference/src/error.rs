//! Why a model cannot be read, or not be run.

/// Why a model cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The bytes are no ONNX model.
    #[error("expected an ONNX model, found {bytes} bytes that are none, or that break off: {message}")]
    NotOnnx {
        /// How many bytes there are.
        bytes: usize,
        /// What the reader says.
        message: String,
    },
    /// A part of the graph is not as ONNX has it, or not as a model of a table has it.
    #[error("{place}: expected {expected}, found {found}")]
    Graph {
        /// Which part.
        place: String,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// An operator that is not known.
    #[error("{place}: the operator `{operator}` is not known; known are {}", .known.join(", "))]
    Operator {
        /// The node.
        place: String,
        /// The operator.
        operator: String,
        /// Those that are.
        known: Vec<&'static str>,
    },
    /// A part that never changes cannot be computed.
    #[error(transparent)]
    Constant(#[from] RunError),
}

impl ModelError {
    pub(crate) fn graph(place: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Graph { place: place.into(), expected: expected.into(), found: found.into() }
    }
}

/// Why a model gives no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct RunError {
    /// The node.
    pub place: String,
    /// What was expected, and what was found.
    pub message: String,
}
