//! What a release leaves behind: its record with every step, the history of each environment, and the event that notifiers are told.
//!
//! New fields are optional for readers; none changes its meaning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::approval::Statement;
use crate::record::{Decision, Origin, PluginRecord, StageError, StageReport, VersionRef};

/// The record of one release: a registered version on its way to an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "sprag release", description = "A release, as `sprag release --json` and `sprag releases --json` print it.")]
pub struct ReleaseRecord {
    /// The release's id: the UTC time of its start and four random characters.
    pub id: String,
    /// The project's name.
    pub project: String,
    /// What it does.
    pub purpose: Purpose,
    /// How it stands.
    pub outcome: ReleaseOutcome,
    /// Why, as one sentence.
    pub reason: String,
    /// The version.
    pub version: VersionRef,
    /// The digest over the model's scorer and state.
    pub model: String,
    /// The last environment that it goes to.
    pub to: String,
    /// What goes there; none until it is packaged.
    #[serde(default)]
    pub package: Option<PackageRecord>,
    /// When it started (RFC 3339, UTC).
    pub started_at: String,
    /// When it ended (RFC 3339, UTC); none while it runs or waits.
    #[serde(default)]
    pub finished_at: Option<String>,
    /// Where it came from.
    pub origin: Origin,
    /// Who may not approve it: who started it, who ran the training, who wrote the commit.
    pub authors: Vec<String>,
    /// Its steps, in the order in which they go.
    pub steps: Vec<StepRecord>,
    /// Why the rule of approvals was not followed; none where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<String>,
    /// Of the requests to the last environment, the percentage that it gets beside what is there; none for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<u32>,
    /// Why it was begun; none where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What a release does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Takes a version forward.
    Release,
    /// Puts a version back that was there before.
    Rollback,
}

/// How a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseOutcome {
    /// A step is under way, or the process that drove it has gone: `sprag resume` goes on.
    Running,
    /// It waits for approvers.
    AwaitingApproval,
    /// It is where it should be.
    Released,
    /// A smoke test, an approver, a rule or whoever cancelled it for good stopped it, and nothing had to be undone.
    Blocked,
    /// It failed where it went, and what was there before is back.
    RolledBack,
    /// Something failed; `sprag resume` tries again.
    Error,
    /// Ctrl-C or SIGTERM; `sprag resume` goes on.
    Cancelled,
}

impl ReleaseOutcome {
    /// The outcome's name, as JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::AwaitingApproval => "awaiting-approval",
            Self::Released => "released",
            Self::Blocked => "blocked",
            Self::RolledBack => "rolled-back",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Released | Self::Blocked | Self::RolledBack)
    }
}

/// A package of a registered version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PackageRecord {
    /// The package's digest: that of its OCI index or manifest.
    pub digest: String,
    /// The image in a registry, by digest; none where it was not pushed.
    #[serde(default)]
    pub image: Option<String>,
    /// The rows that smoke tests send, as a CSV file in the store.
    pub rows: String,
    /// The model's own predictions for them, as a CSV file in the store.
    pub expected: String,
}

/// One step of a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StepRecord {
    /// Its name, such as `staging.deploy` or `production.notify.webhook`.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// The environment; none for the package.
    #[serde(default)]
    pub environment: Option<String>,
    /// How it stands.
    pub status: StepStatus,
    /// Why, as one sentence.
    #[serde(default)]
    pub reason: String,
    /// The component that does it; none where the host does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginRecord>,
    /// The digest over all that it depends on: where that changes, the step goes again.
    pub key: String,
    /// When it began last (RFC 3339, UTC).
    #[serde(default)]
    pub started_at: Option<String>,
    /// When it ended last (RFC 3339, UTC).
    #[serde(default)]
    pub finished_at: Option<String>,
    /// How often it was begun.
    #[serde(default)]
    pub attempts: u32,
    /// What it reported.
    #[serde(default)]
    pub report: StageReport,
    /// What went wrong; none where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StageError>,
    /// Where the service answers, after a `deploy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What is to be approved, in an `approval`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
    /// How often an `approval` was asked for anew, because what it is about changed or its time was over.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub renewals: u32,
    /// How many people must approve, in an `approval` at which people were asked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub required: u32,
}

const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Makes the package.
    Package,
    /// Tells people.
    Notify,
    /// Waits for people and rules.
    Approval,
    /// Runs the package in an environment.
    Deploy,
    /// Tries the service.
    SmokeTest,
    /// Points the environment's alias at the version.
    Alias,
    /// Puts back what was there before.
    Restore,
    /// Tries what was put back.
    RestoreTest,
}

