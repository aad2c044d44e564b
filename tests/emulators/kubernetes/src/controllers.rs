//! The controllers: Deployments get pods, pods get ready or do not, autoscalers keep within bounds, load balancers and gateways answer, and what belongs to
//! something that is gone goes too. They work when time passes, and so always after a write, as in a cluster.

use std::time::Duration;

use serde_json::{Value, json};

use crate::managed::Object;
use crate::resource::Resource;
use crate::rules::unsafe_pod;
use crate::state::{Fate, Key, State};

/// How long a pod takes to get ready, or to be in trouble.
const START: Duration = Duration::from_secs(2);

/// How long a load balancer takes to get an address.
const ADDRESS: Duration = Duration::from_secs(3);

/// How long a crashing container runs, with the wait before it is started again.
const CRASH: Duration = Duration::from_secs(5);

const MANAGER: &str = "kube-controller-manager";

fn resource(kind: &str) -> &'static Resource {
    Resource::of_kind(kind).expect("controllers name kinds that are served")
}

/// Lets all controllers look once.
pub(crate) fn reconcile(state: &mut State) {
    collect_garbage(state);
    for key in state.keys("Namespace") {
        finish_namespace(state, &key);
    }
    for key in state.keys("HorizontalPodAutoscaler") {
        autoscale(state, &key);
    }
    for key in state.keys("Deployment") {
        deploy(state, &key);
    }
    for key in state.keys("Pod") {
        run(state, &key);
    }
    for key in state.keys("Deployment") {
        tell(state, &key);
    }
    for key in state.keys("Service") {
        address(state, &key);
    }
    for key in state.keys("HTTPRoute") {
        route(state, &key);
    }
    crate::reach::remember(state);
}

/// Removes what belongs to an object that is gone.
fn collect_garbage(state: &mut State) {
    loop {
        let ids: Vec<Value> = state.objects.values().map(|object| object.value["metadata"]["uid"].clone()).collect();
        let is_orphan = |object: &Object| {
            let owners = object.value["metadata"]["ownerReferences"].as_array();
            owners.is_some_and(|owners| !owners.is_empty() && owners.iter().all(|owner| !ids.contains(&owner["uid"])))
        };
        let orphans: Vec<_> = state.objects.iter().filter(|(_, object)| is_orphan(object)).map(|(key, _)| key.clone()).collect();
        if orphans.is_empty() {
            return;
        }
        for key in orphans {
            state.remove(&key);
        }
    }
}

/// Removes a namespace that was asked to go, with all in it.
fn finish_namespace(state: &mut State, key: &Key) {
    if state.objects.get(key).is_none_or(|namespace| namespace.value["status"]["phase"] != "Terminating") {
        return;
    }
    let inside: Vec<_> = state.objects.keys().filter(|other| other.1 == key.2).cloned().collect();
    for other in inside {
        state.remove(&other);
    }
    state.remove(key);
}

/// Keeps a Deployment within its autoscaler's bounds.
fn autoscale(state: &mut State, key: &Key) {
    let Some(autoscaler) = state.objects.get(key) else { return };
    let spec = autoscaler.value["spec"].clone();
    let target = ("Deployment", key.1.clone(), spec["scaleTargetRef"]["name"].as_str().unwrap_or_default().to_owned());
    let Some(deployment) = state.objects.get(&target) else { return };
    let now = deployment.value["spec"]["replicas"].as_u64().unwrap_or(1);
    let wanted = now.clamp(spec["minReplicas"].as_u64().unwrap_or(1), spec["maxReplicas"].as_u64().unwrap_or(1).max(1));
    // A Deployment that was scaled to nothing is left alone, as an autoscaler does.
    if now != 0 && now != wanted {
        state.change(resource("Deployment"), &target, MANAGER, "scale", |value| value["spec"]["replicas"] = json!(wanted));
    }
    state.change(resource("HorizontalPodAutoscaler"), key, MANAGER, "status", |value| {
        value["status"] = json!({ "currentReplicas": now, "desiredReplicas": wanted });
    });
}

