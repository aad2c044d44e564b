//! Refusals, conflicts, faults that pass, death half way, and two at once.

use emulator_kubernetes::{Cluster, Fault};
use serde_json::{Value, json};
use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::Phase;

use crate::support::{Caller, NAME, NAMESPACE, lines, name_of, reached, release, shares};

/// The specifications of all that a service has.
fn everything(cluster: &Cluster) -> Vec<(String, Value)> {
    let kinds = ["Deployment", "HorizontalPodAutoscaler", "Service"];
    let objects = kinds.into_iter().flat_map(|kind| {
        cluster
            .names(kind, NAMESPACE)
            .into_iter()
            .map(move |name| (format!("{kind} {name}"), cluster.get(kind, NAMESPACE, &name).unwrap()))
    });
    objects
        .map(|(name, object)| {
            let mut spec = object["spec"].clone();
            // Which address a Service gets depends on what was made before.
            spec.as_object_mut().unwrap().retain(|key, _| !key.starts_with("clusterIP"));
            (name, spec)
        })
        .collect()
}

#[test]
fn who_set_a_field_is_told_and_set_back_only_where_that_is_wanted() {
    let cluster = Cluster::new();
    let (caller, first) = (Caller::new(&cluster, &json!({})), release(1, 'a'));
    caller.apply(&first).unwrap();
    let name = name_of(&first);
    cluster.edit("Deployment", NAMESPACE, &name, "kubectl-set", |value| {
        value["spec"]["template"]["spec"]["containers"][0]["image"] = json!("evil:latest");
    });
    let words = format!(
        "expected sprag alone to manage the fields that it sets when asked to apply Deployment {name}, found \
         `.spec.template.spec.containers[name=\"scorer\"].image` set by `kubectl-set`; undo that change, or set `take_over = true` to set the fields back"
    );
    assert_eq!(caller.plan(&first).unwrap_err(), Failure::BadParams(words.clone()));
    assert_eq!(caller.apply(&first).unwrap_err(), Failure::BadParams(words));
    let bold = Caller::new(&cluster, &json!({ "take_over": true }));
    let planned = bold.plan(&first).unwrap();
    let image = first.image.clone().unwrap();
    assert!(
        planned[0].detail.starts_with("spec.template.spec.containers[scorer].image: `evil:latest` -> `registry"),
        "{planned:?}"
    );
    assert_eq!(bold.apply(&first).unwrap().phase, Phase::Ready);
    let deployment = cluster.get("Deployment", NAMESPACE, &name).unwrap();
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], image);
    assert_eq!(caller.apply(&first).unwrap().phase, Phase::Ready);
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let cluster = Cluster::new();
    cluster.let_in("t0ken", "system:serviceaccount:ci:sprag");
    let (caller, first) = (Caller::new(&cluster, &json!({})), release(1, 'a'));
    assert_eq!(caller.apply(&first).unwrap().phase, Phase::Ready);
    cluster.forbid("patch", "deployments");
    let failure = caller.apply(&release(2, 'b')).unwrap_err();
    assert!(matches!(failure, Failure::BadParams(_)));
    let words = "deployments.apps \"diabetes-staging-bbbbbbbbbbbb\" is forbidden: User \"system:serviceaccount:ci:sprag\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"staging\"; bind the user of the secret to a role";
    assert!(failure.message().contains(words), "{failure:?}");
    cluster.shut_out("t0ken");
    cluster.let_in("another", "x");
    let failure = caller.status().unwrap_err();
    assert!(matches!(failure, Failure::BadParams(_)));
    let words = "the cluster refused to read Service diabetes-staging with status 401: Unauthorized; is the token or the client certificate of the secret still valid?";
    assert_eq!(failure.message(), words);
}

