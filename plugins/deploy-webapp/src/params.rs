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
    /// The web app's name, of which the public name `NAME.azurewebsites.net` is made: no other app in Azure may have it. Default: model and environment.
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Za-z0-9]([A-Za-z0-9-]{0,38}[A-Za-z0-9])?$")))]
    pub name: Option<String>,
    /// The App Service plan that it runs on.
    pub plan: Plan,
    /// How a release takes the place of another.
    #[serde(default)]
    pub strategy: Strategy,
    /// The deployment slot's name.
    #[serde(default = "slot")]
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Za-z0-9]([A-Za-z0-9-]{0,17}[A-Za-z0-9])?$")))]
    pub slot: String,
    /// The port that the service listens on.
    #[serde(default = "port")]
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub port: u16,
    /// How App Service gets at the registry, where the image is not public.
    pub registry: Option<Registry>,
    /// The ids of managed identities that the app is given.
    #[serde(default)]
    pub identities: Vec<String>,
    /// The container's environment variables, as settings of the app.
    #[serde(default)]
    pub environment: Variables,
    /// Change this word to put the secrets in again after one of them changed, which Azure does not show.
    #[cfg_attr(test, schemars(length(max = 256)))]
    pub revision: Option<String>,
}

/// The App Service plan: one that is there, or one that is made with the app and goes with it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Plan {
    /// One that is there.
    Existing(Existing),
    /// One for this app alone.
    Own(Own),
}

/// A plan that is there, for Linux.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Existing {
    /// The plan's id.
    pub id: String,
}

/// A plan for this app alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Own {
    /// The size, such as `P0v3` or `S1`. Sizes below those (`B1`) have no slots: they need the strategy `in-place`.
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Za-z0-9]+$")))]
    pub size: String,
    /// How many workers it has.
    #[serde(default = "workers")]
    #[cfg_attr(test, schemars(range(min = 1, max = 100)))]
    pub workers: u32,
}

/// How a release takes the place of another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Strategy {
    /// It is started in the slot, and changes places with production when it answers.
    #[default]
    Swap,
    /// Production is changed. It does not answer for a while, requests cannot be divided, and the way back takes as long.
    InPlace,
}

fn slot() -> String {
    "next".to_owned()
}

const fn port() -> u16 {
    8080
}

const fn workers() -> u32 {
    1
}
