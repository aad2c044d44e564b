//! Plan, apply, status, rollback and destroy, as they should go.

use emulator_kubernetes::{Cluster, Fate};
use serde_json::json;
use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::Phase;

use crate::support::{Caller, NAME, NAMESPACE, lines, name_of, reached, release, shares};

#[test]
fn what_is_planned_is_what_happens() {
    let cluster = Cluster::new();
    let (caller, first) = (Caller::new(&cluster, &json!({})), release(1, 'a'));
    let (deployment, package) = (name_of(&first), &first.package);
    let planned = caller.plan(&first).unwrap();
    assert_eq!(
        lines(&planned),
        [
            format!("Create Namespace {NAMESPACE}"),
            format!("Create Deployment {deployment}"),
            format!("Create HorizontalPodAutoscaler {deployment}"),
            format!("Create Service {NAME}"),
        ]
    );
    assert_eq!(planned[2].detail, "keeps 1 to 3 pods at 70 % cpu");
    assert_eq!(planned[3].detail, format!("leads to the package {package}"));
    assert!(cluster.names("Deployment", NAMESPACE).is_empty(), "a plan changes nothing");
    let state = caller.apply(&first).unwrap();
    assert_eq!((state.phase, shares(&state)), (Phase::Ready, vec![('a', 100)]), "{state:?}");
    assert_eq!(state.endpoint.as_deref(), Some("http://diabetes-staging.staging.svc"));
    assert_eq!(reached(&cluster, &[&first]), [1]);
    assert_eq!(caller.status().unwrap(), state);
    let again = lines(&caller.plan(&first).unwrap());
    assert!(again.iter().all(|line| line.starts_with("Keep")), "{again:?}");
    // Nothing is written that is so already.
    let version = cluster.get("Deployment", NAMESPACE, &deployment).unwrap()["metadata"]["resourceVersion"].clone();
    assert_eq!(caller.apply(&first).unwrap(), state);
    assert_eq!(cluster.get("Deployment", NAMESPACE, &deployment).unwrap()["metadata"]["resourceVersion"], version);
}

#[test]
fn a_pod_has_no_more_rights_than_it_needs() {
    let cluster = Cluster::new();
    let caller = Caller::new(&cluster, &json!({ "key_secret": { "name": "keys" }, "environment": { "RUST_LOG": "info" } }));
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys", "namespace": NAMESPACE } });
    cluster.put(secret);
    let first = release(1, 'a');
    // The namespace that is made lets no other pods in: `restricted` is enforced there.
    assert_eq!(caller.apply(&first).unwrap().phase, Phase::Ready);
    let deployment = cluster.get("Deployment", NAMESPACE, &name_of(&first)).unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["image"], first.image.clone().unwrap());
    assert_eq!(container["resources"]["limits"], json!({ "cpu": "500m", "memory": "2Gi" }));
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["args"], json!(["--notice", "10s", "--drain", "60s", "--key-file", "/etc/sprag/keys/key"]));
    assert_eq!(pod["terminationGracePeriodSeconds"], 75, "it ends by itself before it is ended");
    assert_eq!(pod["volumes"][0]["secret"]["secretName"], "keys");
    assert_eq!(container["env"], json!([{ "name": "RUST_LOG", "value": "info" }]));
    assert_eq!((&pod["automountServiceAccountToken"], &pod["securityContext"]["runAsNonRoot"]), (&json!(false), &json!(true)));
    let autoscaler = cluster.get("HorizontalPodAutoscaler", NAMESPACE, &name_of(&first)).unwrap();
    assert_eq!((&autoscaler["spec"]["minReplicas"], &autoscaler["spec"]["maxReplicas"]), (&json!(1), &json!(3)));
    let requests = cluster.requests();
    assert!(!requests.iter().any(|request| request.contains("/secrets")), "{requests:?}");
}