#[test]
fn what_passes_is_waited_for() {
    let cluster = Cluster::new();
    let (caller, first) = (Caller::new(&cluster, &json!({})), release(1, 'a'));
    cluster.fault("PATCH", Fault::Refuse(429, Some(7)));
    cluster.fault("GET", Fault::Refuse(503, None));
    cluster.fault("PATCH /apis/apps", Fault::LoseAnswer);
    cluster.fault("GET /apis/apps", Fault::Lose);
    assert_eq!(caller.apply(&first).unwrap().phase, Phase::Ready);
    assert!(caller.waited().as_secs() >= 10, "{:?}", caller.waited());
    // The answer to leading callers on is lost: the second try meets its own work, and no conflict.
    cluster.fault(&format!("PATCH /api/v1/namespaces/{NAMESPACE}/services"), Fault::LoseAnswer);
    assert_eq!(shares(&caller.apply(&release(2, 'b')).unwrap()), [('b', 100)]);
}

#[test]
fn a_server_that_stays_down_is_a_failure_that_may_pass() {
    let cluster = Cluster::new();
    for _ in 0..20 {
        cluster.fault("GET", Fault::Refuse(503, None));
    }
    let failure = Caller::new(&cluster, &json!({})).status().unwrap_err();
    assert!(matches!(failure, Failure::Retry(_)), "{failure:?}");
    let cluster = Cluster::new();
    for _ in 0..20 {
        cluster.fault("GET", Fault::Lose);
    }
    let failure = Caller::new(&cluster, &json!({})).status().unwrap_err();
    assert_eq!(
        failure,
        Failure::Retry("no answer to the request to read Service diabetes-staging: the connection ended".to_owned())
    );
}

#[test]
fn an_adapter_that_died_anywhere_is_gone_on_from() {
    let (first, second) = (release(1, 'a'), release(2, 'b'));
    let calm = Cluster::new();
    let caller = Caller::new(&calm, &json!({}));
    caller.apply(&first).unwrap();
    calm.requests();
    caller.apply(&second).unwrap();
    let (requests, expected) = (calm.requests().len(), everything(&calm));
    assert!(requests > 10, "{requests}");
    for dies_after in 0..requests {
        let cluster = Cluster::new();
        let caller = Caller::new(&cluster, &json!({}));
        caller.apply(&first).unwrap();
        let killed = Caller::new(&cluster, &json!({}));
        killed.dies_after.set(Some(dies_after));
        let _ = killed.apply(&second);
        assert_eq!(
            reached(&cluster, &[&first, &second]).iter().sum::<usize>(),
            1,
            "after {dies_after} requests callers reach one release"
        );
        // The next run adopts what exists.
        let before = cluster.get("Deployment", NAMESPACE, &name_of(&second)).map(|it| it["metadata"]["uid"].clone());
        let state = caller.apply(&second).unwrap();
        assert_eq!((state.phase, shares(&state)), (Phase::Ready, vec![('b', 100)]), "after {dies_after} requests");
        let after = cluster.get("Deployment", NAMESPACE, &name_of(&second)).map(|it| it["metadata"]["uid"].clone());
        assert!(before.is_none() || before == after, "after {dies_after} requests it is made anew");
        assert_eq!(everything(&cluster), expected, "after {dies_after} requests");
    }
}

#[test]
fn a_first_release_that_died_anywhere_is_gone_on_from() {
    let first = release(1, 'a');
    let calm = Cluster::new();
    Caller::new(&calm, &json!({})).apply(&first).unwrap();
    let (requests, expected) = (calm.requests().len(), everything(&calm));
    for dies_after in 0..requests {
        let cluster = Cluster::new();
        let killed = Caller::new(&cluster, &json!({}));
        killed.dies_after.set(Some(dies_after));
        let _ = killed.apply(&first);
        let caller = Caller::new(&cluster, &json!({}));
        assert!(caller.status().is_ok(), "after {dies_after} requests");
        assert_eq!(caller.apply(&first).unwrap().phase, Phase::Ready, "after {dies_after} requests");
        assert_eq!(everything(&cluster), expected, "after {dies_after} requests");
        let again = lines(&caller.plan(&first).unwrap());
        assert!(again.iter().all(|line| line.starts_with("Keep")), "{again:?}");
    }
}

