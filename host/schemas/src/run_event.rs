//! The event of a run's end: what the notifiers under `[run.notify]` are told.
//!
//! New fields are optional for readers; none changes its meaning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::RunRecord;

/// What a `notify` stage under `[run.notify]` is handed when a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "sprag run event", description = "What a `notify` stage under `[run.notify]` is handed.")]
pub struct RunEvent {
    /// What happened.
    pub event: RunEventKind,
    /// The project's name.
    pub project: String,
    /// The name that the project's model has in the registry.
    pub model: String,
    /// The run, as its record stands when people are told.
    pub run: RunRecord,
    /// The files that the stage may read, each by the name of an input.
    pub files: Vec<RunFile>,
}

/// What happened to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunEventKind {
    /// It ended, however it did.
    RunEnded,
}

/// A file of a run: the model that it trained, or an artifact of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunFile {
    /// The name of the input that reads it: `run/model`, or `run/STAGE/NAME` for an artifact.
    pub input: String,
    /// The stage that made it.
    pub stage: String,
    /// The artifact's name; none for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its media type.
    pub media_type: String,
    /// The digest of its bytes.
    pub digest: String,
    /// Its size in bytes.
    pub bytes: u64,
}