#[test]
fn a_new_release_takes_over_once_it_is_ready() {
    let cluster = Cluster::new();
    let (caller, first, second) = (Caller::new(&cluster, &json!({})), release(1, 'a'), release(2, 'b'));
    caller.apply(&first).unwrap();
    // The first has grown under load.
    cluster
        .edit("Deployment", NAMESPACE, &name_of(&first), "kube-controller-manager", |value| value["spec"]["replicas"] = json!(3));
    cluster.advance(std::time::Duration::from_secs(10));
    let planned = caller.plan(&second).unwrap();
    let (old, new) = (name_of(&first), name_of(&second));
    assert_eq!(
        lines(&planned),
        [
            format!("Create Deployment {new}"),
            format!("Create HorizontalPodAutoscaler {new}"),
            format!("Update Service {NAME}"),
            format!("Delete HorizontalPodAutoscaler {old}"),
            format!("Delete Deployment {old}"),
        ]
    );
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    assert_eq!(planned[2].detail, format!("spec.selector.sprag/package: `{a}` -> `{b}`"));
    let seen = std::rc::Rc::new(std::cell::RefCell::new(vec![]));
    let (told, one, two) = (seen.clone(), first.clone(), second.clone());
    *caller.at_pause.borrow_mut() = Some(Box::new(move |cluster| told.borrow_mut().extend(reached(cluster, &[&one, &two]))));
    let state = caller.apply(&second).unwrap();
    assert_eq!((state.phase, shares(&state)), (Phase::Ready, vec![('b', 100)]));
    assert_eq!(*seen.borrow(), [3, 0], "while the second starts the first has all requests");
    assert_eq!(reached(&cluster, &[&first, &second]), [0, 3], "the second begins with as many pods as the first had");
    assert_eq!(cluster.names("Deployment", NAMESPACE), [new]);
    // And back, as it was.
    let state = caller.apply(&first).unwrap();
    assert_eq!((shares(&state), reached(&cluster, &[&first, &second])), (vec![('a', 100)], vec![3, 0]));
}

#[test]
fn a_release_that_does_not_get_ready_is_never_reached() {
    for (fate, words) in [
        (Fate::Crash, "CrashLoopBackOff: back-off restarting failed container (it ended 3 times, last with exit code 1, Error)"),
        (Fate::NoImage, "ImagePullBackOff: Back-off pulling image"),
        (Fate::NoRoom, "no node takes it: 0/1 nodes are available: 1 Insufficient cpu"),
        (Fate::Unready, "Unhealthy: Readiness probe failed"),
    ] {
        let cluster = Cluster::new();
        let (caller, first, second) =
            (Caller::new(&cluster, &json!({ "timeout_seconds": 60 })), release(1, 'a'), release(2, 'b'));
        let before = caller.apply(&first).unwrap();
        cluster.set_fate("bbbb", fate.clone());
        let state = caller.apply(&second).unwrap();
        assert_eq!((state.phase, shares(&state)), (Phase::Failed, vec![('a', 100)]), "{state:?}");
        assert!(state.message.contains(words), "{fate:?}: {}", state.message);
        assert_eq!(state.endpoint, before.endpoint);
        assert_eq!(reached(&cluster, &[&first, &second]), [1, 0]);
        assert!(caller.waited().as_secs() <= 125, "{:?}", caller.waited());
        assert_eq!(caller.status().unwrap(), before, "the service as it was");
        // What failed goes with the next release.
        caller.apply(&first).unwrap();
        assert_eq!(cluster.names("Deployment", NAMESPACE), [name_of(&first)]);
    }
}

#[test]
fn a_missing_key_says_which_secret() {
    let cluster = Cluster::new();
    let caller = Caller::new(&cluster, &json!({ "timeout_seconds": 30, "key_secret": { "name": "keys" } }));
    let state = caller.apply(&release(1, 'a')).unwrap();
    assert_eq!(state.phase, Phase::Failed);
    assert!(
        state.message.contains("FailedMount: MountVolume.SetUp failed for volume \"keys\" : secret \"keys\" not found"),
        "{state:?}"
    );
}

#[test]
fn a_load_balancer_s_address_is_waited_for() {
    let cluster = Cluster::new();
    let annotation = "service.beta.kubernetes.io/azure-load-balancer-internal";
    let caller = Caller::new(
        &cluster,
        &json!({ "expose": "load-balancer", "service_annotations": { annotation: "true" }, "service_port": 8080 }),
    );
    let state = caller.apply(&release(1, 'a')).unwrap();
    assert_eq!(state.endpoint.as_deref(), Some("http://192.0.2.10:8080"));
    let service = cluster.get("Service", NAMESPACE, NAME).unwrap();
    assert_eq!(service["metadata"]["annotations"][annotation], "true");
    // The address that was written meanwhile is nobody's other release.
    assert_eq!(shares(&caller.apply(&release(2, 'b')).unwrap()), [('b', 100)]);
}

