//! What a server keeps of its own: who may do what, and what was done.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Read all that there is.
    Viewer,
    /// Read, and start and stop runs.
    Runner,
    /// Read, and approve or reject what waits.
    Approver,
    /// All of it; and read the audit log, publish, and make and take back tokens.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Runner, Self::Approver, Self::Admin];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Runner => "runner",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// Whether whoever has this role may do what another one is for.
    pub fn covers(self, other: Self) -> bool {
        self == other || self == Self::Admin || other == Self::Viewer
    }
}

/// A token, without its secret: of that there is a hash alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Token {
    /// The id, by which it is taken back.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// What its owner may do by it.
    pub roles: Vec<Role>,
    /// When it was made (RFC 3339, UTC).
    pub created_at: String,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
}

/// An entry of the audit log. Each names the digest of the one before, so that none can be changed, taken out or put in without that showing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AuditEntry {
    /// Its place, from 1.
    pub sequence: u64,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// Who.
    pub by: String,
    /// What, such as `run.request`.
    pub action: String,
    /// To what, such as a run's id.
    pub subject: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// The digest of the entry before; that of nothing for the first.
    pub previous: String,
}