impl Action {
    /// The action's name, as JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Notify => "notify",
            Self::Approval => "approval",
            Self::Deploy => "deploy",
            Self::SmokeTest => "smoke-test",
            Self::Alias => "alias",
            Self::Restore => "restore",
            Self::RestoreTest => "restore-test",
        }
    }
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepStatus {
    /// It has not begun.
    Pending,
    /// It began, and its end is not recorded.
    Running,
    /// It waits for people.
    Waiting,
    /// It did its work and the release may go on.
    Passed,
    /// It did its work and the release must not go on.
    Blocked,
    /// It failed.
    Failed,
    /// It did not have to run.
    Skipped,
}

impl StepStatus {
    /// The status's name, as JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Passed => "passed",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the steps after it may go.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Passed | Self::Skipped)
    }
}

/// One entry in the history of an environment. Entries are added, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DeploymentEntry {
    /// The environment.
    pub environment: String,
    /// What happened.
    pub event: DeploymentEvent,
    /// The version.
    pub version: VersionRef,
    /// The digest over the model's scorer and state.
    pub model: String,
    /// What was deployed.
    pub package: PackageRecord,
    /// Where it answers; none where that is not known.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The release that did it; for a removal the one whose service was removed.
    pub release: String,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What happened in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeploymentEvent {
    /// The package is about to run there, or runs there, and was not tried yet.
    Deployed,
    /// Its smoke test passed.
    Verified,
    /// Its smoke test failed, it did not come up, or its adapter failed.
    Failed,
    /// The environment's service was removed. The entry names what ran there last.
    Removed,
}

impl DeploymentEvent {
    /// The event's name, as JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Removed => "removed",
        }
    }
}

/// What notifiers are told, and what a rule decides on: the release, what it would replace, and how the two compare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "sprag release event", description = "What a `notify` or `approve` stage is handed.")]
pub struct ReleaseEvent {
    /// What happened.
    pub event: ReleaseEventKind,
    /// The project's name.
    pub project: String,
    /// The release's id.
    pub release: String,
    /// What the release does.
    pub purpose: Purpose,
    /// How the release stands, as one sentence.
    pub reason: String,
    /// Why the rule for emergencies is used; none where the usual one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<String>,
    /// The environment that it is about.
    pub environment: String,
    /// The version.
    pub version: VersionRef,
    /// The version that runs there now; none where nothing does.
    pub replaces: Option<VersionRef>,
    /// The percentage of the requests that it gets there, beside what runs there now; none for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<u32>,
    /// The digest of the statement: what an approver signs for.
    pub digest: String,
    /// What is to be approved.
    pub statement: Statement,
    /// The evaluation's decision.
    pub decision: Option<Decision>,
    /// The metrics of the evaluation, beside those of the model that it would replace.
    pub metrics: Vec<ComparedMetric>,
    /// Everything that differs from the version that it would replace: data, code, components, parameters.
    pub differences: Vec<Difference>,
    /// How many must approve; 0 where no person is asked.
    pub required: u32,
    /// Who may approve; empty where no person is asked.
    pub approvers: Vec<String>,
    /// The command that approves.
    pub approve_with: String,
    /// The page of the build that the release is part of, where there is one.
    pub build_uri: Option<String>,
}

/// What happened, for people who are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseEventKind {
    /// A release waits for approvers.
    ApprovalRequested,
    /// What the release stands on changed, or its time was over: earlier approvals are void, and it waits anew.
    ApprovalVoid,
    /// The release is where it should be.
    Released,
    /// The release failed, and what was there before is back.
    RolledBack,
    /// The release was stopped.
    Blocked,
    /// The release failed, and what was there before could not be put back, or does not pass its test either.
    Failed,
}

impl ReleaseEventKind {
    /// The kind's name, as JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApprovalRequested => "approval-requested",
            Self::ApprovalVoid => "approval-void",
            Self::Released => "released",
            Self::RolledBack => "rolled-back",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
        }
    }
}

/// One metric of two models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ComparedMetric {
    /// Its name.
    pub name: String,
    /// Its value for the version of the release.
    pub candidate: f64,
    /// Its value for the version that it would replace, on the same hold-out; none where nothing is replaced, and where it was never measured there.
    pub production: Option<f64>,
}

/// One thing that differs between two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// What it is, such as `commit` or `train alpha`.
    pub what: String,
    /// In the version that runs there now.
    pub before: Option<String>,
    /// In the version of the release.
    pub now: Option<String>,
}
