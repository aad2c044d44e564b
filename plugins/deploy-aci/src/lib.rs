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
use sprag_sdk::http::Network;
use sprag_sdk::stage::deploy::{Release, Service, State, Weight};
use sprag_sdk::{Change, Deployer, Failure, Session};

/// The plugin.
pub struct DeployAci;

impl Deployer for DeployAci {
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
        Adapter::new(&Network::new(), session, &params, &service)?.apply(&release)
    }

    fn destroy(session: &Session, params: Params, service: Service) -> Result<Vec<Change>, Failure> {
        Adapter::new(&Network::new(), session, &params, &service)?.destroy()
    }
}

sprag_sdk::deployer!(DeployAci);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <DeployAci as sprag_sdk::Plugin>::JSON, &derived);
    }
}
