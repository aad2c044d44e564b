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
    /// The workspace's name.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$")))]
    pub workspace: String,
    /// The endpoint's name: no other endpoint of the region may have it. Default: model and environment.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z][a-z0-9-]{1,30}[a-z0-9]$")))]
    pub name: Option<String>,
    /// The size of the machines, such as `Standard_F2s_v2`.
    #[serde(default = "instance_type")]
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Za-z0-9_]+$")))]
    pub instance_type: String,
    /// How many machines each deployment has.
    #[serde(default = "instances")]
    #[cfg_attr(test, schemars(range(min = 1, max = 100)))]
    pub instances: u32,
    /// The port that the service listens on.
    #[serde(default = "port")]
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub port: u16,
    /// The longest that a request may take, in seconds.
    #[serde(default = "request_seconds")]
    #[cfg_attr(test, schemars(range(min = 1, max = 180)))]
    pub request_seconds: u32,
    /// How many requests an instance answers at a time.
    #[serde(default = "concurrent_requests")]
    #[cfg_attr(test, schemars(range(min = 1, max = 10_000)))]
    pub concurrent_requests: u32,
    /// Whether requests and the container's output go to the workspace's Application Insights.
    #[serde(default)]
    pub insights: bool,
    /// The ids of managed identities that the endpoint has: one of them pulls the image. Default: an identity of its own, which then needs the role `AcrPull`.
    #[serde(default)]
    pub identities: Vec<String>,
    /// The container's environment variables, for all who read the workspace to see: no secrets.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Registers the version as a model of the workspace too.
    pub registration: Option<Registration>,
    /// Change this word to put the bearer key in again after it changed, which Azure does not show.
    #[cfg_attr(test, schemars(length(max = 256)))]
    pub revision: Option<String>,
}

/// How the version is registered in the workspace: its card goes to the workspace's own blob store, and the workspace's model points to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Registration {
    /// The name of the secret with an Azure identity whose scope is `https://storage.azure.com/.default`.
    pub secret: String,
    /// The root of the blob service. Default: that of the workspace's blob store.
    #[cfg_attr(test, schemars(regex(pattern = "^https?://")))]
    pub endpoint: Option<String>,
}

fn instance_type() -> String {
    "Standard_F2s_v2".to_owned()
}

const fn instances() -> u32 {
    1
}

const fn port() -> u16 {
    8080
}

const fn request_seconds() -> u32 {
    5
}

const fn concurrent_requests() -> u32 {
    100
}
