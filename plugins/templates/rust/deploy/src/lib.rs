//! Deploys to this machine, as a service that goes on after the release has ended.

use serde::Deserialize;
use sprag_sdk::services::{self, Condition, ServiceError, ServiceStatus, Share};
use sprag_sdk::stage::deploy::{Phase, Release, Service, State, Weight};
use sprag_sdk::{Action, Change, Deployer, Failure, Session};

/// The parameters. `params.schema.json` says the same to sprag.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The port on the loopback address; 0 takes a free one and keeps it.
    port: u16,
}

/// The plugin. Another target has calls of its own in the place of those of `services`; what it must keep is that every
/// function may be called again at any time and goes on from what it finds.
pub struct Deploy;

impl Deployer for Deploy {
    type Params = Params;

    fn plan(
        _: &Session,
        _: Params,
        service: Service,
        release: Release,
    ) -> Result<Vec<Change>, Failure> {
        let there = services::status(&name(&service)).map_err(failure)?;
        Ok(vec![change(&service, &release, there.as_ref())])
    }

    fn apply(
        session: &Session,
        params: Params,
        service: Service,
        release: Release,
    ) -> Result<State, Failure> {
        let whole = vec![Weight {
            package: release.package.clone(),
            percent: 100,
        }];
        Self::traffic(session, params, service, release, whole)
    }

    fn status(_: &Session, _: Params, service: Service) -> Result<State, Failure> {
        Ok(state(services::status(&name(&service)).map_err(failure)?))
    }

    fn traffic(
        _: &Session,
        params: Params,
        service: Service,
        _: Release,
        weights: Vec<Weight>,
    ) -> Result<State, Failure> {
        let share = |weight: Weight| Share {
            package: weight.package,
            percent: weight.percent,
        };
        let wanted = services::Service {
            name: name(&service),
            shares: weights.into_iter().map(share).collect(),
            port: params.port,
            keys: service.key.clone().into_iter().collect(),
        };
        match services::start(&wanted) {
            Ok(status) => Ok(state(Some(status))),
            // What ran before still runs, and it is no fault of the plugin that the new package does not.
            Err(ServiceError::NotReady(message)) => {
                let before = state(services::status(&wanted.name).map_err(failure)?);
                Ok(State {
                    phase: Phase::Failed,
                    message,
                    ..before
                })
            }
            Err(error) => Err(failure(error)),
        }
    }

    fn rollback(
        session: &Session,
        params: Params,
        service: Service,
        release: Release,
    ) -> Result<State, Failure> {
        Self::apply(session, params, service, release)
    }

    fn destroy(_: &Session, _: Params, service: Service) -> Result<Vec<Change>, Failure> {
        let was_there = services::stop(&name(&service)).map_err(failure)?;
        let (action, detail) = if was_there {
            (Action::Delete, "stopped")
        } else {
            (Action::Keep, "there is none")
        };
        Ok(vec![Change {
            action,
            subject: subject(&service),
            detail: detail.to_owned(),
        }])
    }
}

fn name(service: &Service) -> String {
    service.resource_name(None, 63)
}

fn subject(service: &Service) -> String {
    format!("service {}", name(service))
}

/// What would change, beside what is there.
fn change(service: &Service, release: &Release, there: Option<&ServiceStatus>) -> Change {
    let serves = |status: &ServiceStatus| matches!(&status.shares[..], [one] if one.package == release.package);
    let action = match there {
        None => Action::Create,
        Some(status) if serves(status) => Action::Keep,
        Some(_) => Action::Update,
    };
    Change {
        action,
        subject: subject(service),
        detail: format!("serves {}", release.package),
    }
}

/// The state as sprag asks for it.
fn state(status: Option<ServiceStatus>) -> State {
    let Some(status) = status else {
        return State::absent("there is no such service");
    };
    let phase = match status.condition {
        Condition::Ready => Phase::Ready,
        Condition::Starting | Condition::Restarting => Phase::Progressing,
        Condition::Lost => Phase::Failed,
    };
    let weight = |share: Share| Weight {
        package: share.package,
        percent: share.percent,
    };
    State {
        phase,
        message: format!("`{}` at {}", status.name, status.url),
        endpoint: Some(status.url),
        releases: status.shares.into_iter().map(weight).collect(),
    }
}

fn failure(error: ServiceError) -> Failure {
    match error {
        ServiceError::Denied(message) => Failure::Unsupported(message),
        ServiceError::BadService(message) => Failure::bad_params(message),
        ServiceError::NotReady(message) => Failure::bad_input(message),
        ServiceError::Io(message) => Failure::internal(message),
    }
}

sprag_sdk::deployer!(Deploy);

#[cfg(test)]
mod tests {
    use super::*;

    fn status(package: &str, condition: Condition) -> ServiceStatus {
        ServiceStatus {
            name: "diabetes-staging".to_owned(),
            shares: vec![Share {
                package: package.to_owned(),
                percent: 100,
            }],
            port: 8080,
            url: "http://127.0.0.1:8080".to_owned(),
            condition,
            restarts: 0,
        }
    }

    #[test]
    fn a_plan_says_what_changes() {
        let service = Service {
            environment: "staging".to_owned(),
            model: "diabetes".to_owned(),
            key: None,
        };
        let release = Release {
            version: 2,
            model_digest: "sha256:1".to_owned(),
            package: "sha256:2".to_owned(),
            image: None,
        };
        let action =
            |there: Option<ServiceStatus>| change(&service, &release, there.as_ref()).action;
        assert_eq!(action(None), Action::Create);
        assert_eq!(
            action(Some(status("sha256:1", Condition::Ready))),
            Action::Update
        );
        assert_eq!(
            action(Some(status("sha256:2", Condition::Ready))),
            Action::Keep
        );
    }

    #[test]
    fn only_what_answers_is_ready() {
        assert_eq!(state(None).phase, Phase::Absent);
        assert_eq!(
            state(Some(status("sha256:1", Condition::Ready))).phase,
            Phase::Ready
        );
        assert_eq!(
            state(Some(status("sha256:1", Condition::Lost))).phase,
            Phase::Failed
        );
    }
}
