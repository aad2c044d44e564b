//! The parameters.

use std::collections::BTreeMap;

use serde::Deserialize;
use sprag_azure::Account;

/// The parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Params {
    /// The subscription, resource group and region, and the identity's secret.
    pub azure: Account,
    /// The container group's name. Default: model and environment.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")))]
    pub name: Option<String>,
    /// Processor cores.
    #[serde(default = "cpu")]
    #[cfg_attr(test, schemars(range(min = 1, max = 64)))]
    pub cpu: u32,
    /// Memory in gigabytes.
    #[serde(default = "memory_gb")]
    #[cfg_attr(test, schemars(range(min = 1, max = 512)))]
    pub memory_gb: u32,
    /// The port that the service listens on.
    #[serde(default = "port")]
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub port: u16,
    /// The label of the public name, `LABEL.REGION.azurecontainer.io`. Default: the group's name. It must be free in the region.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z]([a-z0-9-]{3,61}[a-z0-9])$")))]
    pub dns_label: Option<String>,
    /// The id of a subnet that is delegated to container groups: with it the service has a private address only.
    pub subnet: Option<String>,
    /// How the group gets at the registry, where the image is not public.
    pub registry: Option<Registry>,
    /// The ids of managed identities that the group is given.
    #[serde(default)]
    pub identities: Vec<String>,
    /// When the container is started again.
    #[serde(default)]
    pub restart: Restart,
    /// The environment variable in which the service finds its bearer key.
    #[serde(default = "key_variable")]
    pub key_variable: String,
    /// More environment variables, for all to see.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Environment variables with the value of a secret, by the secrets' names. Azure does not give them back.
    #[serde(default)]
    pub secret_environment: BTreeMap<String, String>,
    /// Change this word to put the secrets in again after one of them changed, which Azure does not show.
    #[cfg_attr(test, schemars(length(max = 256)))]
    pub revision: Option<String>,
}

/// Access to the image's registry: with a user and a password, or with a managed identity.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Registry {
    /// By user and password.
    Password(Login),
    /// By a managed identity.
    Identity(Managed),
}

/// A user of a registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The name of the secret with the password.
    pub password: String,
}

/// A managed identity that may pull.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Managed {
    /// The identity's id.
    pub identity: String,
}

/// When the container is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Restart {
    /// Whenever it ends.
    #[default]
    Always,
    /// When it ends with a failure.
    OnFailure,
    /// Never.
    Never,
}

impl Restart {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::OnFailure => "OnFailure",
            Self::Never => "Never",
        }
    }
}

const fn cpu() -> u32 {
    1
}

const fn memory_gb() -> u32 {
    4
}

const fn port() -> u16 {
    8080
}

fn key_variable() -> String {
    "SPRAG_SERVE_KEY".to_owned()
}
