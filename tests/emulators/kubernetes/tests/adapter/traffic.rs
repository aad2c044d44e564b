//! Shares of the requests.

use emulator_kubernetes::{Cluster, Fate};
use serde_json::json;
use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::Phase;

use crate::support::{Caller, NAME, NAMESPACE, lines, name_of, reached, release, shares};

#[test]
fn pods_divide_the_requests() {
    let cluster = Cluster::new();
    let (caller, first, second) = (Caller::new(&cluster, &json!({})), release(1, 'a'), release(2, 'b'));
    caller.apply(&first).unwrap();
    // Deployed, and not reached.
    let state = caller.traffic(&second, &[(&first, 100), (&second, 0)]).unwrap();
    assert_eq!((state.phase, shares(&state)), (Phase::Ready, vec![('a', 100)]));
    assert_eq!(reached(&cluster, &[&first, &second]), [1, 0]);
    assert_eq!(cluster.names("Deployment", NAMESPACE).len(), 2);
    let state = caller.traffic(&second, &[(&first, 90), (&second, 10)]).unwrap();
    assert_eq!((state.phase, shares(&state)), (Phase::Ready, vec![('a', 90), ('b', 10)]), "{state:?}");
    assert_eq!(reached(&cluster, &[&first, &second]), [9, 1]);
    assert!(cluster.names("HorizontalPodAutoscaler", NAMESPACE).is_empty(), "autoscalers would undo the numbers");
    let state = caller.traffic(&second, &[(&first, 50), (&second, 50)]).unwrap();
    assert_eq!((shares(&state), reached(&cluster, &[&first, &second])), (vec![('a', 50), ('b', 50)], vec![5, 5]));
    assert_eq!(caller.status().unwrap(), state);
    let state = caller.traffic(&second, &[(&second, 100)]).unwrap();
    assert_eq!((state.phase, shares(&state)), (Phase::Ready, vec![('b', 100)]));
    assert_eq!(cluster.names("Deployment", NAMESPACE), [name_of(&second)]);
    cluster.advance(std::time::Duration::from_secs(5));
    assert_eq!(reached(&cluster, &[&first, &second]), [0, 3], "the autoscaler is back");
}

#[test]
fn callers_reach_pods_at_all_times() {
    let cluster = Cluster::new();
    let (first, second, third) = (release(1, 'a'), release(2, 'b'), release(3, 'c'));
    Caller::new(&cluster, &json!({})).apply(&first).unwrap();
    let caller = Caller::new(&cluster, &json!({}));
    caller.traffic(&second, &[(&first, 50), (&second, 50)]).unwrap();
    let state = caller.traffic(&third, &[(&second, 75), (&third, 25)]).unwrap();
    assert_eq!((shares(&state), reached(&cluster, &[&first, &second, &third])), (vec![('b', 75), ('c', 25)], vec![0, 3, 1]));
    // One that was there, and was reached by nobody, takes a share from one that was.
    caller.apply(&third).unwrap();
    caller.traffic(&first, &[(&third, 100), (&first, 0)]).unwrap();
    let state = caller.traffic(&second, &[(&first, 50), (&second, 50)]).unwrap();
    assert_eq!(shares(&state), [('a', 50), ('b', 50)]);
    caller.apply(&first).unwrap();
    assert!(caller.least.get() >= 1, "{}", caller.least.get());
    caller.linger();
    assert!(caller.refused.borrow().is_empty(), "{:?}", caller.refused.borrow());
    assert_eq!(cluster.names("Deployment", NAMESPACE), [name_of(&first)]);
}

/// How many pods refused callers while one release took over from another, and then lost pods to a third.
fn refused(lag: u64, params: &serde_json::Value) -> usize {
    let cluster = Cluster::new();
    cluster.add_gateway("public");
    cluster.set_lag(std::time::Duration::from_secs(lag));
    let (caller, first, second) = (Caller::new(&cluster, params), release(1, 'a'), release(2, 'b'));
    caller.apply(&first).unwrap();
    caller.linger();
    caller.apply(&second).unwrap();
    caller.linger();
    caller.traffic(&first, &[(&second, 90), (&first, 10)]).unwrap();
    caller.linger();
    // Fewer pods, or fewer of one: as a node that is drained, or an autoscaler, would have it.
    caller.traffic(&first, &[(&second, 50), (&first, 50)]).unwrap();
    caller.linger();
    caller.apply(&first).unwrap();
    caller.linger();
    caller.refused.borrow().len()
}

#[test]
fn no_caller_meets_a_pod_that_has_ended() {
    assert_eq!(refused(5, &json!({})), 0);
    // The notice covers nodes that are late with a pod that goes: without it, and without the hand-over, each is missed.
    assert_ne!(refused(5, &json!({ "notice_seconds": 0 })), 0);
    let slow = json!({ "name": "public", "host": "score.example.com" });
    // The hand-over covers gateways and load balancers that are later than any notice.
    assert_eq!(refused(25, &json!({ "gateway": slow, "handover_seconds": 30 })), 0);
    assert_ne!(refused(25, &json!({ "gateway": slow, "handover_seconds": 0 })), 0);
}

