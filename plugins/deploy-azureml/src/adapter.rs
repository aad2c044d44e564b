//! What each function of the contract does, over any client and host.

use serde_json::{Value, json};
use sprag_azure::{Arm, ArmError, Host, Mark, Standing};
use sprag_sdk::http::Client;
use sprag_sdk::stage::deploy::{Phase, Release, Service, State, Weight};
use sprag_sdk::{Action, Change, Failure};

use crate::body::{self, PREVIOUS, Traffic, VERSION};
use crate::params::Params;
use crate::{registration, state};

/// One service's endpoint.
pub struct Adapter<'a> {
    arm: Arm<'a>,
    params: &'a Params,
    service: &'a Service,
    endpoint: String,
}

impl<'a> Adapter<'a> {
    /// The adapter for one call.
    ///
    /// # Errors
    ///
    /// The stage is not granted the identity's secret, or a name cannot be.
    pub fn new(client: &'a dyn Client, host: &'a dyn Host, params: &'a Params, service: &'a Service) -> Result<Self, Failure> {
        let endpoint = body::endpoint_id(params, service)?;
        Ok(Self { arm: Arm::new(client, host, &params.azure)?, params, service, endpoint })
    }

    /// Says what [`apply`](Self::apply) would do.
    ///
    /// # Errors
    ///
    /// Azure cannot be asked, or the endpoint belongs to something else.
    pub fn plan(&self, release: &Release) -> Result<Vec<Change>, Failure> {
        let environment = body::environment(self.params, self.service, release)?;
        let mut changes = vec![self.arm.plan(&environment)?];
        let mut model = None;
        if self.params.registration.is_some() {
            let desired = registration::model(self.params, self.service, release)?;
            if let Some(found) = self.arm.get(&desired.id, VERSION)? {
                registration::check(&desired, &found, release)?;
            }
            changes.push(self.arm.plan(&desired)?);
            model = Some(desired.id);
        }
        let found = self.own()?;
        let name = body::deployment_name(release);
        let (now, previous) = found.as_ref().map_or_else(Default::default, |found| (state::traffic(found), previous(found)));
        let endpoint = self.desired_endpoint(&now, previous.as_deref())?;
        changes.push(self.arm.plan(&endpoint)?);
        let deployment = body::deployment(self.params, self.service, release, &environment.id, model.as_deref())?;
        changes.push(self.arm.plan(&deployment)?);
        let traffic = Change { subject: format!("traffic of {}", endpoint.name()), ..endpoint.kept() };
        if now == whole(&name) {
            changes.push(traffic);
        } else {
            let action = if now.is_empty() { Action::Create } else { Action::Update };
            changes.push(Change { action, detail: format!("{} -> {name} 100 %", shown(&now)), ..traffic });
        }
        let kept = if now == whole(&name) { previous } else { now.keys().next().cloned() };
        for old in self.superfluous(&self.deployments()?, &whole(&name), kept.as_deref()) {
            let subject = format!("online deployment {old}");
            changes.push(Change { action: Action::Delete, subject, detail: "gets no requests".to_owned() });
        }
        Ok(changes)
    }

    /// Makes the endpoint answer with the release, for all requests.
    ///
    /// # Errors
    ///
    /// Azure refuses. A deployment that does not get ready is a state, and what answered before answers on.
    pub fn apply(&self, release: &Release) -> Result<State, Failure> {
        match self.deploy(release)? {
            Ok(name) => self.route(&whole(&name)),
            Err(why) => self.failed(why),
        }
    }

    /// Looks.
    ///
    /// # Errors
    ///
    /// Azure cannot be asked, or the endpoint belongs to something else.
    pub fn status(&self) -> Result<State, Failure> {
        match self.own()? {
            None => Ok(State::absent("there is no online endpoint")),
            Some(found) => Ok(state::of(&found, &self.deployments()?)),
        }
    }

