//! The parameters.

use std::collections::BTreeMap;

use serde::Deserialize;
use sprag_sdk::Failure;

/// The parameters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// Whether the package has an image with the program that serves.
    pub image: bool,
    /// Whether the package has the model as one WebAssembly component.
    pub component: bool,
    /// The port on which the image listens.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub port: u16,
    /// Further arguments of `sprag serve` in the image.
    pub arguments: Vec<String>,
    /// Labels of the image beside those that every package has.
    pub labels: BTreeMap<String, String>,
}

impl Default for Params {
    fn default() -> Self {
        Self { image: true, component: true, port: 8080, arguments: vec![], labels: BTreeMap::new() }
    }
}

impl Params {
    /// Refuses what the schema cannot.
    ///
    /// # Errors
    ///
    /// The package would be empty.
    pub fn check(&self) -> Result<(), Failure> {
        if self.image || self.component {
            return Ok(());
        }
        Err(Failure::bad_params("expected `image` or `component` or both, found neither: the package would be empty"))
    }
}
