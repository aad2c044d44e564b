//! What a run leaves behind: the run record, the reports of its stages, and the versions and aliases of the registry.
//!
//! These are the types behind `--json` and the store. New fields are optional for readers; none changes its meaning.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::BatchRecord;
use crate::manifest::{DataFormat, Kind};
use crate::pipeline::{PipelineRef, TriggerRecord};

/// The record of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunRecord {
    /// The run's id: the UTC time of its start and four random characters, such as `20261122-154300-k3xq`.
    pub id: String,
    /// The project's name.
    pub project: String,
    /// How the run stands.
    pub outcome: RunOutcome,
    /// Why, as one sentence.
    pub reason: String,
    /// When it started (RFC 3339, UTC).
    pub started_at: String,
    /// When it ended (RFC 3339, UTC); none while it runs.
    pub finished_at: Option<String>,
    /// Where it came from.
    pub origin: Origin,
    /// The seed of all chance.
    pub seed: u64,
    /// What was trained on; none where the data could not be read.
    pub data: Option<DataRecord>,
    /// The stages, in the order in which they ran.
    pub stages: Vec<StageRecord>,
    /// The candidate that was trained or taken from the cache.
    pub candidate: Option<ModelRecord>,
    /// The version in production when the run began.
    pub production: Option<VersionRef>,
    /// The version that the run registered.
    pub registered: Option<VersionRef>,
    /// The files that the run scored, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<BatchRecord>,
    /// The published pipeline that it is a run of, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineRef>,
    /// What started it, where `sprag run` did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<TriggerRecord>,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The policies that allowed what ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyRecord>,
    /// The span that it is part of, as W3C Trace Context writes it; none where it begins a trace of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// A policy that was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyRecord {
    /// The file.
    pub path: String,
    /// The digest of its bytes.
    pub digest: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// It has not ended.
    Running,
    /// The candidate was better: it was promoted, and registered where the project has such a stage.
    Promoted,
    /// The candidate was not better: production stays. A success.
    Kept,
    /// All stages passed and none of them evaluates.
    Succeeded,
    /// A check, a unit test or the gate stopped it.
    Blocked,
    /// Something failed.
    Error,
    /// Ctrl-C or SIGTERM.
    Cancelled,
    /// The process ended without a word: it was killed, or the machine stopped.
    Interrupted,
}

impl RunOutcome {
    /// The outcome's name, as JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Promoted => "promoted",
            Self::Kept => "kept",
            Self::Succeeded => "succeeded",
            Self::Blocked => "blocked",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Who ran what, where it came from, and on whose behalf.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Origin {
    /// The user who started the run.
    pub by: String,
    /// The version of sprag.
    pub sprag_version: String,
    /// The commit that the project stood at, where it is in a git repository.
    pub git_commit: Option<String>,
    /// Whether the work tree differed from that commit.
    pub git_dirty: Option<bool>,
    /// The id of the CI build, where the run is part of one.
    pub build_id: Option<String>,
    /// The address of the CI build.
    pub build_uri: Option<String>,
}

/// The data of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DataRecord {
    /// The file, relative to the project.
    pub path: String,
    /// The digest of the file's bytes.
    pub file_digest: String,
    /// The digest of the table: file, format and reading options.
    pub table_digest: String,
    /// The file's format.
    pub format: DataFormat,
    /// The column to predict.
    pub target: String,
    /// The digest of the training rows.
    pub training_digest: String,
    /// The digest of the hold-out rows.
    pub holdout_digest: String,
    /// The number of rows; none where every stage came from the cache, so that nobody had to read them.
    pub rows: Option<u64>,
}

/// One stage of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StageRecord {
    /// The stage's name in the project.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The component that ran.
    pub plugin: PluginRecord,
    /// How the stage ended.
    pub status: StageStatus,
    /// Why, as one sentence.
    pub reason: String,
    /// How reproducible the stage is.
    pub tier: Tier,
    /// The stage's cache key; none where the stage was skipped before it had one.
    pub cache_key: Option<String>,
    /// The run whose work was taken from the cache.
    pub cached_from: Option<String>,
    /// When it began (RFC 3339, UTC); none where it was skipped, and in records of sprag before 0.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// The wall time in milliseconds, 0 from the cache.
    pub duration_ms: f64,
    /// The parameters.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// What the stage reported.
    pub report: StageReport,
    /// What went wrong; none where nothing did.
    pub error: Option<StageError>,
}

/// The component of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PluginRecord {
    /// The plugin as the project names it.
    pub reference: String,
    /// The name that it gives itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The component's digest.
    pub digest: String,
    /// What was granted beyond the stage's world, as `name=value`.
    pub grants: Vec<String>,
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StageStatus {
    /// It did its work and the run may go on.
    Passed,
    /// It did its work and the run must not go on.
    Blocked,
    /// It did not run: an earlier stage decided so, or it said that it does not apply.
    Skipped,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl StageStatus {
    /// The status's name, as JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How reproducible a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// All effects went through typed imports and all inputs are in the cache key: the same bits come out again.
    Hermetic,
    /// The host ran a script in a locked environment for it: recorded, and as reproducible as the script and the machine are.
    Supervised,
    /// The stage saw something that cannot be replayed, such as the real clock or the registry's state.
    External,
}

/// What a stage reported and made. This is what the cache keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct StageReport {
    /// The metrics, in the order in which they were measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// The findings, in the order in which they were reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The log lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
    /// The artifacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// The test cases of a `unit-test` stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test_cases: Vec<TestCase>,
    /// The decision of an `evaluate` stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The model of a `train` stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelRecord>,
    /// The scripts that the host ran for the stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<ProcessRecord>,
    /// The last of what the plugin, or a script that it ran, wrote to standard output and error.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stderr: String,
}

