//! The environment variables of a service's container: parameters that several plugins have.

use std::collections::BTreeMap;

use serde::Deserialize;
use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::Service;

use crate::arm::Arm;

/// The environment variables of the container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, serde::Serialize))]
pub struct Variables {
    /// For all to see.
    pub plain: BTreeMap<String, String>,
    /// With the value of a secret, by the secrets' names. sprag never sees a value.
    pub secret: BTreeMap<String, String>,
    /// The one in which the service finds its bearer key.
    pub key: String,
}

impl Default for Variables {
    fn default() -> Self {
        Self { plain: BTreeMap::new(), secret: BTreeMap::new(), key: "SPRAG_SERVE_KEY".to_owned() }
    }
}

impl Variables {
    /// Those with secrets, each with the placeholder of its value; with the service's bearer key, where it has one.
    ///
    /// # Errors
    ///
    /// A name is given twice, or the stage is not granted a secret.
    pub fn secrets(&self, arm: &Arm<'_>, service: &Service) -> Result<BTreeMap<String, String>, Failure> {
        let mut secrets = self.secret.clone();
        if let Some(key) = &service.key {
            secrets.insert(self.key.clone(), key.clone());
        }
        if let Some(both) = self.plain.keys().find(|name| secrets.contains_key(*name)) {
            return Err(Failure::bad_params(format!(
                "expected each environment variable once, found `{both}` in clear and as a secret"
            )));
        }
        secrets.into_iter().map(|(variable, secret)| Ok((variable, arm.secret(&secret)?))).collect()
    }
}
