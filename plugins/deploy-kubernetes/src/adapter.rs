//! What each function of the contract does, over any client and host.
//!
//! Each release is a Deployment of its own. A new one starts beside what runs, and callers are led to it once it is ready: in one step, by the selector of the
//! Service or the route of the gateway. So what does not get ready is never reached, and what ran before goes on, for a while longer than it is led to.

use std::time::Duration;

use serde_json::Value;
use sprag_sdk::http::Client;
use sprag_sdk::stage::deploy::{Phase, Release, Service, State, Weight};
use sprag_sdk::{Action, Change, Failure, Host};

use crate::api::{Api, Write, escaped};
use crate::front::is_split;
use crate::kind::Kind;
use crate::objects::{Desired, Objects, PACKAGE};
use crate::params::{Expose, Output, Params};
use crate::plan::change;
use crate::rollout::Rollout;
use crate::seen::{Seen, name, package};
use crate::{rollout, split};

/// The first and the longest wait between two looks.
const FIRST_LOOK: Duration = Duration::from_millis(250);
const LOOK: Duration = Duration::from_secs(2);

/// How closely a Deployment is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// With its pods.
    Briefly,
    /// With the warnings of its namespace too, which are many, for who is told.
    Closely,
}

/// One service in one cluster.
pub struct Adapter<'a> {
    pub(crate) api: Api<'a>,
    pub(crate) params: &'a Params,
    pub(crate) objects: Objects<'a>,
}

impl<'a> Adapter<'a> {
    /// The adapter for one call.
    ///
    /// # Errors
    ///
    /// The parameters cannot be, the stage is not granted the cluster's secret, or manifests are wanted and no cluster.
    pub fn new(client: &'a dyn Client, host: &'a dyn Host, params: &'a Params, service: &'a Service) -> Result<Self, Failure> {
        if params.output == Output::Manifests {
            return Err(Failure::unsupported(
                "with `output = \"manifests\"` nothing is deployed: `sprag release --plan --json` prints the objects, and `kubectl apply` makes them",
            ));
        }
        if service.key.is_none() && params.key_secret.is_some() {
            host.warn(
                "the service asks for the keys of `key_secret`, and the environment names no `key`: a smoke test will be refused",
            );
        }
        let objects = Objects::new(params, service)?;
        let api = Api::new(client, host, params, &objects.namespace)?;
        Ok(Self { api, params, objects })
    }

    /// Makes the service run the release for all requests.
    ///
    /// # Errors
    ///
    /// The cluster refuses. A release that does not get ready is a state.
    pub fn apply(&self, release: &Release) -> Result<State, Failure> {
        let whole = Weight { package: release.package.clone(), percent: 100 };
        self.divide(release, &[whole])
    }

    /// Divides the requests.
    ///
    /// # Errors
    ///
    /// The weights cannot be had, or the cluster refuses.
    pub fn traffic(&self, release: &Release, weights: &[Weight]) -> Result<State, Failure> {
        Weight::check_whole(weights)?;
        if !weights.iter().any(|weight| weight.package == release.package) {
            return Err(Failure::bad_params(format!(
                "expected a weight of the release's package {}, found none",
                release.package
            )));
        }
        self.divide(release, weights)
    }

    /// Looks.
    ///
    /// # Errors
    ///
    /// The cluster cannot be asked, or what is there belongs to something else.
    pub fn status(&self) -> Result<State, Failure> {
        let seen = self.look()?;
        let Some(front) = &seen.front else {
            return Ok(match seen.deployments.first() {
                None => State::absent(format!("there is no {} {}", self.front_kind().name(), self.objects.name)),
                Some(first) => State {
                    phase: Phase::Progressing,
                    message: format!("Deployment {} is there, and nothing leads to it yet", name(first)),
                    endpoint: None,
                    releases: vec![],
                },
            });
        };
        let (releases, are_there) = seen.weights();
        let endpoint = self.endpoint(front);
        let (phase, message) = if are_there && !releases.is_empty() {
            self.phase(&seen, endpoint.as_ref())?
        } else {
            (
                Phase::Failed,
                format!("{} {} leads to a release that does not run: apply again", self.front_kind().name(), name(front)),
            )
        };
        let endpoint = endpoint.ok().filter(|_| phase == Phase::Ready);
        Ok(State { phase, message, endpoint, releases })
    }

