//! Runs a packaged model in Azure Container Instances: one container group, with one container, for each service.
//!
//! A group cannot divide requests between releases: it runs one. A release is replaced by a `PUT` of the group with the other image, during which it does not
//! answer. It speaks plain HTTP: put it into a subnet, or a gateway with a certificate before it, where that is not enough.

mod adapter;
mod body;
mod params;
mod state;

pub use adapter::Adapter;
pub use params::Params;

/// The plugin.
pub struct DeployAci;

sprag_sdk::deployer!(DeployAci, Params, Adapter);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <DeployAci as sprag_sdk::Plugin>::JSON, &derived);
    }
}
