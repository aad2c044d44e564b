//! What of a service is in the cluster.

use serde_json::Value;
use sprag_sdk::stage::deploy::Weight;

use crate::objects::{DIGEST, PACKAGE};
use crate::{rollout, split};

/// What of a service is in the cluster.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The Service or route that callers reach.
    pub(crate) front: Option<Value>,
    /// The Deployments, one for each release.
    pub(crate) deployments: Vec<Value>,
    pub(crate) autoscalers: Vec<Value>,
    /// All Services of it.
    pub(crate) services: Vec<Value>,
}

impl Seen {
    /// The Deployment of a package.
    pub(crate) fn deployment(&self, package: &str) -> Option<&Value> {
        self.deployments.iter().find(|deployment| self::package(deployment) == Some(package))
    }

    /// The releases that callers reach, with their shares; with whether all of these still have a Deployment.
    pub(crate) fn weights(&self) -> (Vec<Weight>, bool) {
        let Some(front) = &self.front else { return (vec![], true) };
        if front["kind"] == "HTTPRoute" {
            return self.of_route(front);
        }
        let Some(label) = front["spec"]["selector"][PACKAGE].as_str() else { return (self.of_pods(), true) };
        let selected = self.deployments.iter().find(|deployment| deployment["metadata"]["labels"][PACKAGE] == label);
        let weight = selected.and_then(package).map(|package| Weight { package: package.to_owned(), percent: 100 });
        let is_there = weight.is_some();
        (weight.into_iter().collect(), is_there)
    }

    fn of_route(&self, route: &Value) -> (Vec<Weight>, bool) {
        let backends = route["spec"]["rules"][0]["backendRefs"].as_array();
        let (mut weights, mut are_there) = (vec![], true);
        for backend in backends.into_iter().flatten() {
            let percent = backend["weight"].as_u64().and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1);
            let deployment = self.deployments.iter().find(|deployment| deployment["metadata"]["name"] == backend["name"]);
            match deployment.and_then(package) {
                Some(package) => weights.push(Weight { package: package.to_owned(), percent }),
                None => are_there &= percent == 0,
            }
        }
        (weights, are_there)
    }

    fn of_pods(&self) -> Vec<Weight> {
        let known: Vec<_> = self.deployments.iter().filter_map(|it| Some((package(it)?, rollout::replicas(it)))).collect();
        let shares = split::shares(&known.iter().map(|(_, count)| *count).collect::<Vec<_>>());
        known.iter().zip(shares).map(|((package, _), percent)| Weight { package: (*package).to_owned(), percent }).collect()
    }

    /// The Deployments that callers reach.
    pub(crate) fn serving(&self) -> impl Iterator<Item = &Value> {
        let weights = self.weights().0;
        let packages: Vec<_> = weights.into_iter().filter(|weight| weight.percent > 0).map(|weight| weight.package).collect();
        let is_reached =
            move |deployment: &&Value| package(deployment).is_some_and(|it| packages.iter().any(|known| known == it));
        self.deployments.iter().filter(is_reached)
    }

    /// How many pods callers reach.
    pub(crate) fn pods(&self) -> u32 {
        self.serving().map(rollout::replicas).sum()
    }
}

/// The package that a Deployment runs.
pub(crate) fn package(deployment: &Value) -> Option<&str> {
    deployment["metadata"]["annotations"][DIGEST].as_str()
}

/// An object's name.
pub(crate) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}
