//! The parameters.

use std::collections::BTreeMap;

use serde::Deserialize;
use sprag_azure::Account;

/// The parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Params {
    /// The subscription, resource group and region, and the identity's secret. The group is made where it is missing.
    pub azure: Account,
    /// What the names begin with that are not given. Some of them are taken by whoever in Azure comes first.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z][a-z0-9]{2,9}$")))]
    pub base: String,
    /// Names, where the usual ones do not do.
    #[serde(default)]
    pub names: Names,
    /// The redundancy of the storage account.
    #[serde(default = "storage")]
    #[cfg_attr(test, schemars(regex(pattern = "^(Standard|Premium)_[A-Z]+$")))]
    pub storage: String,
    /// The size of the container registry.
    #[serde(default)]
    pub registry: RegistrySize,
    /// Compute clusters of the workspace, by name.
    #[serde(default)]
    #[cfg_attr(test, schemars(extend("propertyNames" = { "pattern": "^[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$" })))]
    pub compute: BTreeMap<String, Compute>,
    /// Environments of the workspace, by name.
    #[serde(default)]
    #[cfg_attr(test, schemars(extend("propertyNames" = { "pattern": "^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$" })))]
    pub environments: BTreeMap<String, Environment>,
    /// Tags of everything that is made.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Names of resources.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Names {
    /// The workspace. Default: `BASE-workspace`.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$")))]
    pub workspace: Option<String>,
    /// The storage account. Default: `BASEstorage`.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z0-9]{3,24}$")))]
    pub storage: Option<String>,
    /// The key vault. Default: `BASE-vault`.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$")))]
    pub vault: Option<String>,
    /// The workspace of the logs. Default: `BASE-logs`.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]$")))]
    pub logs: Option<String>,
    /// The component of Application Insights. Default: `BASE-insights`.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-zA-Z0-9_.-]{1,255}$")))]
    pub insights: Option<String>,
    /// The container registry. Default: `BASEregistry`.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-zA-Z0-9]{5,50}$")))]
    pub registry: Option<String>,
}

/// The size of a container registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum RegistrySize {
    /// 10 GiB.
    Basic,
    /// 100 GiB.
    #[default]
    Standard,
    /// 500 GiB, and private addresses.
    Premium,
}

impl RegistrySize {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Basic => "Basic",
            Self::Standard => "Standard",
            Self::Premium => "Premium",
        }
    }
}

/// A compute cluster that grows and shrinks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Compute {
    /// The size of a node. It cannot be changed later.
    #[serde(default = "size")]
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Za-z0-9_]+$")))]
    pub size: String,
    /// The fewest nodes.
    #[serde(default)]
    #[cfg_attr(test, schemars(range(max = 1000)))]
    pub min_nodes: u32,
    /// The most nodes.
    #[serde(default = "max_nodes")]
    #[cfg_attr(test, schemars(range(min = 1, max = 1000)))]
    pub max_nodes: u32,
    /// How long a node that has nothing to do is kept, in seconds.
    #[serde(default = "idle_seconds")]
    #[cfg_attr(test, schemars(range(min = 30, max = 604_800)))]
    pub idle_seconds: u32,
    /// Whose turn it is when capacity is short. It cannot be changed later.
    #[serde(default)]
    pub priority: Priority,
    /// The id of the subnet that the nodes are in.
    pub subnet: Option<String>,
}

/// Whose turn it is when capacity is short.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Priority {
    /// Nodes are kept.
    Dedicated,
    /// Nodes are cheaper, and may be taken away.
    #[default]
    Low,
}

impl Priority {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dedicated => "Dedicated",
            Self::Low => "LowPriority",
        }
    }
}

/// An environment: an image that jobs run in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Environment {
    /// The version. Another image needs another version.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}$")))]
    pub version: String,
    /// The image, best by its digest.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub image: String,
    /// The packages that are installed in it, as a conda file.
    pub conda_file: Option<String>,
}

fn storage() -> String {
    "Standard_LRS".to_owned()
}

fn size() -> String {
    "STANDARD_DS2_V2".to_owned()
}

const fn max_nodes() -> u32 {
    4
}

const fn idle_seconds() -> u32 {
    300
}