#[test]
fn what_may_surprise_is_warned_of() {
    let cluster = Cluster::new();
    cluster.put(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys", "namespace": NAMESPACE } }));
    let caller = Caller::new(&cluster, &json!({ "expose": "load-balancer", "key_secret": { "name": "keys" } }));
    assert_eq!(caller.apply(&release(1, 'a')).unwrap().phase, Phase::Ready);
    let words = "a Service with a load balancer speaks plain HTTP: the bearer key crosses the network in clear";
    assert_eq!(*caller.warnings.borrow(), [words]);
}

#[test]
fn what_is_not_ours_is_not_touched() {
    let cluster = Cluster::new();
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    cluster.put(namespace);
    let foreign = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": NAME, "namespace": NAMESPACE }, "spec": { "ports": [{ "port": 80 }] } });
    let before = cluster.put(foreign);
    let (caller, first) = (Caller::new(&cluster, &json!({})), release(1, 'a'));
    let refused = |result: Result<(), Failure>| {
        let failure = result.unwrap_err();
        assert!(matches!(failure, Failure::BadParams(_)), "{failure:?}");
        let words = "expected Service diabetes-staging in the namespace staging to be of the model `diabetes` in the environment `staging`, found something that sprag did not make";
        assert!(failure.message().starts_with(words), "{failure:?}");
    };
    refused(caller.plan(&first).map(|_| ()));
    refused(caller.apply(&first).map(|_| ()));
    refused(caller.status().map(|_| ()));
    assert_eq!(lines(&caller.destroy().unwrap()), [format!("Keep Service {NAME}")]);
    assert_eq!(cluster.get("Service", NAMESPACE, NAME).unwrap(), before);
    assert!(cluster.names("Deployment", NAMESPACE).is_empty());
}

#[test]
fn two_services_live_side_by_side() {
    let cluster = Cluster::new();
    let (one, two) = (Caller::new(&cluster, &json!({})), Caller::new(&cluster, &json!({ "name": "other" })));
    one.apply(&release(1, 'a')).unwrap();
    two.apply(&release(1, 'a')).unwrap();
    let gone = lines(&one.destroy().unwrap());
    let name = name_of(&release(1, 'a'));
    assert_eq!(
        gone,
        [format!("Delete Service {NAME}"), format!("Delete HorizontalPodAutoscaler {name}"), format!("Delete Deployment {name}")]
    );
    assert_eq!(one.status().unwrap().phase, Phase::Absent);
    assert_eq!(two.status().unwrap().phase, Phase::Ready);
    assert_eq!(lines(&one.destroy().unwrap()), [format!("Keep Service {NAME}")]);
    assert_eq!(cluster.names("Namespace", "").len(), 2, "the namespace stays");
    cluster.advance(std::time::Duration::from_secs(1));
    assert_eq!(cluster.names("Pod", NAMESPACE).len(), 1);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_asked() {
    let cluster = Cluster::new();
    let check = |params: serde_json::Value, image: Option<&str>, words: &str| {
        let caller = Caller::new(&cluster, &params);
        let mut release = release(1, 'a');
        release.image = image.map(str::to_owned);
        let failure = caller.apply(&release).unwrap_err();
        assert!(failure.message().contains(words), "{failure:?}");
        assert_eq!(cluster.requests(), [""; 0], "{words}");
    };
    let image = release(1, 'a').image;
    let image = image.as_deref();
    check(json!({}), None, "expected the release's image in a registry, found none: set `[release] repository`");
    check(json!({}), Some("registry.example.com/diabetes:latest"), "expected an image by its digest");
    check(json!({ "autoscale": { "min": 4 } }), image, "expected `autoscale.min` to be at most `autoscale.max`, found 4 and 3");
    check(
        json!({ "namespace": "../x" }),
        image,
        "expected lower-case letters, digits and hyphens as the namespace, found `../x`",
    );
    check(json!({ "secret": "token" }), image, "expected the address of the API server in the secret `token`");
    check(json!({ "output": "manifests" }), image, "`sprag release --plan --json` prints the objects");
}

#[test]
fn a_namespace_is_made_only_where_it_may_be() {
    let cluster = Cluster::new();
    let caller = Caller::new(&cluster, &json!({ "create_namespace": false }));
    let words = "expected the namespace staging, found none: make it, or set `create_namespace = true`";
    assert_eq!(caller.apply(&release(1, 'a')).unwrap_err().message(), words);
    assert_eq!(caller.plan(&release(1, 'a')).unwrap_err().message(), words);
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    cluster.put(namespace);
    // Who works within one namespace may not even look at it.
    cluster.forbid("get", "namespaces");
    assert_eq!(caller.apply(&release(1, 'a')).unwrap().phase, Phase::Ready);
    assert_eq!(lines(&caller.plan(&release(1, 'a')).unwrap()).len(), 3);
}