#[test]
fn a_canary_goes_back_at_once() {
    let cluster = Cluster::new();
    let (caller, first, second) = (Caller::new(&cluster, &json!({})), release(1, 'a'), release(2, 'b'));
    caller.apply(&first).unwrap();
    caller.traffic(&second, &[(&first, 75), (&second, 25)]).unwrap();
    let state = caller.apply(&first).unwrap();
    assert_eq!((state.phase, shares(&state)), (Phase::Ready, vec![('a', 100)]));
    assert_eq!(cluster.names("Deployment", NAMESPACE), [name_of(&first)]);
}

#[test]
fn a_canary_that_does_not_get_ready_is_never_reached() {
    let cluster = Cluster::new();
    let (caller, first, second) = (Caller::new(&cluster, &json!({ "timeout_seconds": 30 })), release(1, 'a'), release(2, 'b'));
    caller.apply(&first).unwrap();
    cluster.set_fate("bbbb", Fate::Crash);
    let state = caller.traffic(&second, &[(&first, 50), (&second, 50)]).unwrap();
    assert_eq!((state.phase, shares(&state)), (Phase::Failed, vec![('a', 100)]), "{state:?}");
    assert_eq!(reached(&cluster, &[&first, &second])[1], 0);
}

#[test]
fn weights_that_cannot_be_had_are_refused() {
    let cluster = Cluster::new();
    let (caller, first, second, third) = (Caller::new(&cluster, &json!({})), release(1, 'a'), release(2, 'b'), release(3, 'c'));
    caller.apply(&first).unwrap();
    cluster.requests();
    let check = |weights: &[_], words: &str| {
        let failure = caller.traffic(&second, weights).unwrap_err();
        assert!(matches!(&failure, Failure::BadParams(message) if message.contains(words)), "{failure:?}");
        assert!(!cluster.requests().iter().any(|request| request.contains("fieldManager")), "{words}");
    };
    check(&[(&first, 99), (&second, 1)], "to which the closest is 95 % + 5 %");
    check(&[(&first, 50), (&second, 40)], "add up to 100 %, found 50 % + 40 %");
    check(&[(&third, 50), (&second, 50)], "expected packages that run, found sha256:cccc");
    check(&[(&first, 100)], "expected a weight of the release's package");
}

#[test]
fn a_gateway_divides_the_requests_exactly() {
    let cluster = Cluster::new();
    cluster.add_gateway("public");
    let gateway = json!({ "gateway": { "name": "public", "namespace": "gateways", "host": "score.example.com" } });
    let (caller, first, second) = (Caller::new(&cluster, &gateway), release(1, 'a'), release(2, 'b'));
    let planned = lines(&caller.plan(&first).unwrap());
    assert_eq!(planned[3..], [format!("Create Service {}", name_of(&first)), format!("Create HTTPRoute {NAME}")]);
    let state = caller.apply(&first).unwrap();
    assert_eq!((state.phase, shares(&state)), (Phase::Ready, vec![('a', 100)]), "{state:?}");
    assert_eq!(state.endpoint.as_deref(), Some("http://score.example.com"));
    let state = caller.traffic(&second, &[(&first, 99), (&second, 1)]).unwrap();
    assert_eq!((state.phase, shares(&state)), (Phase::Ready, vec![('a', 99), ('b', 1)]));
    assert_eq!(cluster.names("HorizontalPodAutoscaler", NAMESPACE).len(), 2, "weights need no numbers of pods");
    for release in [&first, &second] {
        assert_eq!(cluster.endpoints(NAMESPACE, &name_of(release)).len(), 1);
    }
    let state = caller.apply(&second).unwrap();
    assert_eq!(shares(&state), [('b', 100)]);
    assert_eq!(cluster.names("Service", NAMESPACE), [name_of(&second)]);
    let again = lines(&caller.plan(&second).unwrap());
    assert!(again.iter().all(|line| line.starts_with("Keep")), "{again:?}");
    assert_eq!(caller.destroy().unwrap().len(), 4);
}

#[test]
fn a_route_that_no_gateway_takes_is_not_ready() {
    let cluster = Cluster::new();
    let gateway = json!({ "timeout_seconds": 30, "gateway": { "name": "nowhere", "host": "score.example.com" } });
    let state = Caller::new(&cluster, &gateway).apply(&release(1, 'a')).unwrap();
    assert_eq!(state.phase, Phase::Failed);
    assert_eq!(state.message, "not ready within 30 s: no gateway has looked at the route yet");
}