    /// Adds the release and divides the requests.
    ///
    /// # Errors
    ///
    /// Azure refuses, or the weights are of a release that is not deployed.
    pub fn traffic(&self, release: &Release, weights: &[Weight]) -> Result<State, Failure> {
        Weight::check_whole(weights)?;
        if weights.iter().any(|weight| weight.percent == 100 && weight.package == release.package) {
            return self.apply(release);
        }
        // What the weights name must be there before anything is made.
        let known = state::packages(&self.deployments()?);
        let deployed = |package: &str| known.iter().find(|(_, other)| *other == package).map(|(name, _)| name.clone());
        let own = body::deployment_name(release);
        let mut traffic = Traffic::new();
        for weight in weights.iter().filter(|weight| weight.percent > 0) {
            let name = if weight.package == release.package { Some(own.clone()) } else { deployed(&weight.package) };
            let name = name.ok_or_else(|| {
                let there: Vec<_> = known.values().map(String::as_str).collect();
                Failure::bad_input(format!(
                    "expected weights of deployed packages, found `{}`: deployed are {}",
                    weight.package,
                    if there.is_empty() { "none".to_owned() } else { there.join(", ") }
                ))
            })?;
            traffic.insert(name, weight.percent);
        }
        match self.deploy(release)? {
            Ok(_) => self.route(&traffic),
            Err(why) => self.failed(why),
        }
    }

    /// Puts an earlier release back: by traffic alone where its deployment is still there.
    ///
    /// # Errors
    ///
    /// As of [`apply`](Self::apply).
    pub fn rollback(&self, release: &Release) -> Result<State, Failure> {
        let name = body::deployment_name(release);
        if self.own()?.is_some()
            && let Some(found) = self.deployments()?.iter().find(|deployment| deployment["name"].as_str() == Some(&*name))
        {
            self.check_runs(&name, found, release)?;
            if sprag_azure::Progress::of(found) == sprag_azure::Progress::Succeeded {
                return self.route(&whole(&name));
            }
        }
        self.apply(release)
    }

    /// Holds a deployment against the release that its name is of: a name is quickly taken, and requests go where it leads.
    fn check_runs(&self, name: &str, found: &Value, release: &Release) -> Result<(), Failure> {
        let subject = format!("the online deployment `{name}`");
        Mark { service: self.service, revision: None }.check(&subject, found)?;
        match Mark::package(found) {
            Some(package) if package == release.package => Ok(()),
            other => Err(Failure::bad_params(format!(
                "expected {subject} to run the package {}, found {} by its tags: remove it first",
                release.package,
                other.as_deref().unwrap_or("none")
            ))),
        }
    }

    /// Removes the endpoint with its deployments. Environments and models of the workspace stay: they are its history.
    ///
    /// # Errors
    ///
    /// Azure refuses, or the endpoint belongs to something else.
    pub fn destroy(&self) -> Result<Vec<Change>, Failure> {
        let subject = format!("online endpoint {}", self.endpoint.rsplit('/').next().unwrap_or_default());
        if self.own()?.is_none() {
            return Ok(vec![Change { action: Action::Keep, subject, detail: "there is none".to_owned() }]);
        }
        self.arm.delete(&self.endpoint, VERSION)?;
        Ok(vec![Change { action: Action::Delete, subject, detail: "with its deployments".to_owned() }])
    }

