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

/// The file of `sprag server --oidc`: how people log in by OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "sprag server --oidc", description = "How people log in by OpenID Connect.")]
pub struct OpenIdConnect {
    /// The provider, as its ID tokens name it, such as `https://login.example.com/realms/ml`.
    pub issuer: String,
    /// What the provider calls this server.
    pub client_id: String,
    /// Where the secret comes from that this server shows the provider. Default: none, a public client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretSource>,
    /// What browsers know this server by, such as `https://sprag.example.com`. The provider sends them back to `/login/oidc/return` there.
    pub url: String,
    /// What the page calls the provider.
    #[serde(default = "usual_name")]
    pub name: String,
    /// What is asked of the provider beside `openid`.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// The claim that names people in records and in the audit log. It must be one that nobody can choose for themselves.
    #[serde(default = "usual_user_claim")]
    pub user_claim: String,
    /// The claim that lists the groups that somebody is in. A dot goes into an object, as in `realm_access.roles`.
    #[serde(default = "usual_groups_claim")]
    pub groups_claim: String,
    /// The groups that have each role. The group `*` is everybody whom the provider lets in.
    pub roles: BTreeMap<Role, Vec<String>>,
    /// A file with authorities to trust beside those of this machine, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

impl OpenIdConnect {
    /// Reads the file's text.
    ///
    /// # Errors
    /// What is wrong with it, with line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }
}

fn usual_name() -> String {
    "single sign-on".to_owned()
}

fn usual_scopes() -> Vec<String> {
    vec!["email".to_owned(), "profile".to_owned()]
}

fn usual_user_claim() -> String {
    "email".to_owned()
}

fn usual_groups_claim() -> String {
    "groups".to_owned()
}

/// Where a secret comes from: one of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum SecretSource {
    /// The environment variable that holds it.
    Env(String),
    /// The file that holds it; white space at its end does not count.
    File(String),
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
