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
use sprag_sdk::http::Network;
use sprag_sdk::stage::deploy::{Release, Service, State, Weight};
use sprag_sdk::{Change, Deployer, Failure, Session};

/// The plugin.
pub struct DeployWebapp;

impl Deployer for DeployWebapp {
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

sprag_sdk::deployer!(DeployWebapp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <DeployWebapp as sprag_sdk::Plugin>::JSON, &derived);
    }
}
