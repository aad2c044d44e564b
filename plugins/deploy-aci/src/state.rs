//! A group as Azure shows it, in the contract's terms.

use serde_json::Value;
use sprag_azure::{Mark, Progress};
use sprag_sdk::stage::deploy::{Phase, State, Weight};

/// After how many restarts a container is given up.
const MOST_RESTARTS: u64 = 3;

/// A group's state.
pub(crate) fn of(group: &Value) -> State {
    let container = group.pointer("/properties/containers/0/properties");
    let port = container.and_then(|container| container.pointer("/ports/0/port")).and_then(Value::as_u64).unwrap_or(80);
    let (phase, message) = phase(group, container.unwrap_or(&Value::Null));
    let address = ["/properties/ipAddress/fqdn", "/properties/ipAddress/ip"].into_iter().find_map(|place| text(group, place));
    let endpoint = address.filter(|_| phase == Phase::Ready).map(|address| format!("http://{address}:{port}"));
    let runs = if phase == Phase::Ready { 100 } else { 0 };
    let releases = Mark::package(group).map(|package| Weight { package, percent: runs });
    State { phase, message, endpoint, releases: releases.into_iter().collect() }
}

fn phase(group: &Value, container: &Value) -> (Phase, String) {
    match Progress::of(group) {
        Progress::Running(state) => return (Phase::Progressing, format!("the container group is in the state `{state}`")),
        Progress::Ended(state) => {
            return (Phase::Failed, format!("the container group ended as `{state}`: {}", events(group, container)));
        }
        Progress::Succeeded => {}
    }
    let state = text(container, "/instanceView/currentState/state").unwrap_or("unknown");
    let restarts = container.pointer("/instanceView/restartCount").and_then(Value::as_u64).unwrap_or(0);
    match state {
        "Running" => (Phase::Ready, "the container runs".to_owned()),
        "Terminated" | "Waiting" if restarts >= MOST_RESTARTS => {
            (Phase::Failed, format!("the container ended {restarts} times: {}", events(group, container)))
        }
        "Terminated" if text(group, "/properties/restartPolicy") == Some("Never") => {
            (Phase::Failed, format!("the container ended: {}", events(group, container)))
        }
        _ => (Phase::Progressing, format!("the container is in the state `{state}`: {}", events(group, container))),
    }
}

/// What is told of a group and its container, the newest last.
fn events(group: &Value, container: &Value) -> String {
    let mut told = vec![];
    if let Some(detail) = text(container, "/instanceView/currentState/detailStatus") {
        let code = container.pointer("/instanceView/currentState/exitCode").and_then(Value::as_i64);
        told.push(code.map_or_else(|| detail.to_owned(), |code| format!("{detail} (exit code {code})")));
    }
    for events in [group.pointer("/properties/instanceView/events"), container.pointer("/instanceView/events")] {
        let events = events.and_then(Value::as_array).into_iter().flatten();
        told.extend(events.filter_map(|event| Some(text(event, "/message")?.trim_end_matches('.').to_owned())));
    }
    told.dedup();
    if told.is_empty() { "Azure gives no reason".to_owned() } else { told.join("; ") }
}

fn text<'a>(value: &'a Value, place: &str) -> Option<&'a str> {
    value.pointer(place).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn group(state: &str, container: &str, restarts: u64) -> Value {
        json!({
            "tags": { "sprag-package": "sha256:p" },
            "properties": {
                "provisioningState": state,
                "ipAddress": { "fqdn": "m.region.azurecontainer.io", "ip": "1.2.3.4" },
                "instanceView": { "events": [{ "message": "Failed to pull image." }] },
                "containers": [{ "name": "scorer", "properties": {
                    "ports": [{ "port": 8080 }],
                    "instanceView": { "restartCount": restarts, "currentState": { "state": container, "detailStatus": "CrashLoopBackOff", "exitCode": 1 } },
                } }],
            },
        })
    }

    #[test]
    fn a_group_is_ready_when_its_container_runs() {
        let state = of(&group("Succeeded", "Running", 0));
        assert_eq!((state.phase, state.endpoint.as_deref()), (Phase::Ready, Some("http://m.region.azurecontainer.io:8080")));
        assert_eq!(state.releases, [Weight { package: "sha256:p".to_owned(), percent: 100 }]);
    }

    #[test]
    fn what_is_not_ready_says_why() {
        let check = |state: &str, container: &str, restarts, phase, words: &str| {
            let state = of(&group(state, container, restarts));
            assert_eq!((state.phase, state.endpoint), (phase, None));
            assert!(state.message.contains(words), "{}", state.message);
        };
        check("Creating", "Running", 0, Phase::Progressing, "`Creating`");
        check("Failed", "Waiting", 0, Phase::Failed, "Failed to pull image");
        check("Succeeded", "Waiting", 1, Phase::Progressing, "`Waiting`");
        check("Succeeded", "Waiting", 3, Phase::Failed, "CrashLoopBackOff (exit code 1)");
    }
}
