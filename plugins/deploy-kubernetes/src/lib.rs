//! Runs a packaged model in a Kubernetes cluster: AKS, or any other.
//!
//! Each release is a Deployment with an autoscaler; a Service leads callers to one of them, or to several in proportion to their pods. With a gateway of the
//! Gateway API a route leads them, by weights. Everything is written by server-side apply, so that who changed what of it is known, and nothing that sprag did
//! not make is touched. It deliberately makes no Secret and reads none.

mod adapter;
mod api;
mod difference;
mod error;
mod front;
mod kind;
mod objects;
mod params;
mod plan;
mod rollout;
mod seen;
mod split;

pub use adapter::Adapter;
pub use params::{Autoscale, Expose, Gateway, KeySecret, Output, Params, Split};
pub use plan::{as_list, manifests, printed};
use sprag_sdk::http::Network;
use sprag_sdk::stage::deploy::{Release, Service, State, Weight};
use sprag_sdk::{Change, Deployer, Failure, Session};

/// The plugin.
pub struct DeployKubernetes;

/// Leaves the objects with the run.
fn leave(params: &Params, service: &Service, release: &Release) -> Result<(), Failure> {
    let list = as_list(&manifests(params, service, release)?);
    sprag_sdk::write_artifact("manifests.json", "application/json", list.as_bytes())
}

impl Deployer for DeployKubernetes {
    type Params = Params;

    fn plan(session: &Session, params: Params, service: Service, release: Release) -> Result<Vec<Change>, Failure> {
        leave(&params, &service, &release)?;
        if params.output == Output::Manifests {
            return printed(&params, &service, &release);
        }
        Adapter::new(&Network::new(), session, &params, &service)?.plan(&release)
    }

    fn apply(session: &Session, params: Params, service: Service, release: Release) -> Result<State, Failure> {
        let network = Network::new();
        let adapter = Adapter::new(&network, session, &params, &service)?;
        leave(&params, &service, &release)?;
        adapter.apply(&release)
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
        Self::apply(session, params, service, release)
    }

    fn destroy(session: &Session, params: Params, service: Service) -> Result<Vec<Change>, Failure> {
        Adapter::new(&Network::new(), session, &params, &service)?.destroy()
    }
}

sprag_sdk::deployer!(DeployKubernetes);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(
            env!("CARGO_MANIFEST_DIR"),
            <DeployKubernetes as sprag_sdk::Plugin>::JSON,
            &derived,
        );
    }
}
