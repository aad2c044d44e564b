//! The parameters.

use serde::Deserialize;
use sprag_azure::{Account, Registry, Variables};

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
    /// The container's environment variables. Azure gives those with secrets back to nobody.
    #[serde(default)]
    pub environment: Variables,
    /// Change this word to put the secrets in again after one of them changed, which Azure does not show.
    #[cfg_attr(test, schemars(length(max = 256)))]
    pub revision: Option<String>,
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
