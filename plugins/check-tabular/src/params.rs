//! The parameters.

use std::collections::BTreeMap;

use serde::Deserialize;
use sprag_sdk::{Dtype, Failure};

/// What is expected of the data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The expected columns and their types; the profile's where none are given.
    pub columns: BTreeMap<String, Kind>,
    /// Whether columns that are not expected are let through, with a warning.
    pub allow_unexpected: bool,
    /// Columns to which no rule applies.
    pub ignore: Vec<String>,
    /// Which numbers a column may hold, instead of those that follow from the profile.
    pub ranges: BTreeMap<String, Range>,
    /// How far beyond the profile's smallest and largest number a column may reach, as a share of the distance between the two.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub range_margin: f64,
    /// The share of rows without a value, or with one that is not finite, that a column may have beyond the profile's share.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub null_tolerance: f64,
    /// The share of rows that may repeat an earlier row; where none is given, the profile's share and 0.05.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub max_duplicate_share: Option<f64>,
    /// The smallest number of rows.
    pub min_rows: u64,
    /// The largest number of rows.
    pub max_rows: Option<u64>,
    /// The smallest number of rows as a share of the profile's: 0.5 is half as many.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub min_rows_of_profile: f64,
    /// When the values count as drifted away from the profile's.
    pub drift: Drift,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            columns: BTreeMap::new(),
            allow_unexpected: false,
            ignore: Vec::new(),
            ranges: BTreeMap::new(),
            range_margin: 0.5,
            null_tolerance: 0.0,
            max_duplicate_share: None,
            min_rows: 1,
            max_rows: None,
            min_rows_of_profile: 0.0,
            drift: Drift::default(),
        }
    }
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub enum Kind {
    /// Numbers.
    Float,
    /// Whole numbers.
    Integer,
    /// True or false.
    Boolean,
    /// Text.
    Text,
    /// Points in time.
    Timestamp,
}

impl From<Kind> for Dtype {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Float => Self::Float,
            Kind::Integer => Self::Integer,
            Kind::Boolean => Self::Boolean,
            Kind::Text => Self::Text,
            Kind::Timestamp => Self::Timestamp,
        }
    }
}

/// Which numbers a column may hold. A side that is not given has no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Range {
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

/// When values count as drifted. A column of numbers fails when both measures are over their limits, and gets a warning when one is; a column of text or of
/// booleans has the first measure alone.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Drift {
    /// Whether drift is looked for.
    pub enabled: bool,
    /// The largest population stability index. What chance adds to it on few rows comes on top.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub max_psi: f64,
    /// The largest Kolmogorov-Smirnov distance. On few rows, the distance that chance reaches takes its place.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub max_ks: f64,
    /// How rarely chance may reach the Kolmogorov-Smirnov limit.
    #[cfg_attr(test, schemars(range(min = 1e-12, max = 0.5)))]
    pub alpha: f64,
}

impl Default for Drift {
    fn default() -> Self {
        Self { enabled: true, max_psi: 0.25, max_ks: 0.1, alpha: 0.001 }
    }
}

impl Params {
    /// Checks that the columns named are expected ones, since a rule for a column that is misspelt would never apply.
    pub(crate) fn check(&self, expected: &[&str]) -> Result<(), Failure> {
        let named = self.ranges.keys().map(|name| ("ranges", name)).chain(self.ignore.iter().map(|name| ("ignore", name)));
        for (parameter, name) in named {
            if !expected.is_empty() && !expected.contains(&name.as_str()) {
                let known: Vec<_> = expected.iter().map(|name| format!("`{name}`")).collect();
                return Err(Failure::bad_params(format!(
                    "`{parameter}`: unknown column `{name}`, expected one of {}",
                    known.join(", ")
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(
            env!("CARGO_MANIFEST_DIR"),
            <crate::CheckTabular as sprag_sdk::Plugin>::JSON,
            &derived,
        );
    }
}
