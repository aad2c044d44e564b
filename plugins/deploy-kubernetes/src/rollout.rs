//! How far a Deployment is, as `kubectl rollout status` judges it, and what keeps its pods from starting.

use serde_json::Value;

/// After how many restarts a container is given up.
const MOST_RESTARTS: u64 = 3;

/// How far a Deployment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rollout {
    /// As many pods as it should have are available, and no others are left.
    Done,
    /// It goes on; what it waits for.
    Waiting(String),
    /// It will not get there by itself; why.
    Failed(String),
}

/// What keeps pods from starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) words: String,
    /// Whether it will stay so.
    pub(crate) is_final: bool,
}

/// How far a Deployment is.
pub(crate) fn of(deployment: &Value) -> Rollout {
    let status = |name: &str| deployment["status"][name].as_u64().unwrap_or(0);
    if status("observedGeneration") < deployment["metadata"]["generation"].as_u64().unwrap_or(0) {
        return Rollout::Waiting("the cluster has not looked at it yet".to_owned());
    }
    let wanted = replicas(deployment).into();
    if let Some(late) = condition(deployment, "Progressing", "False").filter(|late| late["reason"] == "ProgressDeadlineExceeded")
    {
        return Rollout::Failed(format!("it made no progress in time: {}", words(&late["message"])));
    }
    let (updated, available) = (status("updatedReplicas"), status("availableReplicas"));
    let refused = condition(deployment, "ReplicaFailure", "True").map(|refused| format!(": {}", words(&refused["message"])));
    let waiting = if updated < wanted {
        format!("{updated} of {wanted} pods are made{}", refused.unwrap_or_default())
    } else if status("replicas") > updated {
        format!("{} pods of before are still there", status("replicas") - updated)
    } else if available < updated {
        format!("{available} of {updated} pods are ready")
    } else {
        return Rollout::Done;
    };
    Rollout::Waiting(waiting)
}

/// How many pods a Deployment should have.
pub(crate) fn replicas(deployment: &Value) -> u32 {
    deployment["spec"]["replicas"].as_u64().and_then(|count| count.try_into().ok()).unwrap_or(1)
}

/// How many pods of a Deployment answer.
pub(crate) fn available(deployment: &Value) -> u64 {
    deployment["status"]["availableReplicas"].as_u64().unwrap_or(0)
}

/// How many pods a Deployment has beyond what it should have: it was told to have fewer.
pub(crate) fn surplus(deployment: &Value) -> u64 {
    deployment["status"]["replicas"].as_u64().unwrap_or(0).saturating_sub(replicas(deployment).into())
}

fn condition<'a>(object: &'a Value, kind: &str, status: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind && condition["status"] == status)
}

/// The first thing that keeps pods from starting, what stays first.
pub(crate) fn trouble(pods: &[Value]) -> Option<Trouble> {
    let mut found: Vec<_> = pods.iter().filter_map(trouble_of).collect();
    found.sort_by_key(|trouble| !trouble.is_final);
    found.into_iter().next()
}

fn trouble_of(pod: &Value) -> Option<Trouble> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let containers = pod["status"]["containerStatuses"].as_array();
    for container in containers.into_iter().flatten() {
        let waiting = &container["state"]["waiting"];
        let reason = waiting["reason"].as_str().unwrap_or_default();
        if matches!(reason, "" | "ContainerCreating" | "PodInitializing") {
            continue;
        }
        let restarts = container["restartCount"].as_u64().unwrap_or(0);
        let ended = &container["lastState"]["terminated"];
        let ended = ended["exitCode"].as_i64().map(|code| {
            format!(
                " (it ended {restarts} times, last with exit code {code}, {})",
                ended["reason"].as_str().unwrap_or("no reason given")
            )
        });
        let words = format!("pod {name}: {reason}: {}{}", words(&waiting["message"]), ended.unwrap_or_default());
        let is_final = reason == "InvalidImageName" || (reason == "CrashLoopBackOff" && restarts >= MOST_RESTARTS);
        return Some(Trouble { words, is_final });
    }
    let unscheduled = condition(pod, "PodScheduled", "False")?;
    Some(Trouble { words: format!("pod {name}: no node takes it: {}", words(&unscheduled["message"])), is_final: false })
}

