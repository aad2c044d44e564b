//! Why bytes are not a model.

/// Why bytes are not a model of this crate's.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not a protocol buffer, or one that ends too early.
    #[error("expected an ONNX model, found {bytes} bytes that are none, or that break off: {source}")]
    NotOnnx {
        /// How many bytes there were.
        bytes: usize,
        /// What the reader met.
        source: prost::DecodeError,
    },
    /// A part of the model is missing or is not what this crate writes.
    #[error("{part}: expected {expected}, found {found}")]
    Unexpected {
        /// Which part of the model.
        part: String,
        /// What stands there in a model of this crate's.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A metadata entry is not the JSON that it should be.
    #[error("metadata `{key}`: {source}")]
    Metadata {
        /// The entry's key.
        key: &'static str,
        /// What the JSON reader met.
        source: serde_json::Error,
    },
    /// Well-formed, but with something added that would not be scored.
    #[error("expected nothing but a linear model, found more in it")]
    Foreign,
}

impl ModelError {
    pub(crate) fn unexpected(part: &str, expected: impl ToString, found: impl ToString) -> Self {
        Self::Unexpected { part: part.to_owned(), expected: expected.to_string(), found: found.to_string() }
    }
}
