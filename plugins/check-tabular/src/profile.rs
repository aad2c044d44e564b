//! The stored profile of good data: what `sprag profile` writes.

use serde::Deserialize;
use sprag_sdk::Failure;

use crate::Kind;

/// The value of [`Profile::format`] that is read here.
const FORMAT: &str = "sprag-profile/1";

/// What good data looked like.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Profile {
    /// The format's name and version.
    pub format: String,
    /// How many rows there were.
    pub rows: u64,
    /// The columns, in order.
    pub columns: Vec<ColumnProfile>,
    /// How many rows repeated an earlier row.
    #[serde(default)]
    pub duplicate_rows: u64,
}

/// What a column of good data looked like.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Its type.
    pub dtype: Kind,
    /// How many rows had no value.
    pub nulls: u64,
    /// How many values were NaN or infinite.
    #[serde(default)]
    pub non_finite: u64,
    /// The smallest number.
    pub min: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
    /// The 0th, 1st, ... 100th percentile of its numbers, or nothing.
    #[serde(default)]
    pub quantiles: Vec<f64>,
    /// The most frequent values of a column of text or booleans.
    #[serde(default)]
    pub categories: Vec<Category>,
    /// How many rows had another value.
    #[serde(default)]
    pub other_count: u64,
}

/// A value, and how many rows had it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Category {
    /// The value.
    pub value: String,
    /// How many rows had it.
    pub count: u64,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    ///
    /// [`Failure::BadInput`] when it is not JSON of this format, or contradicts itself.
    pub fn parse(json: &[u8]) -> Result<Self, Failure> {
        let profile: Self = serde_json::from_slice(json)
            .map_err(|error| Failure::bad_input(format!("input `profile`: expected JSON of `sprag profile`, found: {error}")))?;
        if profile.format != FORMAT {
            return Err(Failure::bad_input(format!(
                "input `profile`: expected the format `{FORMAT}`, found `{}`",
                profile.format
            )));
        }
        for column in &profile.columns {
            let quantiles = &column.quantiles;
            if !(quantiles.is_empty() || quantiles.len() == 101)
                || !quantiles.is_sorted()
                || !quantiles.iter().all(|q| q.is_finite())
            {
                let message =
                    format!("input `profile`: expected 101 ascending percentiles of column `{}`, found others", column.name);
                return Err(Failure::BadInput(message));
            }
        }
        Ok(profile)
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_profile_is_refused() {
        let refused = |json: &str| Profile::parse(json.as_bytes()).unwrap_err().message().to_owned();
        assert!(refused("AGE,SEX").starts_with("input `profile`: expected JSON of `sprag profile`, found: expected value"));
        let other = r#"{"format": "sprag-profile/2", "rows": 1, "columns": []}"#;
        assert_eq!(refused(other), "input `profile`: expected the format `sprag-profile/1`, found `sprag-profile/2`");
        let short = r#"{"format": "sprag-profile/1", "rows": 1, "columns": [{"name": "a", "dtype": "float", "nulls": 0, "quantiles": [1]}]}"#;
        assert_eq!(refused(short), "input `profile`: expected 101 ascending percentiles of column `a`, found others");
    }
}
