//! Approvals: what a release asks for, and what an approver signed.
//!
//! What is signed is the [`Ballot`] as canonical JSON: keys sorted, no space between tokens. It holds texts and no floating-point number, so that other
//! programs write the same bytes (`jq -jcS .ballot`). The signature is an SSH signature, as `ssh-keygen -Y sign -n sprag-approval` makes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::VersionRef;

/// The namespace of the signatures, so that none made for another purpose counts here.
pub const NAMESPACE: &str = "sprag-approval";

/// What exactly is to go where: an approval holds for this and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Statement {
    /// The release.
    pub release: String,
    /// The project.
    pub project: String,
    /// The environment that the release asks to enter.
    pub environment: String,
    /// The version.
    pub version: VersionRef,
    /// The digest over the model's scorer and state.
    pub model: String,
    /// The digest over the stages of the release with their components, parameters and grants, and over the project's lockfile.
    pub plan: String,
    /// The digest over the evaluation: its run, its decision, its metrics, its hold-out.
    pub evaluation: String,
    /// The digest of the package: the very one that the environments before this one tested.
    pub package: String,
    /// The digest over this environment: its stages with parameters, grants and where the granted secrets come from, its alias, its approval rule.
    pub target: String,
    /// The digest of the package that runs there now; none where nothing does.
    pub replaces: Option<String>,
    /// When the approval was asked for (RFC 3339, UTC).
    pub requested_at: String,
    /// Until when it may be given and used (RFC 3339, UTC).
    pub expires_at: String,
    /// Who made it: who started the release, who ran the training, who wrote the commit.
    pub authors: Vec<String>,
}

/// Whether an approver says yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It may go.
    Approve,
    /// It may not.
    Reject,
}

impl Verdict {
    /// The verdict in the past tense, for reports.
    pub const fn past(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Reject => "rejected",
        }
    }
}

/// What an approver signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ballot {
    /// What it is about.
    pub statement: Statement,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Who, as the file of approvers names them.
    pub approver: String,
    /// When (RFC 3339, UTC).
    pub at: String,
}

/// A signed yes or no, as it is stored and as it travels in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "sprag approval", description = "A signed yes or no to a release, as `sprag approve --output` writes it.")]
pub struct Approval {
    /// What was signed.
    pub ballot: Ballot,
    /// The SSH signature over the ballot's canonical JSON, in the namespace `sprag-approval`: `-----BEGIN SSH SIGNATURE-----` and so on.
    pub signature: String,
}
