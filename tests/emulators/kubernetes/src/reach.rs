//! What callers meet. The nodes and gateways that lead them learn of a change after the API server has it, and a pod that was told to stop ends after the time of
//! notice that its arguments give it: whoever is led to one that has ended gets no answer.

use std::time::Duration;

use serde_json::Value;

use crate::controllers::{endpoints, is_ready};
use crate::state::{Key, State};

/// How much later than the API server nodes and gateways know of a change, where nothing else is set.
pub(crate) const LAG: Duration = Duration::from_secs(5);

/// For how long a pod goes on answering once it is told to stop: what `--notice` says.
pub(crate) fn notice(pod: &Value) -> Duration {
    let arguments = pod["spec"]["containers"][0]["args"].as_array();
    let arguments: Vec<_> = arguments.into_iter().flatten().filter_map(Value::as_str).collect();
    let notice = arguments.windows(2).find(|pair| pair[0] == "--notice").and_then(|pair| pair[1].strip_suffix('s')?.parse().ok());
    Duration::from_secs(notice.unwrap_or(0))
}

/// Remembers where Services and routes lead now.
pub(crate) fn remember(state: &mut State) {
    for key in state.keys("Service").into_iter().chain(state.keys("HTTPRoute")) {
        let leads = leads(state, &key);
        let now = state.now;
        let history = state.led.entry(key).or_default();
        if history.back().is_none_or(|(_, last)| *last != leads) {
            history.push_back((now, leads));
        }
    }
}

/// The pods that a Service or route leads to, by what the API server knows.
fn leads(state: &State, key: &Key) -> Vec<String> {
    if key.0 == "Service" {
        return endpoints(state, &key.1, &key.2);
    }
    let Some(route) = state.objects.get(key) else { return vec![] };
    let backends = route.value["spec"]["rules"][0]["backendRefs"].as_array();
    let used = backends.into_iter().flatten().filter(|backend| backend["weight"].as_u64() != Some(0));
    used.flat_map(|backend| endpoints(state, &key.1, backend["name"].as_str().unwrap_or_default())).collect()
}

/// The pods that callers are led to and that answer no longer.
pub(crate) fn refused(state: &State, namespace: &str, name: &str) -> Vec<String> {
    let Some(known) = state.now.checked_sub(state.lag) else { return vec![] };
    let answers = |pod: &String| {
        let is_there = state.get("Pod", namespace, pod).is_some_and(|pod| is_ready(&pod.value));
        is_there || state.leaving.get(&(namespace.to_owned(), pod.clone())).is_some_and(|end| state.now <= *end)
    };
    let histories = state.led.iter().filter(|(key, _)| key.1 == namespace && key.2 == name && state.objects.contains_key(*key));
    let led = histories.filter_map(|(_, history)| history.iter().rev().find(|(since, _)| *since <= known));
    led.flat_map(|(_, pods)| pods.iter().filter(|pod| !answers(pod)).cloned()).collect()
}
