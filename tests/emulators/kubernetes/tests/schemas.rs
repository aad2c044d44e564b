//! The objects of the adapter, and those that the emulator answers with, against the published schemas of several versions of Kubernetes
//! (`kubernetes-validate`, which has them with it).

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "how a test says what it could not do here")]

use std::io::Write;
use std::process::{Command, Stdio};

use deploy_kubernetes::{Params, as_list, manifests};
use emulator_kubernetes::{Cluster, Fate, Outcome, Request};
use serde_json::{Value, json};
use sprag_sdk::stage::deploy::{Release, Service};

/// The oldest and newest versions that are looked at, and some between.
const VERSIONS: [&str; 4] = ["1.27", "1.30", "1.33", "1.36"];

fn is_here() -> bool {
    let found = Command::new("kubernetes-validate").arg("--version").stdin(Stdio::null()).output();
    if found.is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "expected `kubernetes-validate` to work: .ci/run installs it");
    eprintln!("not tested here: `kubernetes-validate` does not work");
    false
}

fn service() -> Service {
    Service { environment: "staging".to_owned(), model: "diabetes".to_owned(), key: Some("scoring-key".to_owned()) }
}

fn release() -> Release {
    let digest = format!("sha256:{}", "a".repeat(64));
    let image = Some(format!("registry.example.com/diabetes@{digest}"));
    Release { version: 1, model_digest: digest.clone(), package: digest, image }
}

/// The least and the most that the parameters ask for.
fn params() -> [Value; 2] {
    let key = json!({ "name": "keys", "key": "bearer" });
    [
        json!({ "key_secret": key }),
        json!({
            "namespace": "models", "name": "scorer", "autoscale": { "min": 2, "max": 10, "cpu_percent": 50 }, "cpu": "1", "memory": "1Gi",
            "cpu_request": "250m", "memory_request": "512Mi", "port": 9000, "service_port": 8080, "expose": "load-balancer",
            "service_annotations": { "service.beta.kubernetes.io/azure-load-balancer-internal": "true" }, "key_secret": key,
            "pull_secrets": ["registry"], "service_account": "scorer", "node_selector": { "kubernetes.io/arch": "amd64" },
            "environment": { "RUST_LOG": "info" }, "pod_annotations": { "prometheus.io/scrape": "true" }, "grace_seconds": 90,
        }),
    ]
}

/// Holds objects against the schemas: none may have a field that they do not know.
fn check(objects: &[Value]) {
    let lines: Vec<_> = objects.iter().map(|object| format!("---\n{object}\n")).collect();
    for version in VERSIONS {
        let mut command = Command::new("kubernetes-validate");
        command
            .args(["--strict", "-k", version, "/dev/stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.concat().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{version}: {told}\n{}", lines.concat());
        assert_eq!(told.matches("passed").count(), objects.len(), "{version}: {told}");
    }
}

#[test]
fn what_is_applied_is_what_kubernetes_knows() {
    if !is_here() {
        return;
    }
    for params in params() {
        let params: Params = serde_json::from_value(params).unwrap();
        let objects = manifests(&params, &service(), &release()).unwrap();
        let kinds: Vec<_> = objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["Namespace", "Deployment", "HorizontalPodAutoscaler", "Service"]);
        check(&objects);
    }
}

#[test]
fn a_wrong_field_is_found() {
    if !is_here() {
        return;
    }
    let params: Params = serde_json::from_value(params()[0].clone()).unwrap();
    let mut objects = manifests(&params, &service(), &release()).unwrap();
    objects[1]["spec"]["replica"] = json!(1);
    let check = std::panic::catch_unwind(|| check(&objects));
    assert!(check.is_err(), "the schemas would let anything through");
}

#[test]
fn what_the_emulator_answers_is_what_kubernetes_answers() {
    if !is_here() {
        return;
    }
    let answered: Vec<_> = [Fate::Ready, Fate::Crash, Fate::NoRoom].into_iter().flat_map(after).collect();
    check(&answered);
}

/// All objects some time after a service was applied whose pods have a fate.
fn after(fate: Fate) -> Vec<Value> {
    let cluster = Cluster::new();
    cluster.set_fate("", fate);
    cluster.put(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "staging" } }));
    cluster.put(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys", "namespace": "staging" } }));
    let params: Params = serde_json::from_value(params()[0].clone()).unwrap();
    for object in manifests(&params, &service(), &release()).unwrap() {
        let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        let place = match kind {
            "Namespace" => "/api/v1/namespaces",
            "Deployment" => "/apis/apps/v1/namespaces/staging/deployments",
            "Service" => "/api/v1/namespaces/staging/services",
            _ => "/apis/autoscaling/v2/namespaces/staging/horizontalpodautoscalers",
        };
        let target = format!("{place}/{name}?fieldManager=test");
        let headers = [("content-type".to_owned(), "application/apply-patch+yaml".to_owned())].into();
        let request = Request { method: "PATCH".to_owned(), target, headers, body: object.to_string().into_bytes() };
        let Outcome::Answer(answer) = cluster.handle(&request) else { panic!("expected an answer") };
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
    }
    cluster.advance(std::time::Duration::from_secs(20));
    let kinds = ["Namespace", "Deployment", "ReplicaSet", "Pod", "Service"];
    let all = kinds.into_iter().flat_map(|kind| {
        let namespace = if kind == "Namespace" { "" } else { "staging" };
        let names = cluster.names(kind, namespace);
        assert!(!names.is_empty(), "{kind}");
        names.into_iter().map(|name| cluster.get(kind, namespace, &name).unwrap()).collect::<Vec<_>>()
    });
    all.collect()
}

#[test]
fn the_objects_fit_into_one_file() {
    let params: Params = serde_json::from_value(params()[0].clone()).unwrap();
    let list: Value = serde_json::from_str(&as_list(&manifests(&params, &service(), &release()).unwrap())).unwrap();
    assert_eq!((&list["kind"], list["items"].as_array().unwrap().len()), (&json!("List"), 4));
}