    fn phase(&self, seen: &Seen, endpoint: Result<&String, &String>) -> Result<(Phase, String), Failure> {
        let mut pods = 0;
        for deployment in seen.serving() {
            match self.progress(deployment, Look::Closely)? {
                Rollout::Done => pods += rollout::replicas(deployment),
                Rollout::Waiting(why) => {
                    return Ok((Phase::Progressing, format!("Deployment {}: {why}", name(deployment))));
                }
                Rollout::Failed(why) => return Ok((Phase::Failed, format!("Deployment {}: {why}", name(deployment)))),
            }
        }
        Ok(match endpoint {
            Ok(endpoint) => (Phase::Ready, format!("{pods} pods answer at {endpoint}")),
            Err(why) => (Phase::Progressing, why.clone()),
        })
    }

    /// Removes what was made for the service. The namespace stays: other things may be in it.
    ///
    /// # Errors
    ///
    /// The cluster refuses.
    pub fn destroy(&self) -> Result<Vec<Change>, Failure> {
        let mut changes = vec![];
        let query = self.query();
        for kind in [Kind::Route, Kind::Service, Kind::Autoscaler, Kind::Deployment] {
            let found = match self.api.list(kind, &query) {
                // A cluster without the Gateway API has no routes.
                Err(error) if kind == Kind::Route && error.status() == 404 => continue,
                Err(error) if kind == Kind::Route && error.status() == 403 && self.params.gateway.is_none() => continue,
                found => found?,
            };
            for object in found {
                if let Err(failure) = self.objects.check_own(kind, &object) {
                    self.api.exchange.host().warn(failure.message());
                    continue;
                }
                if self.api.delete(kind, &object)? {
                    changes.push(change(Action::Delete, kind, name(&object), "with all that belongs to it"));
                }
            }
        }
        if changes.is_empty() {
            changes.push(change(Action::Keep, self.front_kind(), &self.objects.name, "there is none"));
        }
        Ok(changes)
    }

    /// Runs the release, and divides the requests by the weights.
    fn divide(&self, release: &Release, weights: &[Weight]) -> Result<State, Failure> {
        let deployment = self.objects.deployment(release)?;
        if self.params.expose == Expose::LoadBalancer && self.params.key_secret.is_some() && self.params.url.is_none() {
            self.api
                .exchange
                .host()
                .warn("a Service with a load balancer speaks plain HTTP: the bearer key crosses the network in clear");
        }
        self.ensure_namespace()?;
        let seen = self.look()?;
        for weight in weights.iter().filter(|weight| weight.package != release.package) {
            if seen.deployment(&weight.package).is_none() {
                return Err(Failure::bad_params(format!("expected packages that run, found {}, which does not", weight.package)));
            }
        }
        let counts = self.counts(&seen, weights)?;
        let front = self.ensure_front(&seen, release)?;
        if let Err(why) = self.start(&seen, &deployment, release, weights, counts.as_deref())? {
            let endpoint = seen.front.as_ref().and_then(|front| self.endpoint(front).ok());
            return Ok(State { phase: Phase::Failed, message: why, endpoint, releases: seen.weights().0 });
        }
        let kept: Vec<_> = weights.iter().map(|weight| weight.package.as_str()).collect();
        if self.params.gateway.is_none() && is_split(weights) {
            self.lead_to_all(&seen, &front, weights, &kept)?;
        } else {
            self.lead(&self.front(weights)?, &front)?;
            self.hand_over(&seen, &kept)?;
            self.remove_others(&seen, &kept)?;
        }
        self.settle()
    }

    /// Leads callers to all that runs, in proportion to the pods.
    fn lead_to_all(&self, seen: &Seen, front: &Value, weights: &[Weight], kept: &[&str]) -> Result<(), Failure> {
        // What gets nothing must be gone before, and nobody may be led there while it goes.
        let is_left = |weight: &Weight| weight.percent > 0 && !kept.contains(&weight.package.as_str());
        let largest = weights.iter().max_by_key(|weight| weight.percent).filter(|_| seen.weights().0.iter().any(is_left));
        let narrowed = largest.map(|largest| self.lead(&self.objects.front(Some(&largest.package)), front)).transpose()?;
        if narrowed.is_some() {
            self.hand_over(seen, kept)?;
        }
        for deployment in seen.deployments.iter().filter(|it| package(it).is_none_or(|package| !kept.contains(&package))) {
            self.api.scale(name(deployment), 0)?;
            self.wait(name(deployment))?.map_err(Failure::Retry)?;
        }
        self.remove_others(seen, kept)?;
        self.lead(&self.objects.front(None), narrowed.as_ref().unwrap_or(front)).map(|_| ())
    }

