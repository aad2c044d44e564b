//! Deploys to this machine: a scoring service that a supervisor keeps running after the release has ended.
//!
//! What runs is the package itself, by its digest. The host keeps the state, so that every function finds what an earlier one left, however that one ended.

mod machine;

use serde::Deserialize;
use sprag_sdk::services::{Condition, Service as LocalService, ServiceError, ServiceStatus, Share};
use sprag_sdk::stage::deploy::{Phase, Release, Service, State, Weight};
use sprag_sdk::{Action, Change, Deployer, Failure, Session};

use crate::machine::{Machine, ThisMachine};

/// The parameters.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The port on the loopback address; 0 takes a free one and keeps it.
    port: u16,
    /// The service's name on this machine; `MODEL-ENVIRONMENT` where it is not given.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z][a-z0-9-]{0,63}$")))]
    name: Option<String>,
}

/// The plugin.
pub struct DeployLocal;

impl Deployer for DeployLocal {
    type Params = Params;

    fn plan(_: &Session, params: Params, service: Service, release: Release) -> Result<Vec<Change>, Failure> {
        plan(&ThisMachine, &params, &service, &release)
    }

    fn apply(session: &Session, params: Params, service: Service, release: Release) -> Result<State, Failure> {
        let state = put(&ThisMachine, &params, &service, vec![whole(&release)])?;
        sprag_sdk::info!(session, "{}", state.message);
        Ok(state)
    }

    fn status(_: &Session, params: Params, service: Service) -> Result<State, Failure> {
        status(&ThisMachine, &params, &service)
    }

    fn traffic(session: &Session, params: Params, service: Service, _: Release, weights: Vec<Weight>) -> Result<State, Failure> {
        let shares = weights.into_iter().map(|weight| Share { package: weight.package, percent: weight.percent }).collect();
        let state = put(&ThisMachine, &params, &service, shares)?;
        sprag_sdk::info!(session, "{}", state.message);
        Ok(state)
    }

    fn rollback(session: &Session, params: Params, service: Service, release: Release) -> Result<State, Failure> {
        Self::apply(session, params, service, release)
    }

    fn destroy(_: &Session, params: Params, service: Service) -> Result<Vec<Change>, Failure> {
        let name = name(&params, &service);
        let was_there = ThisMachine.stop(&name).map_err(failure)?;
        let (action, detail) = if was_there { (Action::Delete, "stopped") } else { (Action::Keep, "there is none") };
        Ok(vec![change(action, &name, detail.to_owned())])
    }
}

fn plan(machine: &impl Machine, params: &Params, service: &Service, release: &Release) -> Result<Vec<Change>, Failure> {
    let name = name(params, service);
    let Some(there) = machine.status(&name).map_err(failure)? else {
        let port = if params.port == 0 { "a free port".to_owned() } else { format!("port {}", params.port) };
        return Ok(vec![change(Action::Create, &name, format!("serves {} on {port}", release.package))]);
    };
    let mut differences = vec![];
    if there.shares != [whole(release)] {
        differences.push(format!("serves {} -> {}", packages(&there), release.package));
    }
    if params.port != 0 && params.port != there.port {
        differences.push(format!("port {} -> {}", there.port, params.port));
    }
    if there.condition == Condition::Lost {
        differences.push("its supervisor is gone -> a new one".to_owned());
    }
    let detail = if differences.is_empty() { format!("serves {}", release.package) } else { differences.join(", ") };
    let action = if differences.is_empty() { Action::Keep } else { Action::Update };
    Ok(vec![change(action, &name, detail)])
}

fn put(machine: &impl Machine, params: &Params, service: &Service, shares: Vec<Share>) -> Result<State, Failure> {
    let wanted =
        LocalService { name: name(params, service), shares, port: params.port, keys: service.key.clone().into_iter().collect() };
    match machine.start(&wanted) {
        Ok(status) => Ok(state(status)),
        // What ran before still runs, and it is no fault of this plugin that the new package does not.
        Err(ServiceError::NotReady(why)) => {
            let before = machine.status(&wanted.name).map_err(failure)?.map(state);
            let (endpoint, releases) = before.map_or((None, vec![]), |state| (state.endpoint, state.releases));
            Ok(State { phase: Phase::Failed, message: why, endpoint, releases })
        }
        Err(error) => Err(failure(error)),
    }
}

fn status(machine: &impl Machine, params: &Params, service: &Service) -> Result<State, Failure> {
    let name = name(params, service);
    let found = machine.status(&name).map_err(failure)?;
    Ok(found.map_or_else(
        || State { phase: Phase::Absent, message: format!("there is no service `{name}`"), endpoint: None, releases: vec![] },
        state,
    ))
}

fn state(status: ServiceStatus) -> State {
    let (phase, how) = match status.condition {
        Condition::Ready => (Phase::Ready, "answers"),
        Condition::Starting => (Phase::Progressing, "is about to answer"),
        Condition::Restarting => (Phase::Progressing, "ended and is being started again"),
        Condition::Lost => (Phase::Failed, "has lost its supervisor"),
    };
    let restarts = if status.restarts == 0 { String::new() } else { format!(", started again {} times", status.restarts) };
    State {
        phase,
        message: format!("the service `{}` {how} at {}{restarts}", status.name, status.url),
        endpoint: (status.port != 0).then_some(status.url),
        releases: status.shares.into_iter().map(|share| Weight { package: share.package, percent: share.percent }).collect(),
    }
}

fn name(params: &Params, service: &Service) -> String {
    params.name.clone().unwrap_or_else(|| format!("{}-{}", service.model, service.environment))
}

fn whole(release: &Release) -> Share {
    Share { package: release.package.clone(), percent: 100 }
}

fn packages(status: &ServiceStatus) -> String {
    let shown = status.shares.iter().map(|share| match share.percent {
        100 => share.package.clone(),
        percent => format!("{} ({percent} %)", share.package),
    });
    shown.collect::<Vec<_>>().join(" and ")
}

fn change(action: Action, name: &str, detail: String) -> Change {
    Change { action, subject: format!("service {name}"), detail }
}

fn failure(error: ServiceError) -> Failure {
    match error {
        ServiceError::Denied(message) => Failure::Unsupported(message),
        ServiceError::BadService(message) => Failure::bad_params(message),
        ServiceError::NotReady(message) => Failure::bad_input(message),
        ServiceError::Io(message) => Failure::internal(message),
    }
}

sprag_sdk::deployer!(DeployLocal);

#[cfg(test)]
mod tests;
