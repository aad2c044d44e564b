//! The parts of the events that MLflow is told. `sprag schema run-event` and `sprag schema release-event` print the schemas of the whole.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::{Map, Value};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A run ended.
    Run(Box<RunEnded>),
    /// A version is where its release was to bring it.
    Released(Released),
    /// Nothing that MLflow has a place for: the event's name.
    Other(String),
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let name = value["event"].as_str().ok_or_else(|| D::Error::custom("expected an event, found none"))?.to_owned();
        let read = match name.as_str() {
            "run-ended" => RunEnded::deserialize(value).map(|run| Self::Run(Box::new(run))),
            // Of a release that gets a share of the requests, the version before is still the environment's.
            "released" if value["share"].is_null() => Released::deserialize(value).map(Self::Released),
            _ => Ok(Self::Other(name)),
        };
        read.map_err(D::Error::custom)
    }
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RunEnded {
    /// The project's name.
    pub project: String,
    /// The model's name in the registry.
    pub model: String,
    /// The run.
    pub run: Run,
    /// Its files.
    pub files: Vec<File>,
}

/// A release that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Released {
    /// The environment.
    pub environment: String,
    /// The version.
    pub version: Version,
}

/// A version of the registry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// The model's name.
    pub name: String,
    /// The number.
    pub version: u64,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Run {
    /// Its id.
    pub id: String,
    /// How it ended.
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// When it started (RFC 3339, UTC).
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// Where it came from.
    pub origin: Origin,
    /// The seed of all chance.
    pub seed: u64,
    /// What was trained on.
    pub data: Option<Data>,
    /// The stages.
    pub stages: Vec<Stage>,
    /// The candidate.
    pub candidate: Option<Model>,
    /// The version that it registered.
    pub registered: Option<Version>,
    /// Words to find it by.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Where a run came from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Origin {
    /// Who.
    pub by: String,
    /// The commit.
    pub git_commit: Option<String>,
    /// The page of the build.
    pub build_uri: Option<String>,
}

/// The data of a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Data {
    /// The file.
    pub path: String,
    /// The digest of the training rows.
    pub training_digest: String,
    /// The digest of the hold-out rows.
    pub holdout_digest: String,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// When it began.
    #[serde(default)]
    pub started_at: Option<String>,
    /// Its parameters.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// What it reported.
    #[serde(default)]
    pub report: Report,
}

/// What a stage reported.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Its metrics.
    pub metrics: Vec<Metric>,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Where in a series it stands.
    #[serde(default)]
    pub step: Option<u64>,
    /// What it was measured on.
    #[serde(default)]
    pub split: Option<String>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Model {
    /// The digest over scorer and state.
    pub digest: String,
    /// The scorer's digest.
    pub scorer: String,
    /// The media type of the state.
    pub media_type: String,
    /// What it takes.
    pub inputs: Vec<Field>,
    /// What it gives.
    pub outputs: Vec<Field>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub dtype: String,
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct File {
    /// The name of the input that reads it.
    pub input: String,
    /// The stage that made it.
    pub stage: String,
    /// Its name; none for the model.
    #[serde(default)]
    pub name: Option<String>,
    /// Its media type.
    pub media_type: String,
    /// Its size.
    pub bytes: u64,
}
