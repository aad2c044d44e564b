//! Runs a packaged model in Azure App Service: a web app for one container, with a deployment slot beside production.
//!
//! A new release is started in the slot, and changes places with production when it answers: callers notice nothing, and the way back is the same swap again.
//! While both run, App Service can send a share of the requests to the slot. What runs where stands in settings that change places with it, so that every
//! call finds it, however the one before ended.

mod adapter;
mod body;
mod params;
mod place;

pub use adapter::Adapter;
pub use params::Params;

/// The plugin.
pub struct DeployWebapp;

sprag_sdk::deployer!(DeployWebapp, Params, Adapter);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <DeployWebapp as sprag_sdk::Plugin>::JSON, &derived);
    }
}
