//! Runs a packaged model behind a managed online endpoint of Azure Machine Learning.
//!
//! Each release is a deployment of its own, named for its version and package, so that every call finds what an earlier one began. The endpoint's traffic says
//! which of them answer, by percents; to go back is to change the traffic, for as long as the deployment is there: the one before is kept, older ones are
//! deleted.

mod adapter;
mod body;
mod params;
mod registration;
mod state;

pub use adapter::Adapter;
pub use params::Params;

/// The plugin.
pub struct DeployAzureml;

sprag_sdk::deployer!(DeployAzureml, Params, Adapter);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <DeployAzureml as sprag_sdk::Plugin>::JSON, &derived);
    }
}
