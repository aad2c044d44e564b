//! Column types and fields: the five types of the contract `sprag:data`, under the names that a project file uses.
//!
//! Says nothing of how values are laid out; [`crate::Values`] does.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// Every type, in the order of the contract.
    pub const ALL: [Self; 5] = [Self::Float, Self::Integer, Self::Boolean, Self::Text, Self::Timestamp];

    /// The name in a project file: `float`, `integer`, `boolean`, `text` or `timestamp`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Text => "text",
            Self::Timestamp => "timestamp",
        }
    }

    /// Whether the values have an order and a distance: floats, integers and timestamps.
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Float | Self::Integer | Self::Timestamp)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no column type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a column type (`float`, `integer`, `boolean`, `text` or `timestamp`), found `{found}`")]
pub struct ParseDTypeError {
    found: String,
}

impl FromStr for DType {
    type Err = ParseDTypeError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|dtype| dtype.name() == name);
        known.ok_or_else(|| ParseDTypeError { found: name.chars().take(100).collect() })
    }
}

/// One column of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// The column's name, unique within its table.
    pub name: String,
    /// The type of every value in the column.
    pub dtype: DType,
    /// Whether the column holds at least one null.
    pub nullable: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_agree_with_serde() {
        for dtype in DType::ALL {
            assert_eq!(dtype.to_string().parse(), Ok(dtype));
            assert_eq!(serde_json::to_string(&dtype).unwrap(), format!("\"{dtype}\""));
        }
    }

    #[test]
    fn unknown_name_lists_the_known_ones() {
        let error = "double".parse::<DType>().unwrap_err().to_string();
        assert!(error.contains("`double`") && error.contains("`timestamp`"), "{error}");
    }
}
