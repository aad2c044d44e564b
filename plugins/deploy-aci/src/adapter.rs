//! What each function of the contract does, over any client and host.

use serde_json::Value;
use sprag_azure::{Arm, ArmError, Desired, Host, Mark, Standing, summary};
use sprag_sdk::http::Client;
use sprag_sdk::stage::deploy::{Phase, Release, Service, State, Weight};
use sprag_sdk::{Action, Change, Failure};

use crate::params::Params;
use crate::{body, state};

/// One service's container group.
pub struct Adapter<'a> {
    arm: Arm<'a>,
    params: &'a Params,
    service: &'a Service,
}

impl<'a> Adapter<'a> {
    /// The adapter for one call.
    ///
    /// # Errors
    ///
    /// The stage is not granted the identity's secret.
    pub fn new(client: &'a dyn Client, host: &'a dyn Host, params: &'a Params, service: &'a Service) -> Result<Self, Failure> {
        Ok(Self { arm: Arm::new(client, host, &params.azure)?, params, service })
    }

    /// Says what [`apply`](Self::apply) would do.
    ///
    /// # Errors
    ///
    /// Azure cannot be asked, or the group belongs to something else.
    pub fn plan(&self, release: &Release) -> Result<Vec<Change>, Failure> {
        let desired = body::group(&self.arm, self.params, self.service, release)?;
        Ok(match self.own(&desired)? {
            Standing::Differs(lines, _) if body::needs_another_group(&lines) => again(&desired, &lines),
            _ => vec![self.arm.plan(&desired)?],
        })
    }

    /// Makes the group run the release, and waits until its container does.
    ///
    /// # Errors
    ///
    /// Azure refuses. A container that does not run is a state.
    pub fn apply(&self, release: &Release) -> Result<State, Failure> {
        let desired = body::group(&self.arm, self.params, self.service, release)?;
        let standing = self.own(&desired)?;
        if self.params.subnet.is_none() && self.service.key.is_some() && matches!(standing, Standing::Missing) {
            self.arm
                .host()
                .warn("a container group with a public address speaks plain HTTP: the bearer key crosses the network in clear");
        }
        if let Standing::Differs(lines, _) = &standing
            && body::needs_another_group(lines)
        {
            self.arm.host().log(&format!("{} is made again: {}", desired.subject(), summary(lines)), &[]);
            self.arm.delete(&desired.id, desired.version)?;
        }
        match self.arm.ensure(&desired) {
            Ok(_) => self.wait(&desired),
            Err(error @ ArmError::Failed { .. }) => {
                let message = error.to_string();
                Ok(State { phase: Phase::Failed, message, endpoint: None, releases: vec![] })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Looks.
    ///
    /// # Errors
    ///
    /// Azure cannot be asked, or the group belongs to something else.
    pub fn status(&self) -> Result<State, Failure> {
        let id = body::id(self.params, self.service)?;
        let Some(found) = self.arm.get(&id, body::VERSION)? else { return Ok(State::absent("there is no container group")) };
        self.check(&id, &found)?;
        Ok(state::of(&found))
    }

    /// Gives a release all requests: more is not to be had here.
    ///
    /// # Errors
    ///
    /// The weights divide the requests, or those of [`apply`](Self::apply).
    pub fn traffic(&self, release: &Release, weights: &[Weight]) -> Result<State, Failure> {
        Weight::check_whole(weights)?;
        let whole = weights.iter().find(|weight| weight.percent == 100);
        if whole.is_some_and(|whole| whole.package == release.package) {
            return self.apply(release);
        }
        Err(Failure::unsupported(
            "a container group runs one release, and cannot divide requests: expected 100 % for the release, found other weights; \
             `deploy-webapp`, `deploy-azureml` and `deploy-kubernetes` can",
        ))
    }

    /// Puts an earlier release back, as any other comes.
    ///
    /// # Errors
    ///
    /// As of [`apply`](Self::apply).
    pub fn rollback(&self, release: &Release) -> Result<State, Failure> {
        self.apply(release)
    }

    /// Removes the group.
    ///
    /// # Errors
    ///
    /// Azure refuses, or the group belongs to something else.
    pub fn destroy(&self) -> Result<Vec<Change>, Failure> {
        let id = body::id(self.params, self.service)?;
        let subject = format!("container group {}", id.rsplit('/').next().unwrap_or_default());
        let Some(found) = self.arm.get(&id, body::VERSION)? else {
            return Ok(vec![Change { action: Action::Keep, subject, detail: "there is none".to_owned() }]);
        };
        self.check(&id, &found)?;
        self.arm.delete(&id, body::VERSION)?;
        Ok(vec![Change { action: Action::Delete, subject, detail: "with its container".to_owned() }])
    }

    /// How the group is, if it is this service's.
    fn own(&self, desired: &Desired) -> Result<Standing, Failure> {
        let standing = self.arm.standing(desired)?;
        if let Standing::Same(found) | Standing::Differs(_, found) = &standing {
            self.check(&desired.id, found)?;
        }
        Ok(standing)
    }

    fn check(&self, id: &str, found: &Value) -> Result<(), Failure> {
        let name = id.rsplit('/').next().unwrap_or_default();
        Mark { service: self.service, revision: None }.check(&format!("the container group `{name}`"), found)
    }

    fn wait(&self, desired: &Desired) -> Result<State, Failure> {
        let what = format!("start the container of {}", desired.subject());
        let ready = || {
            let Some(found) = self.arm.get(&desired.id, desired.version)? else {
                return Ok(Ok(State::absent("the container group was removed while it started")));
            };
            let state = state::of(&found);
            Ok(if state.phase == Phase::Progressing { Err(state.message) } else { Ok(state) })
        };
        Ok(self.arm.until(&what, ready)?)
    }
}

fn again(desired: &Desired, lines: &[String]) -> Vec<Change> {
    let why = format!("Azure cannot change {}", summary(lines));
    vec![desired.change(Action::Delete, why), desired.change(Action::Create, "again, with the changes".to_owned())]
}
