//! One case, as its folder says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use sprag_schemas::manifest::{Kind, Limits};

use crate::observed::Outcome;
use crate::table::DataSpec;

/// The file that a case's folder must have.
pub(crate) const FILE: &str = "case.toml";

/// One case: what is done with the plugin, and what it must do then.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// The name: that of the folder.
    #[serde(skip)]
    pub name: String,
    /// The folder, where its other files are.
    #[serde(skip)]
    pub folder: PathBuf,
    /// What the plugin must do, as a sentence that goes on from "it must".
    pub must: String,
    /// The kinds that it is for; all where there are none.
    #[serde(default)]
    pub kinds: Vec<Kind>,
    /// What is done.
    #[serde(default)]
    pub act: Act,
    /// The table that is handed over.
    #[serde(default)]
    pub data: DataSpec,
    /// The parameters; those of the command line, or none, where it says nothing.
    #[serde(default)]
    pub params: Option<Map<String, Value>>,
    /// The files of the folder that the plugin may read, by the name that it asks for.
    #[serde(default)]
    pub inputs: BTreeMap<String, PathBuf>,
    /// The file of the folder with the event of a `notify` or the request of an `approve` plugin.
    #[serde(default)]
    pub event: Option<PathBuf>,
    /// The limits.
    #[serde(default)]
    pub limits: Limits,
    /// What must come of it.
    #[serde(default)]
    pub expect: Expect,
}

/// What is done with the plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Its binary is held against the contract; nothing is run.
    Fit,
    /// It is run.
    #[default]
    Run,
    /// It is run, asked for something that nobody grants. Plugins that ask for nothing are left out.
    Denied,
    /// It is run twice, and must give the same.
    Twice,
    /// It is run and asked to stop at its first word.
    Cancel,
    /// It trains, and its model scores the rows at once and in pieces.
    Pieces,
    /// It trains, and its scorer is given states that no trainer wrote.
    DamagedState,
}

/// What must come of it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Expect {
    /// The outcomes that are well; `ok` alone where there are none.
    pub outcomes: Vec<Outcome>,
    /// What the failure's message must hold.
    pub message: Option<String>,
    /// `pass`, `fail` or `skip` of a check or a smoke test, `promote`, `keep` or `blocked` of a gate, `approve`, `wait` or `reject` of a rule.
    pub answer: Option<String>,
    /// The codes of the findings, in order.
    pub findings: Option<Vec<String>>,
    /// Metrics by their name.
    pub metrics: BTreeMap<String, Figure>,
    /// A CSV file of the folder with the predictions for the rows, by the names of the model's columns.
    pub predictions: Option<Predictions>,
}

/// A figure with its tolerance.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// How far from it the plugin's may be.
    #[serde(default)]
    pub within: f64,
}

/// Expected predictions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Predictions {
    /// The file.
    pub file: PathBuf,
    /// How far each number may be from it.
    #[serde(default)]
    pub within: f64,
}

/// Why a folder is no case.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A file cannot be read.
    #[error("failed to read `{}`: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `case.toml` is not as it should be.
    #[error("{}: {message}", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        message: String,
    },
    /// The table of a case cannot be made.
    #[error("the case `{case}`: {message}")]
    Data {
        /// The case.
        case: String,
        /// What is wrong.
        message: String,
    },
}

impl Case {
    /// Reads the case in a folder.
    ///
    /// # Errors
    /// There is no `case.toml`, or it is not as it should be.
    pub fn read(folder: &Path) -> Result<Self, CaseError> {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|source| CaseError::Read { path: path.clone(), source })?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let case = Self::parse(&text).map_err(|message| CaseError::Parse { path, message })?;
        Ok(Self { name, folder: folder.to_owned(), ..case })
    }

    /// Reads the text of a `case.toml`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// Whether it is for plugins of a kind.
    pub fn is_for(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    /// A file of the case.
    pub(crate) fn file(&self, path: &Path) -> Result<Vec<u8>, CaseError> {
        let path = self.folder.join(path);
        std::fs::read(&path).map_err(|source| CaseError::Read { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_says_little_where_the_rest_is_usual() {
        let case = Case::parse("must = \"succeed\"\n").unwrap();
        assert_eq!((case.act, case.is_for(Kind::Deploy), case.expect.outcomes.len()), (Act::Run, true, 0));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Case::parse("must = \"succeed\"\nkind = [\"train\"]\n").unwrap_err();
        assert!(error.contains("line 2") && error.contains("unknown field `kind`"), "{error}");
        let error = Case::parse("must = \"succeed\"\n[expect]\noutcomes = [\"fine\"]\n").unwrap_err();
        assert!(error.contains("unknown variant `fine`"), "{error}");
    }
}
