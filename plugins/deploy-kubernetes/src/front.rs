//! What callers reach, the Service or the gateway's route, and the namespace that all is in.

use serde_json::Value;
use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::{Release, Weight};

use crate::adapter::Adapter;
use crate::api::Write;
use crate::error::KubeError;
use crate::kind::Kind;
use crate::objects::Desired;
use crate::params::Expose;
use crate::seen::Seen;

/// How often callers are led on while something else changes the same object: a load balancer that writes its address, say.
const ROUNDS: usize = 5;

/// Whether several releases get requests.
pub(crate) fn is_split(weights: &[Weight]) -> bool {
    weights.iter().filter(|weight| weight.percent > 0).count() > 1
}

impl Adapter<'_> {
    /// Makes the namespace where it is missing.
    pub(crate) fn ensure_namespace(&self) -> Result<(), Failure> {
        let namespace = &self.objects.namespace;
        match self.api.get(Kind::Namespace, namespace) {
            Ok(Some(found)) if found["status"]["phase"] == "Terminating" => {
                Err(Failure::Retry(format!("the namespace {namespace} is being removed")))
            }
            Ok(Some(_)) => Ok(()),
            Ok(None) if self.params.create_namespace => {
                Ok(self.api.apply(&self.objects.make_namespace(), Write::Done, None).map(|_| ())?)
            }
            Ok(None) => Err(Failure::bad_params(format!(
                "expected the namespace {namespace}, found none: make it, or set `create_namespace = true`"
            ))),
            // Who works within one namespace need not be allowed to look at it from outside. What follows shows whether it is there.
            Err(error) if error.status() == 403 => {
                self.api.exchange.host().log(&format!("may not look whether the namespace {namespace} is there"), &[]);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) const fn front_kind(&self) -> Kind {
        if self.params.gateway.is_some() { Kind::Route } else { Kind::Service }
    }

    /// What callers reach, with weights of which one is whole, or for a gateway with any.
    pub(crate) fn front(&self, weights: &[Weight]) -> Result<Desired, Failure> {
        if self.params.gateway.is_some() {
            let weights: Vec<_> = weights.iter().map(|weight| (weight.package.as_str(), weight.percent)).collect();
            return self.objects.route(&weights);
        }
        let whole = weights.iter().find(|weight| weight.percent > 0).map(|weight| weight.package.as_str());
        Ok(self.objects.front(whole))
    }

    /// What callers reach as it was seen. Where there is nothing yet it is made, leading to the release, so that two first releases at once meet at it.
    pub(crate) fn ensure_front(&self, seen: &Seen, release: &Release) -> Result<Value, Failure> {
        if let Some(front) = &seen.front {
            return Ok(front.clone());
        }
        let whole = Weight { package: release.package.clone(), percent: 100 };
        Ok(self.api.apply(&self.front(&[whole])?, Write::Done, None)?)
    }

    /// Leads callers on, in one step, if nobody has led them elsewhere since `before` was seen. Gives what they reach then.
    pub(crate) fn lead(&self, desired: &Desired, before: &Value) -> Result<Value, Failure> {
        let mut seen = before.clone();
        for _ in 0..ROUNDS {
            let version = seen["metadata"]["resourceVersion"].as_str().map(str::to_owned);
            match self.api.apply(desired, Write::Done, version.as_deref()) {
                Ok(applied) => return Ok(applied),
                Err(KubeError::Refused { status: 409, .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let Some(found) = self.api.get(desired.kind, &desired.name)? else { break };
            if aim(&found) != aim(before) && aim(&found) != aim(&desired.body) {
                break;
            }
            seen = found;
        }
        Err(Failure::Retry(format!(
            "{} {} was led elsewhere by somebody else while the release started: is another release at work?",
            desired.kind.name(),
            desired.name
        )))
    }

    /// Where a front answers, or why it does not yet.
    pub(crate) fn endpoint(&self, front: &Value) -> Result<String, String> {
        if let Some(gateway) = &self.params.gateway {
            return match refusal(front) {
                Some(refusal) => Err(refusal),
                None => Ok(self.params.url.clone().unwrap_or_else(|| format!("http://{}", gateway.host))),
            };
        }
        if let Some(url) = &self.params.url {
            return Ok(url.clone());
        }
        let port = self.params.service_port;
        let port = if port == 80 { String::new() } else { format!(":{port}") };
        if self.params.expose == Expose::Cluster {
            return Ok(format!("http://{}.{}.svc{port}", self.objects.name, self.objects.namespace));
        }
        let ingress = &front["status"]["loadBalancer"]["ingress"][0];
        let address = ingress["ip"].as_str().or_else(|| ingress["hostname"].as_str());
        let address = address.map(|address| if address.contains(':') { format!("[{address}]") } else { address.to_owned() });
        address
            .map(|address| format!("http://{address}{port}"))
            .ok_or_else(|| format!("Service {} waits for the address of its load balancer", self.objects.name))
    }
}

/// Where a Service or route leads.
fn aim(front: &Value) -> (&Value, Option<&Value>) {
    let backends = front["spec"].get("rules").map(|rules| &rules[0]["backendRefs"]);
    (&front["spec"]["selector"], backends)
}

/// Why no gateway takes a route; none where one does.
fn refusal(route: &Value) -> Option<String> {
    let parents = route["status"]["parents"].as_array().filter(|parents| !parents.is_empty());
    let Some(parents) = parents else { return Some("no gateway has looked at the route yet".to_owned()) };
    let conditions = parents.iter().flat_map(|parent| parent["conditions"].as_array().into_iter().flatten());
    let mut relevant = conditions.filter(|condition| condition["type"] == "Accepted" || condition["type"] == "ResolvedRefs");
    let generation = route["metadata"]["generation"].as_u64();
    let bad = relevant.find(|condition| {
        condition["status"] != "True" || condition["observedGeneration"].as_u64().is_some_and(|seen| Some(seen) < generation)
    })?;
    let text = |name: &str| bad[name].as_str().unwrap_or_default().to_owned();
    Some(format!("the gateway has not taken the route yet: {}: {}", text("reason"), text("message")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gateway_takes_a_route_when_it_says_so_of_the_newest() {
        let route = |conditions: Value| json!({ "metadata": { "generation": 2 }, "status": { "parents": [{ "conditions": conditions }] } });
        let accepted = |status: &str, seen: u64| json!([{ "type": "Accepted", "status": status, "reason": "NotAllowedByListeners", "message": "no", "observedGeneration": seen }]);
        assert_eq!(refusal(&route(accepted("True", 2))), None);
        assert!(refusal(&route(accepted("True", 1))).unwrap().starts_with("the gateway has not taken the route yet"));
        assert!(refusal(&route(accepted("False", 2))).unwrap().ends_with("NotAllowedByListeners: no"));
        assert_eq!(refusal(&json!({})).unwrap(), "no gateway has looked at the route yet");
    }
}
