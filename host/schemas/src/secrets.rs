//! The part of `sprag.toml` that says where secrets come from: `[secrets]`. A value is never in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[secrets.NAME]`: exactly one of the sources, and where the value may go.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Secret {
    /// The environment variable that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// The file that holds it, relative to the project; white space at its end is not part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// An Azure identity: the host gets access tokens for it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureIdentity>,
    /// A cluster of a kubeconfig file: the host attaches its token or client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<Kubeconfig>,
    /// The only hosts that it may be sent to: `host`, `host:port` or `*.suffix`. A kubeconfig's own server needs no entry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The file with the only authorities to trust as those hosts, certificates in PEM, relative to the project. Default: the system's. A kubeconfig names its
    /// own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Whether it may go over HTTP without TLS, where all on the way can read it. To this machine itself it may in any case.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cleartext: bool,
}

/// A service principal or a workload identity of Microsoft Entra ID.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AzureIdentity {
    /// The tenant's id or domain.
    pub tenant: String,
    /// The application's (client's) id.
    pub client_id: String,
    /// The environment variable with the client secret of a service principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
    /// The environment variable with the path of the federated token of a workload identity, such as `AZURE_FEDERATED_TOKEN_FILE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub federated_token_file_env: Option<String>,
    /// What the token is for. Default: `https://management.azure.com/.default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Where tokens are had. Default: `https://login.microsoftonline.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

/// A context of a kubeconfig file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Kubeconfig {
    /// The file. Default: the one that `KUBECONFIG` names, else `.kube/config` in the home folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The context. Default: the file's current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}