/// The newest warnings that are told of the pods of a Deployment, at most two.
pub(crate) fn warnings(events: &[Value], deployment: &str) -> Option<String> {
    let is_about = |event: &&Value| {
        let about = &event["involvedObject"];
        let name = about["name"].as_str().unwrap_or_default();
        matches!(about["kind"].as_str(), Some("Pod" | "ReplicaSet"))
            && name.strip_prefix(deployment).is_some_and(|rest| rest.starts_with('-'))
    };
    let time = |event: &Value| {
        let time = event["lastTimestamp"].as_str().or_else(|| event["eventTime"].as_str());
        time.unwrap_or_default().to_owned()
    };
    let mut told: Vec<_> = events.iter().filter(is_about).collect();
    told.sort_by_key(|event| std::cmp::Reverse(time(event)));
    let mut lines: Vec<_> = told
        .iter()
        .map(|event| format!("{}: {}", event["reason"].as_str().unwrap_or_default(), words(&event["message"])))
        .collect();
    lines.dedup();
    lines.truncate(2);
    (!lines.is_empty()).then(|| lines.join("; "))
}

fn words(message: &Value) -> String {
    let text = message.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "no reason given".to_owned() } else { text.trim_end_matches('.').to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(change: impl FnOnce(&mut Value)) -> Value {
        let mut deployment = json!({
            "metadata": { "generation": 2 },
            "spec": { "replicas": 3 },
            "status": { "observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3,
                "conditions": [{ "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" }] },
        });
        change(&mut deployment);
        deployment
    }

    fn waits(change: impl FnOnce(&mut Value), words: &str) {
        assert_eq!(of(&deployment(change)), Rollout::Waiting(words.to_owned()));
    }

    #[test]
    fn a_rollout_is_done_when_nothing_is_left_to_wait_for() {
        assert_eq!(of(&deployment(|_| ())), Rollout::Done);
        waits(|it| it["metadata"]["generation"] = json!(3), "the cluster has not looked at it yet");
        waits(|it| it["status"] = json!({ "observedGeneration": 2 }), "0 of 3 pods are made");
        waits(|it| it["status"]["replicas"] = json!(4), "1 pods of before are still there");
        waits(|it| it["status"]["availableReplicas"] = json!(1), "1 of 3 pods are ready");
        let quota = json!([{ "type": "ReplicaFailure", "status": "True", "message": "exceeded quota: q." }]);
        let refused = |it: &mut Value| {
            it["status"]["updatedReplicas"] = json!(1);
            it["status"]["conditions"] = quota;
        };
        waits(refused, "1 of 3 pods are made: exceeded quota: q");
    }

    #[test]
    fn a_rollout_that_is_late_has_failed() {
        let late = json!([{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "has timed out" }]);
        let failed = of(&deployment(|it| it["status"]["conditions"] = late));
        assert_eq!(failed, Rollout::Failed("it made no progress in time: has timed out".to_owned()));
    }

    #[test]
    fn a_pod_says_what_keeps_it() {
        let pod = |status: Value| json!({ "metadata": { "name": "p" }, "status": status });
        let waiting = |reason: &str, restarts| {
            json!({ "containerStatuses": [{ "restartCount": restarts, "state": { "waiting": { "reason": reason, "message": "back-off" } },
                "lastState": { "terminated": { "exitCode": 1, "reason": "Error" } } }] })
        };
        assert_eq!(trouble(&[pod(waiting("ContainerCreating", 0))]), None);
        let crashing = trouble(&[pod(waiting("ErrImagePull", 0)), pod(waiting("CrashLoopBackOff", 3))]).unwrap();
        assert_eq!(crashing.words, "pod p: CrashLoopBackOff: back-off (it ended 3 times, last with exit code 1, Error)");
        assert!(crashing.is_final);
        assert!(!trouble(&[pod(waiting("CrashLoopBackOff", 1))]).unwrap().is_final);
        let unscheduled =
            json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "message": "0/1 nodes: Insufficient cpu." }] });
        assert_eq!(trouble(&[pod(unscheduled)]).unwrap().words, "pod p: no node takes it: 0/1 nodes: Insufficient cpu");
    }

    #[test]
    fn warnings_are_the_deployments_own_and_the_newest_first() {
        let event = |name: &str, time: &str, message: &str| json!({ "involvedObject": { "kind": "Pod", "name": name }, "reason": "FailedMount", "message": message, "lastTimestamp": time });
        let events = [event("d-1-x", "1", "old"), event("d-1-x", "2", "new"), event("d-12-x", "3", "other")];
        assert_eq!(warnings(&events, "d-1").unwrap(), "FailedMount: new; FailedMount: old");
        assert_eq!(warnings(&events, "e"), None);
    }
}
