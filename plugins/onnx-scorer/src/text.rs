//! Text columns as numbers: the place of each value in the list of those that the model was trained on.

use std::collections::BTreeMap;

use serde::Deserialize;
use sprag_sdk::{Column, Failure};

/// The codes of one column.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Written")]
pub(crate) struct Categories {
    codes: BTreeMap<String, f64>,
    /// Whether a value that the training did not see is an error.
    is_strict: bool,
}

/// As the exporter writes them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    values: Vec<String>,
    unknown: Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Unknown {
    Error,
    Zero,
}

impl From<Written> for Categories {
    fn from(written: Written) -> Self {
        let codes = written.values.into_iter().zip(0..).map(|(value, code)| (value, f64::from(code))).collect();
        Self { codes, is_strict: matches!(written.unknown, Unknown::Error) }
    }
}

/// The code of a value that the training did not see.
const UNKNOWN: f64 = -1.0;

impl Categories {
    /// A text column as codes; NaN where there is no value.
    pub(crate) fn encode(&self, name: &str, column: &Column) -> Result<Vec<f64>, Failure> {
        (0..column.len()).map(|row| self.code(name, column, row)).collect()
    }

    fn code(&self, name: &str, column: &Column, row: usize) -> Result<f64, Failure> {
        if column.is_null(row) {
            return Ok(f64::NAN);
        }
        let text =
            column.text(row).ok_or_else(|| Failure::bad_input(format!("expected text in column `{name}`, found numbers")))?;
        match self.codes.get(&*text) {
            Some(code) => Ok(*code),
            None if self.is_strict => Err(Failure::bad_input(format!(
                "expected a value that the model was trained on in column `{name}`, row {row} of the batch, found `{}`",
                text.escape_debug()
            ))),
            None => Ok(UNKNOWN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_seen_is_an_error_or_the_code_of_nothing() {
        let read = |unknown: &str| -> Categories {
            serde_json::from_str(&format!(r#"{{"values": ["a", "b"], "unknown": "{unknown}"}}"#)).unwrap()
        };
        let column = Column::texts(["b", "a", "c"]);
        assert_eq!(read("zero").encode("x", &column).unwrap(), [1.0, 0.0, -1.0]);
        assert_eq!(
            read("error").encode("x", &column).unwrap_err().message(),
            "expected a value that the model was trained on in column `x`, row 2 of the batch, found `c`"
        );
    }
}