/// A short name of a template.
fn hash(template: &Value) -> String {
    // FNV-1a, 32 bits.
    let mut hash: u32 = 0x811c_9dc5;
    for byte in template.to_string().bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    format!("{hash:08x}")
}

/// Gives a Deployment the replica set of its template, and that its pods.
fn deploy(state: &mut State, key: &Key) {
    let Some(deployment) = state.objects.get(key).map(|object| object.value.clone()) else { return };
    let template = &deployment["spec"]["template"];
    let set = format!("{}-{}", key.2, hash(template));
    let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
    let set_key = ("ReplicaSet", key.1.clone(), set.clone());
    if !state.objects.contains_key(&set_key) {
        let owner = json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": key.2, "uid": deployment["metadata"]["uid"], "controller": true }]);
        let metadata =
            json!({ "name": set, "namespace": key.1, "labels": template["metadata"]["labels"], "ownerReferences": owner });
        let spec = json!({ "replicas": wanted, "template": template, "selector": deployment["spec"]["selector"] });
        let value = json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec });
        state.store(resource("ReplicaSet"), Object::new(value));
    }
    let is_of = |state: &State, other: &Key| {
        state
            .objects
            .get(other)
            .is_some_and(|object| object.value["metadata"]["ownerReferences"][0]["uid"] == deployment["metadata"]["uid"])
    };
    let sets: Vec<_> = state.keys("ReplicaSet").into_iter().filter(|other| is_of(state, other)).collect();
    let has_started = ready_pods(state, &set_key) >= wanted;
    for other in sets {
        let is_new = other == set_key;
        // Pods of before stay until the new ones are ready.
        if is_new || has_started {
            let count = if is_new { wanted } else { 0 };
            populate(state, &other, count);
        }
    }
}

fn pods_of(state: &State, set: &Key) -> Vec<Key> {
    let Some(id) = state.objects.get(set).map(|set| set.value["metadata"]["uid"].clone()) else { return vec![] };
    let is_own = |key: &Key| state.objects[key].value["metadata"]["ownerReferences"][0]["uid"] == id;
    state.keys("Pod").into_iter().filter(is_own).collect()
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn ready_pods(state: &State, set: &Key) -> u64 {
    pods_of(state, set).iter().filter(|key| is_ready(&state.objects[*key].value)).count() as u64
}

/// Makes or removes pods.
fn populate(state: &mut State, set: &Key, wanted: u64) {
    state.change(resource("ReplicaSet"), set, MANAGER, "", |value| value["spec"]["replicas"] = json!(wanted));
    let Some(owner) = state.objects.get(set).map(|set| set.value.clone()) else { return };
    let pods = pods_of(state, set);
    let count = pods.len() as u64;
    for key in pods.iter().skip(usize::try_from(wanted).unwrap_or(usize::MAX)) {
        state.remove(key);
    }
    if is_refused(state, &set.1, &owner).is_some() {
        return;
    }
    for _ in count..wanted {
        let name = format!("{}-{}", set.2, state.suffix());
        let reference = json!([{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set.2, "uid": owner["metadata"]["uid"], "controller": true }]);
        let labels = &owner["spec"]["template"]["metadata"]["labels"];
        let metadata = json!({ "name": name, "namespace": set.1, "labels": labels, "ownerReferences": reference });
        let value = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": owner["spec"]["template"]["spec"], "status": { "phase": "Pending" },
        });
        state.store(resource("Pod"), Object::new(value));
    }
}