#[test]
fn a_removal_that_died_anywhere_is_gone_on_from() {
    for dies_after in 0..8 {
        let cluster = Cluster::new();
        let caller = Caller::new(&cluster, &json!({}));
        caller.apply(&release(1, 'a')).unwrap();
        let killed = Caller::new(&cluster, &json!({}));
        killed.dies_after.set(Some(dies_after));
        let _ = killed.destroy();
        caller.destroy().unwrap();
        assert!(everything(&cluster).is_empty(), "after {dies_after} requests");
    }
}

#[test]
fn of_two_releases_at_once_one_has_all_and_the_other_knows() {
    let (first, second, third) = (release(1, 'a'), release(2, 'b'), release(3, 'c'));
    for has_run_before in [true, false] {
        let cluster = Cluster::new();
        if has_run_before {
            Caller::new(&cluster, &json!({})).apply(&first).unwrap();
        }
        let caller = Caller::new(&cluster, &json!({}));
        let other = third.clone();
        // While the second starts, the third comes and goes all the way.
        *caller.at_pause.borrow_mut() = Some(Box::new(move |cluster| {
            let state = Caller::new(cluster, &json!({})).apply(&other).unwrap();
            assert_eq!((state.phase, shares(&state)), (Phase::Ready, vec![('c', 100)]));
        }));
        let failure = caller.apply(&second).unwrap_err();
        assert!(matches!(&failure, Failure::Retry(message) if message.contains("is another release at work?")), "{failure:?}");
        assert_eq!(reached(&cluster, &[&first, &second, &third]), [0, 0, 1], "before: {has_run_before}");
        assert_eq!(shares(&caller.status().unwrap()), [('c', 100)]);
        // What comes after finds everything in order.
        assert_eq!(shares(&caller.apply(&second).unwrap()), [('b', 100)]);
        assert_eq!(cluster.names("Deployment", NAMESPACE), [name_of(&second)]);
    }
}

#[test]
fn a_release_that_began_later_is_not_removed_by_an_earlier_one() {
    let (first, second, third) = (release(1, 'a'), release(2, 'b'), release(3, 'c'));
    let cluster = Cluster::new();
    Caller::new(&cluster, &json!({})).apply(&first).unwrap();
    let caller = Caller::new(&cluster, &json!({}));
    let other = third.clone();
    *caller.at_pause.borrow_mut() = Some(Box::new(move |cluster| {
        // It is killed while its pods start.
        let late = Caller::new(cluster, &json!({}));
        late.dies_after.set(Some(9));
        let _ = late.apply(&other);
    }));
    assert_eq!(shares(&caller.apply(&second).unwrap()), [('b', 100)]);
    assert!(cluster.names("Deployment", NAMESPACE).contains(&name_of(&third)));
}

#[test]
fn it_stops_when_it_is_asked_to() {
    let cluster = Cluster::new();
    let caller = Caller::new(&cluster, &json!({}));
    caller.stops.set(true);
    assert_eq!(caller.apply(&release(1, 'a')).unwrap_err(), Failure::Cancelled);
}

#[test]
fn a_service_whose_release_is_gone_says_so() {
    let cluster = Cluster::new();
    let (caller, first) = (Caller::new(&cluster, &json!({})), release(1, 'a'));
    caller.apply(&first).unwrap();
    cluster.remove("Deployment", NAMESPACE, &name_of(&first));
    let state = caller.status().unwrap();
    assert_eq!((state.phase, state.endpoint), (Phase::Failed, None));
    assert_eq!(state.message, format!("Service {NAME} leads to a release that does not run: apply again"));
    assert_eq!(caller.apply(&first).unwrap().phase, Phase::Ready);
}
