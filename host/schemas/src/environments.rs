//! The part of `sprag.toml` that says where a registered model goes: `[release]`, `[environments]` and `[provision]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::Stage;
use crate::quantity::TimeSpan;

/// `[release]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Release {
    /// The environments that a release goes through, in order. Default: `staging`, then `production`, where the project has them; else all, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
    /// The repository that packages are pushed to, such as `registry.example.com/models/diabetes`. Without one nothing is pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// How many rows of the hold-out a smoke test sends. Default: 8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smoke_rows: Option<u32>,
}

/// `[environments.NAME]`: one place where the model serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Environment {
    /// The alias that points at the released version once its release succeeded here. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The secret with the bearer key that the service asks callers for. Default: none, an open service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The adapter that deploys here.
    pub deploy: Stage,
    /// The test that the deployed service must pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smoke_test: Option<Stage>,
    /// Who is told what waits and what happened, by a name of your choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notify: BTreeMap<String, Stage>,
    /// Rules, as components, that must all agree before anything is deployed here, by a name of your choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approve: BTreeMap<String, Stage>,
    /// The people who must agree before anything is deployed here. Default: nobody is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// `[environments.NAME.approval]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Approval {
    /// How many different people must approve. Default: 1.
    #[serde(default = "one")]
    pub required: u32,
    /// The file of those who may, relative to the project, in the format of OpenSSH's `allowed_signers`.
    pub approvers: String,
    /// How long a request waits, and an approval holds. Default: `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<TimeSpan>,
    /// Whether who started the release or made the commit may approve it too. Default: false.
    #[serde(default)]
    pub author_may_approve: bool,
    /// The rule for `sprag rollback --emergency`. Default: a rollback takes the same approvals as a release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<Emergency>,
}

const fn one() -> u32 {
    1
}

/// `[environments.NAME.approval.emergency]`: who may roll back at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Emergency {
    /// How many people must approve; 0 for none beside whoever gives the command. Default: 1.
    #[serde(default = "one")]
    pub required: u32,
    /// The file of those who may. Default: the approvers of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvers: Option<String>,
    /// Whether who gives the command may be the one who approves. Default: true.
    #[serde(default = "yes")]
    pub author_may_approve: bool,
}

const fn yes() -> bool {
    true
}