/// Why the namespace takes no pod of a replica set.
fn is_refused(state: &State, namespace: &str, set: &Value) -> Option<String> {
    let namespace = state.get("Namespace", "", namespace)?;
    let is_restricted = namespace.value["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted";
    let why = is_restricted.then(|| unsafe_pod(&set["spec"]["template"]["spec"]))??;
    Some(format!("pods \"{}-\" is forbidden: {why}", set["metadata"]["name"].as_str().unwrap_or_default()))
}

/// Lets a pod come to its fate.
fn run(state: &mut State, key: &Key) {
    let Some(pod) = state.objects.get(key).map(|object| object.value.clone()) else { return };
    let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned();
    let born = pod["metadata"]["uid"].as_str().and_then(|id| state.born.get(id)).copied().unwrap_or_default();
    let age = state.now.saturating_sub(born);
    let fate =
        state.fates.iter().rev().find(|(part, _)| image.contains(part.as_str())).map_or(Fate::Ready, |(_, fate)| fate.clone());
    let missing = missing_secret(state, key, &pod);
    let waiting = |reason: &str, message: &str, restarts: u64| {
        let last = if restarts == 0 { json!({}) } else { json!({ "terminated": { "exitCode": 1, "reason": "Error" } }) };
        json!({ "phase": "Pending", "containerStatuses": [{ "name": "scorer", "image": image, "imageID": image, "ready": false, "restartCount": restarts,
            "state": { "waiting": { "reason": reason, "message": message } }, "lastState": last }] })
    };
    let running = |is_ready: bool| {
        let word = if is_ready { "True" } else { "False" };
        json!({ "phase": "Running", "conditions": [{ "type": "PodScheduled", "status": "True" }, { "type": "Ready", "status": word }],
            "containerStatuses": [{ "name": "scorer", "image": image, "imageID": image, "ready": is_ready, "restartCount": 0, "state": { "running": {} } }] })
    };
    let mut warning = None;
    let status = if fate == Fate::NoRoom {
        let message = "0/1 nodes are available: 1 Insufficient cpu.";
        json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message }] })
    } else if age < START {
        waiting("ContainerCreating", "", 0)
    } else if let Some(secret) = missing {
        warning = Some(("FailedMount", format!("MountVolume.SetUp failed for volume \"keys\" : secret \"{secret}\" not found")));
        waiting("ContainerCreating", "", 0)
    } else {
        match fate {
            Fate::Ready => running(true),
            Fate::Unready => {
                warning = Some(("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503".to_owned()));
                running(false)
            }
            Fate::NoImage => waiting("ImagePullBackOff", &format!("Back-off pulling image \"{image}\""), 0),
            Fate::Crash => {
                let restarts = age.as_secs() / CRASH.as_secs();
                waiting("CrashLoopBackOff", "back-off restarting failed container", restarts)
            }
            Fate::NoRoom => unreachable!("handled above"),
        }
    };
    state.change(resource("Pod"), key, "kubelet", "status", |value| value["status"] = status);
    if let Some((reason, message)) = warning {
        warn(state, key, reason, &message);
    }
}

fn missing_secret(state: &State, key: &Key, pod: &Value) -> Option<String> {
    let volumes = pod["spec"]["volumes"].as_array();
    let names = volumes.into_iter().flatten().filter_map(|volume| volume["secret"]["secretName"].as_str());
    names.into_iter().find(|name| state.get("Secret", &key.1, name).is_none()).map(str::to_owned)
}

/// Tells of something once.
fn warn(state: &mut State, about: &Key, reason: &str, message: &str) {
    let name = format!("{}.{}", about.2, reason.to_lowercase());
    if state.get("Event", &about.1, &name).is_some() {
        return;
    }
    let value = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": { "name": name, "namespace": about.1 }, "type": "Warning", "reason": reason,
        "message": message, "involvedObject": { "kind": about.0, "namespace": about.1, "name": about.2 }, "lastTimestamp": state.time(), "count": 1,
    });
    state.store(resource("Event"), Object::new(value));
}

