//! Provisions Azure for a project: a resource group, a workspace of Azure Machine Learning with the storage account, key vault, logs, Application Insights and
//! container registry that it stands on, compute clusters, and environments.
//!
//! What is there is taken as it is and changed only where the parameters say otherwise, by changes and not by replacement: others may have set what sprag knows
//! nothing of. Nothing is ever deleted.

mod adapter;
mod params;
mod parts;

pub use adapter::Adapter;
pub use params::Params;
use sprag_sdk::http::Network;
use sprag_sdk::{Change, Failure, Provisioner, Session};

/// The plugin.
pub struct ProvisionAzure;

impl Provisioner for ProvisionAzure {
    type Params = Params;

    fn plan(session: &Session, params: Params) -> Result<Vec<Change>, Failure> {
        Adapter::new(&Network::new(), session, &params)?.plan()
    }

    fn apply(session: &Session, params: Params) -> Result<Vec<Change>, Failure> {
        Adapter::new(&Network::new(), session, &params)?.apply()
    }
}

sprag_sdk::provisioner!(ProvisionAzure);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(
            env!("CARGO_MANIFEST_DIR"),
            <ProvisionAzure as sprag_sdk::Plugin>::JSON,
            &derived,
        );
    }
}
