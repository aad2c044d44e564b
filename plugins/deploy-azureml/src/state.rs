//! An endpoint and its deployments as Azure shows them, in the contract's terms.

use std::collections::BTreeMap;

use serde_json::Value;
use sprag_azure::{Mark, Progress};
use sprag_sdk::stage::deploy::{Phase, State, Weight};

use crate::body::Traffic;

/// The traffic of an endpoint, without those that get nothing.
pub(crate) fn traffic(endpoint: &Value) -> Traffic {
    let shares = endpoint.pointer("/properties/traffic").and_then(Value::as_object);
    let share = |(name, share): (&String, &Value)| {
        let percent = u32::try_from(share.as_u64()?).ok().filter(|percent| *percent > 0)?;
        Some((name.clone(), percent))
    };
    shares.into_iter().flatten().filter_map(share).collect()
}

/// The packages of deployments, by name.
pub(crate) fn packages(deployments: &[Value]) -> BTreeMap<String, String> {
    let of = |deployment: &Value| Some((deployment["name"].as_str()?.to_owned(), Mark::package(deployment)?));
    deployments.iter().filter_map(of).collect()
}

/// An endpoint's state.
pub(crate) fn of(endpoint: &Value, deployments: &[Value]) -> State {
    let (traffic, packages) = (traffic(endpoint), packages(deployments));
    let in_traffic =
        deployments.iter().filter(|deployment| deployment["name"].as_str().is_some_and(|name| traffic.contains_key(name)));
    let progress = in_traffic.map(Progress::of).chain([Progress::of(endpoint)]);
    let (mut phase, mut message) = (Phase::Ready, "the endpoint answers".to_owned());
    if traffic.is_empty() {
        let goes_on = deployments.iter().any(|deployment| matches!(Progress::of(deployment), Progress::Running(_)));
        phase = if goes_on { Phase::Progressing } else { Phase::Failed };
        "no deployment of the endpoint gets requests".clone_into(&mut message);
    }
    for progress in progress {
        match progress {
            Progress::Succeeded => {}
            Progress::Running(state) => {
                phase = Phase::Progressing;
                message = format!("the endpoint is in the state `{state}`");
            }
            Progress::Ended(state) => {
                phase = Phase::Failed;
                message = format!("the endpoint ended as `{state}`");
                break;
            }
        }
    }
    let address = endpoint.pointer("/properties/scoringUri").and_then(Value::as_str).and_then(root);
    let weight = |(name, percent): (&String, &u32)| Some(Weight { package: packages.get(name)?.clone(), percent: *percent });
    let releases = traffic.iter().filter_map(weight).collect();
    State { phase, message, endpoint: address.filter(|_| !traffic.is_empty()), releases }
}

/// An address without its path.
fn root(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next().filter(|host| !host.is_empty())?;
    Some(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn endpoint(state: &str, traffic: &Value) -> Value {
        json!({ "properties": { "provisioningState": state, "traffic": traffic, "scoringUri": "https://e.region.inference.ml.azure.com/score" } })
    }

    fn deployment(name: &str, state: &str) -> Value {
        json!({ "name": name, "tags": { "sprag-package": format!("sha256:{name}") }, "properties": { "provisioningState": state } })
    }

    #[test]
    fn an_endpoint_answers_with_what_gets_traffic() {
        let deployments = [deployment("a", "Succeeded"), deployment("b", "Succeeded"), deployment("c", "Failed")];
        let state = of(&endpoint("Succeeded", &json!({ "a": 90, "b": 10, "c": 0 })), &deployments);
        assert_eq!((state.phase, state.endpoint.as_deref()), (Phase::Ready, Some("https://e.region.inference.ml.azure.com")));
        let weight = |package: &str, percent| Weight { package: package.to_owned(), percent };
        assert_eq!(state.releases, [weight("sha256:a", 90), weight("sha256:b", 10)]);
    }

    #[test]
    fn what_does_not_answer_says_so() {
        let check = |endpoint: &Value, deployment: &Value, phase| {
            let state = of(endpoint, std::slice::from_ref(deployment));
            assert_eq!(state.phase, phase, "{}", state.message);
        };
        let (all, nothing) = (json!({ "a": 100 }), json!({}));
        check(&endpoint("Updating", &all), &deployment("a", "Succeeded"), Phase::Progressing);
        check(&endpoint("Succeeded", &all), &deployment("a", "Updating"), Phase::Progressing);
        check(&endpoint("Succeeded", &all), &deployment("a", "Failed"), Phase::Failed);
        check(&endpoint("Failed", &all), &deployment("a", "Succeeded"), Phase::Failed);
        check(&endpoint("Succeeded", &nothing), &deployment("a", "Succeeded"), Phase::Failed);
        check(&endpoint("Succeeded", &nothing), &deployment("a", "Creating"), Phase::Progressing);
    }
}