    /// Lets what is not kept go on until all who lead callers know the way that they were shown: nodes, load balancers and gateways learn of it later than the API
    /// server says, and nothing there tells when.
    fn hand_over(&self, seen: &Seen, kept: &[&str]) -> Result<(), Failure> {
        let is_left = |it: &&Value| package(it).is_none_or(|package| !kept.contains(&package)) && rollout::available(it) > 0;
        if !seen.deployments.iter().any(|deployment| is_left(&deployment)) {
            return Ok(());
        }
        let seconds = self.params.handover_seconds;
        self.api.exchange.host().log(&format!("callers are led on; what they were led to before goes in {seconds} s"), &[]);
        self.api.exchange.pause(Duration::from_secs(seconds.into()))
    }

    /// How many pods each release has: fixed numbers where they divide the requests, else none.
    fn counts(&self, seen: &Seen, weights: &[Weight]) -> Result<Option<Vec<u32>>, Failure> {
        if self.params.gateway.is_some() || !is_split(weights) {
            return Ok(None);
        }
        split::pods(weights, seen.pods().max(self.params.autoscale.min), self.params.split).map(Some)
    }

    /// Starts the release and gives all releases their pods. Says why, where one does not get ready.
    fn start(
        &self,
        seen: &Seen,
        deployment: &Desired,
        release: &Release,
        weights: &[Weight],
        counts: Option<&[u32]>,
    ) -> Result<Result<(), String>, Failure> {
        if self.params.gateway.is_some() {
            self.api.apply(&self.objects.behind(&release.package), Write::Done, None)?;
        }
        let applied = self.api.apply(deployment, Write::Done, None)?;
        let Some(counts) = counts else {
            let scale = self.params.autoscale;
            let wanted = if weights.iter().any(|weight| weight.package == release.package && weight.percent > 0) {
                // It takes over from what runs, which may have grown under load.
                seen.pods().clamp(scale.min, scale.max)
            } else {
                scale.min
            };
            if rollout::replicas(&applied) < wanted {
                self.api.scale(&deployment.name, wanted)?;
            }
            let started = self.wait(&deployment.name)?;
            if started.is_ok() {
                for weight in weights {
                    self.api.apply(&self.objects.autoscaler(&weight.package), Write::Done, None)?;
                }
            }
            return Ok(started);
        };
        // An autoscaler would undo the numbers.
        for autoscaler in &seen.autoscalers {
            self.api.delete(Kind::Autoscaler, autoscaler)?;
        }
        // First those that grow, so that there are never fewer than before.
        let before = |package: &str| seen.deployment(package).map_or(0, rollout::replicas);
        let mut order: Vec<_> = weights.iter().zip(counts).collect();
        order.sort_by_key(|(weight, count)| before(&weight.package) > **count);
        for (weight, count) in order {
            let name = self.objects.name_of(&weight.package);
            self.api.scale(&name, *count)?;
            if let Err(why) = self.wait(&name)? {
                return Ok(Err(why));
            }
        }
        Ok(Ok(()))
    }

    /// Waits for a Deployment. Says why, where it does not get there.
    fn wait(&self, deployment: &str) -> Result<Result<(), String>, Failure> {
        let mut pause = FIRST_LOOK;
        loop {
            let found = self.api.get(Kind::Deployment, deployment)?.ok_or_else(|| {
                Failure::Retry(format!(
                    "Deployment {deployment} was removed by somebody else while it started: is another release at work?"
                ))
            })?;
            let look = if self.has_time() { Look::Briefly } else { Look::Closely };
            match self.progress(&found, look)? {
                Rollout::Done if rollout::surplus(&found) == 0 => return Ok(Ok(())),
                Rollout::Done if look == Look::Closely => {
                    let count = rollout::surplus(&found);
                    return Ok(Err(format!("Deployment {deployment} has {count} pods too many, which do not end")));
                }
                Rollout::Failed(why) => return Ok(Err(format!("Deployment {deployment}: {why}"))),
                Rollout::Waiting(why) if look == Look::Closely => {
                    let seconds = self.params.timeout_seconds;
                    return Ok(Err(format!("Deployment {deployment} was not ready within {seconds} s: {why}")));
                }
                Rollout::Done | Rollout::Waiting(_) => self.api.exchange.pause(pause)?,
            }
            pause = (pause * 2).min(LOOK);
        }
    }