    /// Makes sure of environment, model, endpoint and deployment, without a request for it: the deployment's name, or why it does not get ready.
    fn deploy(&self, release: &Release) -> Result<Result<String, String>, Failure> {
        let environment = body::environment(self.params, self.service, release)?;
        self.arm.ensure(&environment)?;
        let registration = self.params.registration.as_ref();
        let register = |registration| registration::register(&self.arm, self.params, registration, self.service, release);
        let model = registration.map(register).transpose()?;
        self.ensure_endpoint()?;
        let deployment = body::deployment(self.params, self.service, release, &environment.id, model.as_deref())?;
        match self.arm.ensure(&deployment) {
            Ok(_) => Ok(Ok(deployment.name().to_owned())),
            Err(error @ ArmError::Failed { .. }) => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes sure of the endpoint, with the traffic that it has.
    fn ensure_endpoint(&self) -> Result<(), Failure> {
        let found = self.own()?;
        let (now, previous) = found.as_ref().map_or_else(Default::default, |found| (state::traffic(found), previous(found)));
        let desired = self.desired_endpoint(&now, previous.as_deref())?;
        if let Some(found) = &found {
            let tag = |value: &Value| value.pointer("/tags/sprag-revision").cloned();
            if tag(found) != tag(&desired.body) {
                let key = self.key()?;
                for kind in ["Primary", "Secondary"] {
                    self.arm.post(&self.endpoint, "regenerateKeys", VERSION, &json!({ "keyType": kind, "keyValue": key }))?;
                }
            }
        }
        self.arm.ensure(&desired)?;
        Ok(())
    }

    /// Divides the requests, and deletes deployments that get none; the one that answered before is kept.
    fn route(&self, traffic: &Traffic) -> Result<State, Failure> {
        let found = self.own()?.ok_or_else(|| Failure::Retry("the online endpoint was removed meanwhile".to_owned()))?;
        let now = state::traffic(&found);
        let mut kept = previous(&found);
        if now != *traffic {
            let left = now.iter().filter(|(name, _)| !traffic.contains_key(*name)).max_by_key(|(_, percent)| **percent);
            kept = left.map(|(name, _)| name.clone()).or(kept).filter(|name| !traffic.contains_key(name));
            let desired = self.desired_endpoint(traffic, kept.as_deref())?;
            if let Standing::Differs(..) = self.arm.standing(&desired)? {
                self.arm.put(&self.endpoint, VERSION, &desired.body, None)?;
            }
        }
        for name in self.superfluous(&self.deployments()?, traffic, kept.as_deref()) {
            self.arm.delete(&format!("{}/deployments/{name}", self.endpoint), VERSION)?;
        }
        self.status()
    }

    /// The deployments of this service that neither get requests nor did just before.
    fn superfluous(&self, deployments: &[Value], traffic: &Traffic, kept: Option<&str>) -> Vec<String> {
        let mark = Mark { service: self.service, revision: None };
        let own = deployments.iter().filter(|deployment| mark.check("the deployment", deployment).is_ok());
        let names = own.filter_map(|deployment| deployment["name"].as_str());
        names.filter(|name| !traffic.contains_key(*name) && Some(*name) != kept).map(str::to_owned).collect()
    }

    fn deployments(&self) -> Result<Vec<Value>, Failure> {
        Ok(self.arm.list(&format!("{}/deployments", self.endpoint), VERSION)?)
    }

    fn desired_endpoint(&self, traffic: &Traffic, previous: Option<&str>) -> Result<sprag_azure::Desired, Failure> {
        body::endpoint(self.params, self.service, &self.key()?, traffic, previous)
    }

    fn key(&self) -> Result<String, Failure> {
        let Some(key) = &self.service.key else {
            return Err(Failure::bad_params(format!(
                "expected `key` in the environment `{}`, found none: a managed online endpoint always asks for one",
                self.service.environment
            )));
        };
        self.arm.secret(key)
    }

    /// The endpoint as it is, if it is this service's.
    fn own(&self) -> Result<Option<Value>, Failure> {
        let found = self.arm.get(&self.endpoint, VERSION)?;
        if let Some(found) = &found {
            let name = self.endpoint.rsplit('/').next().unwrap_or_default();
            Mark { service: self.service, revision: None }.check(&format!("the online endpoint `{name}`"), found)?;
        }
        Ok(found)
    }

    /// That the release does not run, beside what does.
    fn failed(&self, why: String) -> Result<State, Failure> {
        let now = self.status()?;
        Ok(State { phase: Phase::Failed, message: why, endpoint: now.endpoint, releases: now.releases })
    }
}

fn whole(name: &str) -> Traffic {
    Traffic::from([(name.to_owned(), 100)])
}

/// The deployment that answered before, by the endpoint's own tag.
fn previous(endpoint: &Value) -> Option<String> {
    endpoint.pointer(&format!("/tags/{PREVIOUS}")).and_then(Value::as_str).map(str::to_owned)
}

fn shown(traffic: &Traffic) -> String {
    if traffic.is_empty() {
        return "nothing".to_owned();
    }
    traffic.iter().map(|(name, percent)| format!("{name} {percent} %")).collect::<Vec<_>>().join(", ")
}
