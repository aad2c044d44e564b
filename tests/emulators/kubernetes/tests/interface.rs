//! The emulator's own interface, as far as no other test sees it: watches, pages, patches and refusals.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use emulator_kubernetes::{Cluster, Outcome, Request};
use serde_json::{Value, json};

fn send(cluster: &Cluster, method: &str, target: &str, media: &str, body: &Value) -> Outcome {
    let headers = [("content-type".to_owned(), media.to_owned()), ("user-agent".to_owned(), "test/1".to_owned())].into();
    let body = if body.is_null() { vec![] } else { body.to_string().into_bytes() };
    cluster.handle(&Request { method: method.to_owned(), target: target.to_owned(), headers, body })
}

#[track_caller]
fn answered(outcome: Outcome) -> (u16, Value) {
    match outcome {
        Outcome::Answer(answer) => (answer.status, answer.body),
        other => panic!("expected an answer, found {other:?}"),
    }
}

fn get(cluster: &Cluster, target: &str) -> (u16, Value) {
    answered(send(cluster, "GET", target, "", &Value::Null))
}

fn put_secret(cluster: &Cluster, name: &str, label: &str) -> Value {
    let metadata = json!({ "name": name, "namespace": "default", "labels": { "kind": label } });
    cluster.put(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata }))
}

const SECRETS: &str = "/api/v1/namespaces/default/secrets";

