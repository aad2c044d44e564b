//! A deployer that deploys nothing: it says that the service is ready at the address that it is told, so that a test answers there as it likes.

#![allow(missing_docs, reason = "a test program")]

use serde::Deserialize;
use sprag_sdk::stage::deploy::{Phase, Release, Service, State, Weight};
use sprag_sdk::{Action, Change, Deployer, Failure, Session};

#[derive(Deserialize)]
pub struct Params {
    url: String,
}

pub struct Program;

impl Deployer for Program {
    type Params = Params;

    fn plan(_: &Session, params: Params, _: Service, _: Release) -> Result<Vec<Change>, Failure> {
        Ok(vec![Change {
            action: Action::Create,
            subject: format!("service {}", params.url),
            detail: "said to be there".to_owned(),
        }])
    }

    fn apply(_: &Session, params: Params, _: Service, release: Release) -> Result<State, Failure> {
        Ok(ready(params.url, vec![Weight { package: release.package, percent: 100 }]))
    }

    fn status(_: &Session, params: Params, _: Service) -> Result<State, Failure> {
        Ok(ready(params.url, vec![]))
    }

    fn traffic(_: &Session, params: Params, _: Service, _: Release, weights: Vec<Weight>) -> Result<State, Failure> {
        Ok(ready(params.url, weights))
    }

    fn rollback(session: &Session, params: Params, service: Service, release: Release) -> Result<State, Failure> {
        Self::apply(session, params, service, release)
    }

    fn destroy(_: &Session, _: Params, _: Service) -> Result<Vec<Change>, Failure> {
        Ok(vec![])
    }
}

fn ready(url: String, releases: Vec<Weight>) -> State {
    State { phase: Phase::Ready, message: format!("said to answer at {url}"), endpoint: Some(url), releases }
}

sprag_sdk::deployer!(Program);
