//! Files that are scored: the part of `sprag.toml` that names them, and what was done, as `sprag score --json` and the run record say it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[batch.NAME]`: a file that is scored by a registered version, with each run or on demand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Batch {
    /// The version: NAME@NUMBER, NAME@ALIAS, @ALIAS of the project's model, or NAME for the newest. Default: the version in production when the file is scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The file to score, relative to the project: CSV or Parquet, by its extension.
    pub input: String,
    /// The file to make, relative to the project: the columns of the input and, after them, the outputs of the model. One that is there is replaced.
    pub output: String,
    /// The CSV file for rows that cannot be scored. Default: the output's name with `.rejects.csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<String>,
    /// How many rows may be refused before the job fails: a number or a percentage. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_errors: Option<MaxErrors>,
    /// The columns of the input to write again. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// What to put before the names of the model's outputs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// The character between the fields of a CSV input. Default: a comma, or a tab for `.tsv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// When the file is scored.
    #[serde(default)]
    pub when: When,
}

/// When a file is scored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// At the end of each `sprag run` that neither failed nor was blocked, and by `sprag batch`.
    #[default]
    Run,
    /// By `sprag batch` alone.
    Asked,
}

/// How many rows may be refused: `10` or `1%`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct MaxErrors(String);

impl MaxErrors {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for MaxErrors {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = MaxErrors;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of rows, such as `10`, or a percentage from 0% to 100%, such as `\"1%\"`")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<MaxErrors, E> {
                let is_good = match text.strip_suffix('%') {
                    None => text.parse::<u64>().is_ok(),
                    Some(percent) => percent.trim().parse::<f64>().is_ok_and(|percent| (0.0..=100.0).contains(&percent)),
                };
                if is_good {
                    Ok(MaxErrors(text.to_owned()))
                } else {
                    Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
                }
            }
            fn visit_i64<E: serde::de::Error>(self, rows: i64) -> Result<MaxErrors, E> {
                let rows_or = u64::try_from(rows).map(|rows| MaxErrors(rows.to_string()));
                rows_or.map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(rows), &self))
            }
            fn visit_u64<E: serde::de::Error>(self, rows: u64) -> Result<MaxErrors, E> {
                Ok(MaxErrors(rows.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A file of the project that a run scored, or failed to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BatchRecord {
    /// The job's name in the project file.
    pub name: String,
    /// What was done; none where it failed.
    pub summary: Option<BatchSummary>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<BatchFailure>,
}

/// Why a file was not scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BatchFailure {
    /// What kind of failure it was: `bad-batch` (the version, a file or too many of its rows), `plugin-failed`, `limit-hit`, `busy`, `cancelled` or `internal`.
    pub kind: String,
    /// What happened, as one sentence.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What a batch job did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BatchSummary {
    /// The model: its version, or its digest where it is under no name.
    pub model: String,
    /// The model's digest.
    pub model_digest: String,
    /// The file that was scored.
    pub input: BatchFile,
    /// The file with the predictions.
    pub output: BatchFile,
    /// The file of the rows that were refused; none where all were scored.
    pub rejects: Option<BatchFile>,
    /// How many threads worked.
    pub threads: usize,
    /// The row from which this attempt went on, where an earlier one had been stopped: how many rows were done by then.
    pub resumed_at: Option<u64>,
    /// Why the work of an earlier attempt could not be gone on with.
    pub restarted: Option<String>,
    /// How long this attempt took.
    pub seconds: f64,
    /// How many rows this attempt went through in a second.
    pub rows_per_second: f64,
}

/// A file that a batch job read or wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BatchFile {
    /// Its path, as it was given.
    pub path: String,
    /// The SHA-256 of its bytes.
    pub digest: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_needs_an_input_and_an_output() {
        let job: Batch = toml::from_str("input = \"a.csv\"\noutput = \"b.csv\"").unwrap();
        assert_eq!((job.model, job.columns, job.max_errors, job.when), (None, None, None, When::Run));
        let missing = toml::from_str::<Batch>("input = \"a.csv\"").unwrap_err().to_string();
        assert!(missing.contains("missing field `output`"), "{missing}");
    }

    #[test]
    fn a_limit_on_errors_is_a_number_or_a_share() {
        let of = |value: &str| toml::from_str::<Batch>(&format!("input = \"a\"\noutput = \"b\"\nmax-errors = {value}"));
        for (value, text) in [("3", "3"), ("\"3\"", "3"), ("\"0.5%\"", "0.5%")] {
            assert_eq!(of(value).unwrap().max_errors.unwrap().as_str(), text);
        }
        for bad in ["-1", "\"-1\"", "\"101%\"", "\"few\"", "0.5"] {
            assert!(of(bad).unwrap_err().to_string().contains("a number of rows"), "{bad}");
        }
    }
}