/// A script that the host ran for a stage in a locked environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ProcessRecord {
    /// The environment, by its name in the project file.
    pub environment: String,
    /// How reproducible it is: `supervised`, or `external` where it could use the network.
    pub tier: Tier,
    /// The digest of the environment's lock.
    pub lock: String,
    /// The version of the interpreter.
    pub python: String,
    /// The platform, with its C library.
    pub platform: String,
    /// The digest of the script that was started.
    pub script: String,
    /// The digests of what it was given, by name: of a table its own digest.
    pub inputs: BTreeMap<String, String>,
    /// The digests of the files that it left, by name.
    pub outputs: BTreeMap<String, String>,
    /// How it ended, such as `exit code 0`.
    pub ended: String,
    /// What kept it from the rest of the machine.
    pub confinement: ProcessConfinement,
    /// The wall time in milliseconds.
    pub duration_ms: f64,
    /// The most memory that it was seen to hold, in bytes; none where it ended before anyone looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
}

/// What kept a script from the rest of the machine: found from within, and never assumed. `none` is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ProcessConfinement {
    /// From files that are not its own.
    pub file_system: String,
    /// From the network; `granted` where it was not kept from it.
    pub network: String,
    /// From other processes.
    pub processes: String,
    /// Whether it could get rights that its user has: `dropped` or `kept`.
    pub privileges: String,
}

/// One number that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its value; always finite.
    pub value: f64,
    /// Where in a series it stands, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// What it was measured on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Worth a look.
    Warning,
    /// A reason to fail.
    Error,
}

/// One thing that a stage found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// A stable, short code.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was expected and what was found.
    pub message: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// For the plugin's author.
    Debug,
    /// For whoever follows the run.
    Info,
    /// Something that may be wrong.
    Warn,
    /// Something that is wrong.
    Error,
}

/// One log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The message.
    pub message: String,
    /// Named values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// A file that a stage left with the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Artifact {
    /// Its name, unique within the stage.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// The digest of its bytes.
    pub digest: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// One test case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TestCase {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: TestOutcome,
    /// Why it failed or was skipped; empty where it passed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a test case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TestOutcome {
    /// It held.
    Passed,
    /// It did not.
    Failed,
    /// It does not apply.
    Skipped,
}

/// What an evaluation decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Decision {
    /// What was decided.
    pub outcome: DecisionOutcome,
    /// Why, as one sentence with the figures that decided.
    pub reason: String,
}

/// The three ways an evaluation ends when it does not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionOutcome {
    /// The candidate has earned it.
    Promote,
    /// The candidate is sound but not better.
    Keep,
    /// The candidate breaks a rule.
    Blocked,
}

/// A model: the component that scores, and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ModelRecord {
    /// The digest over scorer and state.
    pub digest: String,
    /// The digest of the scorer component.
    pub scorer: String,
    /// The digest of the state.
    pub state: String,
    /// The size of the state in bytes.
    pub state_bytes: u64,
    /// The media type of the state.
    pub media_type: String,
    /// The columns that the model needs.
    pub inputs: Vec<ModelField>,
    /// The columns that it gives; the first is the prediction.
    pub outputs: Vec<ModelField>,
}

/// One column of a model's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ModelField {
    /// The column's name.
    pub name: String,
    /// Its type, such as `float`.
    pub dtype: String,
}

/// What went wrong in a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StageError {
    /// What kind of failure it was: `plugin-failed`, `trap`, `limit-hit`, `contract`, `cancelled` or `internal`.
    pub kind: String,
    /// What happened, as one sentence.
    pub message: String,
    /// The limit that was hit, by its key in the project file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The frames of a trap, innermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<String>,
}

/// A registered version by name and number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct VersionRef {
    /// The model's name.
    pub name: String,
    /// The version's number, from 1.
    pub version: u64,
}

impl std::fmt::Display for VersionRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

/// One immutable version of a registered model, with its lineage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ModelVersion {
    /// Name and number.
    #[serde(flatten)]
    pub version: VersionRef,
    /// The model.
    pub model: ModelRecord,
    /// When it was registered (RFC 3339, UTC).
    pub created_at: String,
    /// What it came from.
    pub lineage: Lineage,
    /// The tags that the registering stage gave.
    pub tags: BTreeMap<String, String>,
    /// The candidate's metrics from the evaluation and from training, by `name` or `split.name`.
    pub metrics: BTreeMap<String, f64>,
}

/// What a registered version came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Lineage {
    /// The run that registered it.
    pub run_id: String,
    /// The run that trained it: an earlier one where the training came from the cache.
    pub trained_in: String,
    /// Who, which sprag, which commit, which build.
    pub origin: Origin,
    /// The data.
    pub data: DataRecord,
    /// The components of all stages of the run, by stage.
    pub components: BTreeMap<String, PluginRecord>,
    /// The parameters of all stages of the run, by stage.
    pub params: BTreeMap<String, serde_json::Map<String, serde_json::Value>>,
    /// The lowest tier among the stages that made the model.
    pub tier: Tier,
    /// The decision that promoted it.
    pub decision: Option<Decision>,
    /// The scripts that the host ran in locked environments, with the digests of the locks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<ProcessRecord>,
}

/// One entry of an alias's history. Entries are added, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AliasEntry {
    /// The model's name.
    pub name: String,
    /// The alias, such as `production`.
    pub alias: String,
    /// The version that it points at since.
    pub version: u64,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The run that did it; none where a person did.
    pub run_id: Option<String>,
}