    /// How far a Deployment is, with what keeps its pods.
    fn progress(&self, deployment: &Value, look: Look) -> Result<Rollout, Failure> {
        let (why, has_failed) = match rollout::of(deployment) {
            Rollout::Done => return Ok(Rollout::Done),
            Rollout::Waiting(why) => (why, false),
            Rollout::Failed(why) => (why, true),
        };
        let release = &deployment["metadata"]["labels"][PACKAGE];
        let label = format!("{}={}", PACKAGE, release.as_str().unwrap_or_default());
        let pods = self.api.list(Kind::Pod, &format!("{}{}", self.query(), escaped(&format!(",{label}"))));
        let (mut words, mut is_final) = (None, false);
        if let Some(trouble) = pods.ok().as_deref().and_then(rollout::trouble) {
            (words, is_final) = (Some(trouble.words), trouble.is_final);
        } else if (look == Look::Closely || has_failed)
            && let Ok(events) = self.api.list(Kind::Event, "fieldSelector=type%3DWarning")
        {
            // Who may not read pods or events learns less, and no more is lost by that.
            words = rollout::warnings(&events, name(deployment));
        }
        let why = words.map_or_else(|| why.clone(), |words| format!("{why}; {words}"));
        Ok(if has_failed || is_final { Rollout::Failed(why) } else { Rollout::Waiting(why) })
    }

    /// Waits until the service answers, once all runs.
    fn settle(&self) -> Result<State, Failure> {
        loop {
            let state = self.status()?;
            if state.phase != Phase::Progressing {
                return Ok(state);
            }
            if !self.has_time() {
                let message = format!("not ready within {} s: {}", self.params.timeout_seconds, state.message);
                return Ok(State { phase: Phase::Failed, message, ..state });
            }
            self.api.exchange.pause(LOOK)?;
        }
    }

    /// Removes the Deployments that were seen and are not kept, with what belongs to them. One that was made since is another release's.
    fn remove_others(&self, seen: &Seen, kept: &[&str]) -> Result<(), Failure> {
        let kept: Vec<_> = kept.iter().map(|package| self.objects.name_of(package)).collect();
        let is_other = |object: &&Value| !kept.iter().any(|known| known == name(object)) && name(object) != self.objects.name;
        let behind = seen.services.iter().map(|service| (Kind::Service, service));
        let autoscalers = seen.autoscalers.iter().map(|autoscaler| (Kind::Autoscaler, autoscaler));
        let deployments = seen.deployments.iter().map(|deployment| (Kind::Deployment, deployment));
        for (kind, object) in autoscalers.chain(deployments).chain(behind).filter(|(_, object)| is_other(object)) {
            self.api.delete(kind, object)?;
        }
        Ok(())
    }

    /// What of the service is in the cluster. All of it must be the service's own.
    pub(crate) fn look(&self) -> Result<Seen, Failure> {
        let kind = self.front_kind();
        let front = self.api.get(kind, &self.objects.name)?;
        if let Some(front) = &front {
            self.objects.check_own(kind, front)?;
        }
        let query = self.query();
        let list = |kind: Kind| -> Result<Vec<Value>, Failure> {
            let found = self.api.list(kind, &query)?;
            found.iter().try_for_each(|object| self.objects.check_own(kind, object))?;
            Ok(found)
        };
        let deployments = list(Kind::Deployment)?.into_iter().filter(|deployment| package(deployment).is_some()).collect();
        Ok(Seen { front, deployments, autoscalers: list(Kind::Autoscaler)?, services: list(Kind::Service)? })
    }

    pub(crate) fn query(&self) -> String {
        format!("labelSelector={}", escaped(&self.objects.selector()))
    }

    pub(crate) fn has_time(&self) -> bool {
        self.api.exchange.left() > LOOK
    }
}
