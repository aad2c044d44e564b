//! The parameters.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The parameters of training by a script.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The stage's input that is the script: the name under `inputs`, which ends in `.py`.
    pub script: String,
    /// Further inputs of the stage that the script imports.
    pub modules: Vec<String>,
    /// The function of the script that trains: `train(data, params)` or `train(data, params, run)`.
    pub function: String,
    /// What the function is handed as `params`.
    pub params: Map<String, Value>,
    /// The environment, by its name under `[python]`. Needed where more than one is granted.
    pub environment: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            script: "train.py".to_owned(),
            modules: vec![],
            function: "train".to_owned(),
            params: Map::new(),
            environment: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(
            env!("CARGO_MANIFEST_DIR"),
            <crate::TrainPython as sprag_sdk::Plugin>::JSON,
            &derived,
        );
    }
}
