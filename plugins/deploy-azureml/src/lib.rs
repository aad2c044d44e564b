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
use sprag_sdk::http::Network;
use sprag_sdk::stage::deploy::{Release, Service, State, Weight};
use sprag_sdk::{Change, Deployer, Failure, Session};

/// The plugin.
pub struct DeployAzureml;

impl Deployer for DeployAzureml {
    type Params = Params;

    fn plan(session: &Session, params: Params, service: Service, release: Release) -> Result<Vec<Change>, Failure> {
        Adapter::new(&Network::new(), session, &params, &service)?.plan(&release)
    }

    fn apply(session: &Session, params: Params, service: Service, release: Release) -> Result<State, Failure> {
        Adapter::new(&Network::new(), session, &params, &service)?.apply(&release)
    }

    fn status(session: &Session, params: Params, service: Service) -> Result<State, Failure> {
        Adapter::new(&Network::new(), session, &params, &service)?.status()
    }

    fn traffic(
        session: &Session,
        params: Params,
        service: Service,
        release: Release,
        weights: Vec<Weight>,
    ) -> Result<State, Failure> {
        Adapter::new(&Network::new(), session, &params, &service)?.traffic(&release, &weights)
    }

    fn rollback(session: &Session, params: Params, service: Service, release: Release) -> Result<State, Failure> {
        Adapter::new(&Network::new(), session, &params, &service)?.rollback(&release)
    }

    fn destroy(session: &Session, params: Params, service: Service) -> Result<Vec<Change>, Failure> {
        Adapter::new(&Network::new(), session, &params, &service)?.destroy()
    }
}

sprag_sdk::deployer!(DeployAzureml);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <DeployAzureml as sprag_sdk::Plugin>::JSON, &derived);
    }
}
