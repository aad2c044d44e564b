//! What a model takes and gives, and what it is called.

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DType {
    /// 64-bit IEEE 754 floating point.
    Float,
    /// 64-bit signed integer.
    Integer,
    /// True or false.
    Boolean,
    /// UTF-8 text.
    Text,
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp,
}

impl DType {
    /// Its name in a project's formats.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Text => "text",
            Self::Timestamp => "timestamp",
        }
    }

    /// The type with a name, as [`DType::name`] gives it.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Float, Self::Integer, Self::Boolean, Self::Text, Self::Timestamp].into_iter().find(|dtype| dtype.name() == name)
    }

    /// Its name in the Open Inference Protocol.
    pub(crate) const fn datatype(self) -> &'static str {
        match self {
            Self::Float => "FP64",
            Self::Integer | Self::Timestamp => "INT64",
            Self::Boolean => "BOOL",
            Self::Text => "BYTES",
        }
    }

    /// What a JSON value for it must be.
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Self::Float => "a number",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::Text => "a string",
            Self::Timestamp => "a whole number of microseconds since 1970",
        }
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The type of its values.
    pub dtype: DType,
    /// Whether a value may be missing.
    pub nullable: bool,
}

/// A model as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its digest, `sha256:...`.
    pub digest: String,
    /// The columns that it needs, in order.
    pub inputs: Vec<Field>,
    /// The columns that it gives, in order. The first is the prediction.
    pub outputs: Vec<Field>,
}
