//! The part of a release event that people are told. `sprag schema release-event` prints the schema of the whole.

use serde::Deserialize;

/// A release event.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Event {
    /// What happened.
    pub event: Kind,
    /// The project's name.
    pub project: String,
    /// The release's id.
    pub release: String,
    /// `release` or `rollback`.
    pub purpose: String,
    /// How the release stands, as one sentence.
    #[serde(default)]
    pub reason: String,
    /// Why the rule for emergencies is used; none where the usual one is.
    #[serde(default)]
    pub emergency: Option<String>,
    /// The environment.
    pub environment: String,
    /// The version.
    pub version: Version,
    /// The version that runs there now.
    pub replaces: Option<Version>,
    /// The digest of what is to be approved.
    pub digest: String,
    /// What is to be approved.
    pub statement: Statement,
    /// The evaluation's decision.
    pub decision: Option<Decision>,
    /// The metrics of the evaluation.
    pub metrics: Vec<Metric>,
    /// Everything that differs from the version that it would replace.
    pub differences: Vec<Difference>,
    /// How many must approve.
    pub required: u32,
    /// Who may approve.
    pub approvers: Vec<String>,
    /// The command that approves.
    pub approve_with: String,
    /// The page of the build.
    pub build_uri: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A release waits for approvers.
    ApprovalRequested,
    /// It waits anew.
    ApprovalVoid,
    /// It is where it should be.
    Released,
    /// It failed, and what was there before is back.
    RolledBack,
    /// It was stopped.
    Blocked,
    /// It failed, and what was there before could not be put back.
    Failed,
}

/// A version by name and number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// The model's name.
    pub name: String,
    /// The version's number.
    pub version: u64,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

/// What is to be approved, in part.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Statement {
    /// The digest of the package.
    pub package: String,
    /// Until when it may be approved.
    pub expires_at: String,
    /// Who made it.
    pub authors: Vec<String>,
}

/// The evaluation's decision.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Decision {
    /// Why.
    pub reason: String,
}

/// One metric of two models.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// For the version of the release.
    pub candidate: f64,
    /// For the version that it would replace.
    pub production: Option<f64>,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Difference {
    /// What it is.
    pub what: String,
    /// In the version that runs there now.
    pub before: Option<String>,
    /// In the version of the release.
    pub now: Option<String>,
}