#[test]
fn a_list_comes_in_pages() {
    let cluster = Cluster::new();
    for name in ["a", "b", "c"] {
        put_secret(&cluster, name, "x");
    }
    put_secret(&cluster, "d", "y");
    let names =
        |page: &Value| page["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].clone()).collect::<Vec<_>>();
    let (status, first) = get(&cluster, &format!("{SECRETS}?labelSelector=kind%3Dx&limit=2"));
    assert_eq!((status, names(&first)), (200, vec![json!("a"), json!("b")]));
    assert_eq!(first["metadata"]["remainingItemCount"], 1);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (_, last) = get(&cluster, &format!("{SECRETS}?labelSelector=kind%3Dx&limit=2&continue={token}"));
    assert_eq!((names(&last), last["metadata"].get("continue")), (vec![json!("c")], None));
    assert_eq!(last["kind"], "SecretList");
}

#[test]
fn a_watch_goes_on_where_a_list_ended() {
    let cluster = Cluster::new();
    put_secret(&cluster, "a", "x");
    let version = get(&cluster, SECRETS).1["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let target = format!(
        "{SECRETS}?watch=true&allowWatchBookmarks=true&labelSelector=kind%3Dx&timeoutSeconds=7&resourceVersion={version}"
    );
    let Outcome::Watch(mut watch) = send(&cluster, "GET", &target, "", &Value::Null) else { panic!("expected a watch") };
    assert_eq!((watch.timeout, cluster.changes(&mut watch)), (Duration::from_secs(7), vec![]));
    put_secret(&cluster, "b", "x");
    put_secret(&cluster, "c", "y");
    cluster.edit("Secret", "default", "a", "me", |value| value["type"] = json!("Opaque"));
    cluster.remove("Secret", "default", "b");
    let told = cluster.changes(&mut watch);
    let told: Vec<_> =
        told.iter().map(|line| (line["type"].as_str().unwrap(), line["object"]["metadata"]["name"].as_str().unwrap())).collect();
    assert_eq!(told, [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]);
    let bookmark = cluster.bookmark(&watch).unwrap();
    assert_eq!((&bookmark["type"], &bookmark["object"]["kind"]), (&json!("BOOKMARK"), &json!("Secret")));
    // Without a version to begin at, what is there comes first.
    let Outcome::Watch(mut watch) = send(&cluster, "GET", &format!("{SECRETS}?watch=1"), "", &Value::Null) else {
        panic!("expected a watch")
    };
    assert_eq!(cluster.changes(&mut watch).len(), 2);
    // What is forgotten cannot be told.
    cluster.compact();
    let (status, refusal) = answered(send(&cluster, "GET", &target, "", &Value::Null));
    assert_eq!((status, &refusal["reason"]), (410, &json!("Expired")));
}

#[test]
fn patches_of_each_kind_change_what_they_say() {
    let cluster = Cluster::new();
    put_secret(&cluster, "a", "x");
    let target = format!("{SECRETS}/a?fieldManager=me");
    let patch = json!({ "metadata": { "labels": { "kind": null, "more": "1" } } });
    let (status, patched) = answered(send(&cluster, "PATCH", &target, "application/merge-patch+json", &patch));
    assert_eq!((status, &patched["metadata"]["labels"]), (200, &json!({ "more": "1" })));
    assert_eq!(patched["metadata"]["managedFields"][0]["manager"], "me");
    let patch = json!({ "$setElementOrder/x": [], "metadata": { "labels": { "more": "2" } } });
    let (_, patched) = answered(send(&cluster, "PATCH", &target, "application/strategic-merge-patch+json", &patch));
    assert_eq!((&patched["metadata"]["labels"], patched.get("$setElementOrder/x")), (&json!({ "more": "2" }), None));
    let (status, refusal) = answered(send(&cluster, "PATCH", &target, "application/json-patch+json", &json!([])));
    assert_eq!((status, &refusal["reason"]), (415, &json!("UnsupportedMediaType")));
}

#[test]
fn what_cannot_be_is_refused_as_a_status() {
    let cluster = Cluster::new();
    put_secret(&cluster, "a", "x");
    let apply = "application/apply-patch+yaml";
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "a" } });
    let with = |key: &str, value: &str| {
        let mut changed = secret.clone();
        changed["metadata"][key] = json!(value);
        changed
    };
    let deployment = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "d" }, "spec": {} });
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    let check = |method: &str, target: &str, media: &str, body: &Value, status: u16, reason: &str| {
        let (found, refusal) = answered(send(&cluster, method, target, media, body));
        assert_eq!(
            (found, refusal["reason"].as_str(), &refusal["kind"]),
            (status, Some(reason), &json!("Status")),
            "{method} {target}: {refusal}"
        );
    };
    check("GET", "/api/v1/namespaces/default/secrets/none", "", &Value::Null, 404, "NotFound");
    check("GET", "/apis/nothing/v1/things", "", &Value::Null, 404, "NotFound");
    check("PATCH", &format!("{SECRETS}/a"), apply, &secret, 422, "Invalid");
    check("PATCH", &format!("{SECRETS}/b?fieldManager=m"), apply, &secret, 400, "BadRequest");
    check("PATCH", &format!("{SECRETS}/a?fieldManager=m"), apply, &with("resourceVersion", "1"), 409, "Conflict");
    check("PATCH", "/api/v1/namespaces/none/secrets/a?fieldManager=m", apply, &secret, 404, "NotFound");
    check("POST", SECRETS, "application/json", &secret, 409, "AlreadyExists");
    check("POST", SECRETS, "application/json", &with("name", "Upper"), 422, "Invalid");
    check("PUT", SECRETS, "application/json", &secret, 405, "MethodNotAllowed");
    check(
        "DELETE",
        &format!("{SECRETS}/a"),
        "application/json",
        &json!({ "preconditions": { "uid": "other" } }),
        409,
        "Conflict",
    );
    check("PATCH", &format!("{deployments}/d?fieldManager=m"), apply, &deployment, 422, "Invalid");
    check("PATCH", &format!("{deployments}/d/scale?fieldManager=m"), "application/merge-patch+json", &json!({}), 404, "NotFound");
    check("GET", &format!("{deployments}/d/status"), "", &Value::Null, 404, "NotFound");
    check("PATCH", &format!("{SECRETS}/a?fieldManager=m&dryRun=Some"), apply, &secret, 400, "BadRequest");
}
