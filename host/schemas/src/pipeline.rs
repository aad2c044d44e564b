//! Published pipelines, and the requests to run them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The format of [`Bundle`].
pub const BUNDLE_FORMAT: u32 = 1;

/// A published pipeline: a project as it was, with every file that a run needs but the data. Its digest is the SHA-256 of this document, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Bundle {
    /// The format's number, 1.
    pub format: u32,
    /// The pipeline's name: that of its project.
    pub name: String,
    /// The files by their paths below the project, `sprag.toml` and `sprag.lock` among them.
    pub files: BTreeMap<String, BundledFile>,
    /// The digests of the components, by stage.
    pub components: BTreeMap<String, String>,
    /// The digest over the policies that allowed them.
    pub policy: String,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BundledFile {
    /// The digest of its bytes.
    pub digest: String,
    /// How many there are.
    pub size: u64,
}

/// One version of a published pipeline. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Publication {
    /// The pipeline's name.
    pub pipeline: String,
    /// The version: 1, 2, 3 and so on.
    pub version: u64,
    /// The digest of the bundle.
    pub digest: String,
    /// When it was published (RFC 3339, UTC).
    pub published_at: String,
    /// Who published it.
    pub by: String,
    /// The commit that the project stood at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<String>,
}

/// What started a run that no person started by `sprag run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TriggerRecord {
    /// What it was.
    pub cause: Cause,
    /// The name of the trigger in the project file, where it was one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Who asked, or what it was, in one sentence.
    pub by: String,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// How many triggers were answered by this run.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub coalesced: u64,
    /// The span of whoever asked, as W3C Trace Context writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

const fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_one(count: &u64) -> bool {
    *count == 1
}

/// What starts runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// `sprag trigger`, or a request to the server.
    Request,
    /// A point in time.
    Cron,
    /// A push.
    Webhook,
    /// Other data.
    Watch,
    /// Drift in service.
    Drift,
    /// The success of another pipeline.
    After,
}

impl Cause {
    /// Its name, as JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Cron => "cron",
            Self::Webhook => "webhook",
            Self::Watch => "watch",
            Self::Drift => "drift",
            Self::After => "after",
        }
    }
}

/// Which version of which pipeline a run is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PipelineRef {
    /// The pipeline's name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// The digest of its bundle.
    pub digest: String,
}

/// A request to run a published pipeline, from the moment in which it was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunRequest {
    /// The id, which its first run gets too.
    pub id: String,
    /// What is to be run.
    pub pipeline: PipelineRef,
    /// What asked for it.
    pub trigger: TriggerRecord,
    /// Parameters in place of the pipeline's own: `STAGE.NAME` and a value.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub params: serde_json::Map<String, serde_json::Value>,
    /// Words to find it by, such as `BuildId`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The key of whoever asked: the same key again is the same request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// How it stands.
    pub state: RequestState,
    /// The run that it led to, the last one where there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// How often it was begun: more than once where a server was killed meanwhile.
    #[serde(default)]
    pub attempts: u32,
    /// Why it ended without a run, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// It waits for its turn.
    Queued,
    /// Its run is under way.
    Running,
    /// Its run ended, and the run's record says how.
    Finished,
    /// It ended without a run.
    Failed,
    /// It was taken back before its run began.
    Cancelled,
}

impl RequestState {
    /// Its name, as JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will come of it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Cancelled)
    }
}