/// Writes a Deployment's status.
fn tell(state: &mut State, key: &Key) {
    let Some(deployment) = state.objects.get(key).map(|object| object.value.clone()) else { return };
    let id = deployment["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let current = ("ReplicaSet", key.1.clone(), format!("{}-{}", key.2, hash(&deployment["spec"]["template"])));
    let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
    let updated = pods_of(state, &current).len() as u64;
    let available = ready_pods(state, &current);
    let of_before: usize = state
        .keys("ReplicaSet")
        .iter()
        .filter(|other| **other != current && state.objects[*other].value["metadata"]["ownerReferences"][0]["uid"] == id.as_str())
        .map(|other| pods_of(state, other).len())
        .sum();
    let seen = (deployment["metadata"]["generation"].as_u64().unwrap_or(0) * 1000 + updated, available);
    let since = match state.progress.get(&id) {
        Some((since, known)) if *known == seen => *since,
        _ => {
            state.progress.insert(id, (state.now, seen));
            state.now
        }
    };
    let deadline = deployment["spec"]["progressDeadlineSeconds"].as_u64().unwrap_or(600);
    let is_done = available >= wanted && of_before == 0;
    let is_late = !is_done && state.now.saturating_sub(since) > Duration::from_secs(deadline);
    let progressing = if is_done {
        json!({ "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" })
    } else if is_late {
        let message = format!("ReplicaSet \"{}\" has timed out progressing.", current.2);
        json!({ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": message })
    } else {
        json!({ "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated" })
    };
    let word = if available >= wanted { "True" } else { "False" };
    let mut conditions = vec![progressing, json!({ "type": "Available", "status": word })];
    let refused = state.objects.get(&current).and_then(|set| is_refused(state, &key.1, &set.value));
    conditions.extend(
        refused
            .map(|message| json!({ "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message })),
    );
    let status = json!({
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": updated + of_before as u64,
        "updatedReplicas": updated,
        "readyReplicas": available,
        "availableReplicas": available,
        "unavailableReplicas": wanted.saturating_sub(available),
        "conditions": conditions,
    });
    state.change(resource("Deployment"), key, MANAGER, "status", |value| value["status"] = status);
}

/// Gives a Service its addresses.
fn address(state: &mut State, key: &Key) {
    let Some(service) = state.objects.get(key).map(|object| object.value.clone()) else { return };
    let born = service["metadata"]["uid"].as_str().and_then(|id| state.born.get(id)).copied().unwrap_or_default();
    if service["spec"]["type"] == "LoadBalancer" && state.now.saturating_sub(born) >= ADDRESS {
        state.change(resource("Service"), key, "cloud-controller-manager", "status", |value| {
            value["status"] = json!({ "loadBalancer": { "ingress": [{ "ip": "192.0.2.10" }] } });
        });
    }
}

/// Lets the gateways look at a route.
fn route(state: &mut State, key: &Key) {
    let Some(route) = state.objects.get(key).map(|object| object.value.clone()) else { return };
    let parents = route["spec"]["parentRefs"].as_array();
    let known =
        parents.into_iter().flatten().filter(|parent| state.gateways.contains(parent["name"].as_str().unwrap_or_default()));
    let names: Vec<_> =
        route["spec"]["rules"][0]["backendRefs"].as_array().into_iter().flatten().map(|it| it["name"].clone()).collect();
    let missing = names.iter().filter_map(Value::as_str).find(|name| state.get("Service", &key.1, name).is_none());
    let resolved = match missing {
        None => json!({ "type": "ResolvedRefs", "status": "True", "reason": "ResolvedRefs" }),
        Some(name) => {
            json!({ "type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound", "message": format!("service {name} not found") })
        }
    };
    let generation = &route["metadata"]["generation"];
    let conditions = |parent: &Value| {
        let mut conditions = vec![json!({ "type": "Accepted", "status": "True", "reason": "Accepted" }), resolved.clone()];
        conditions.iter_mut().for_each(|condition| condition["observedGeneration"] = generation.clone());
        json!({ "parentRef": parent, "controllerName": "example.com/gateway", "conditions": conditions })
    };
    let told: Vec<_> = known.map(conditions).collect();
    if !told.is_empty() {
        state.change(resource("HTTPRoute"), key, "gateway", "status", |value| value["status"] = json!({ "parents": told }));
    }
}

/// The names of the ready pods that a Service selects.
pub(crate) fn endpoints(state: &State, namespace: &str, service: &str) -> Vec<String> {
    let Some(service) = state.get("Service", namespace, service) else { return vec![] };
    let Some(selector) = service.value["spec"]["selector"].as_object() else { return vec![] };
    let is_selected = |pod: &Value| {
        pod["metadata"]["namespace"] == namespace
            && is_ready(pod)
            && selector.iter().all(|(key, value)| pod["metadata"]["labels"].get(key) == Some(value))
    };
    let pods = state.objects.iter().filter(|(key, object)| key.0 == "Pod" && is_selected(&object.value));
    pods.map(|(key, _)| key.2.clone()).collect()
}
