//! `deploy-azureml`.

use deploy_azureml::{Adapter, Params};
use emulator_azure::What;
use serde_json::{Value, json};
use sprag_sdk::stage::deploy::{Phase, Service};
use sprag_sdk::{Action, Failure};

use crate::world::{GROUP, World, account, package, release, service, weight};

const ENDPOINT: &str = "Microsoft.MachineLearningServices/workspaces/team/onlineEndpoints/diabetes-staging";
const PUT_ENDPOINT: &str = "PUT workspaces/team/onlineEndpoints/diabetes-staging";

fn params(more: &Value) -> Params {
    let mut all = json!({ "azure": account(), "workspace": "team" });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn on<'a>(world: &'a World, params: &'a Params, service: &'a Service) -> Adapter<'a> {
    Adapter::new(world, world, params, service).unwrap()
}

/// A subscription with a workspace.
fn world() -> World {
    let world = World::new();
    crate::provision::workspace(&world);
    world
}

fn deployment(version: u64, letter: char) -> String {
    format!("v{version}-{}", &package(letter)[7..19])
}

fn actions(changes: &[sprag_sdk::Change]) -> Vec<Action> {
    changes.iter().map(|change| change.action).collect()
}

#[test]
fn releases_come_by_traffic_and_go_back_by_it() {
    let (world, params, service) = (world(), params(&json!({})), service(Some("scoring")));
    let adapter = on(&world, &params, &service);
    assert_eq!(adapter.status().unwrap().phase, Phase::Absent);
    let planned = adapter.plan(&release(1, 'a')).unwrap();
    assert_eq!(actions(&planned), [Action::Create; 4]);
    assert_eq!(planned[3].detail, format!("nothing -> {} 100 %", deployment(1, 'a')));
    let first = adapter.apply(&release(1, 'a')).unwrap();
    assert_eq!((first.phase, first.releases.clone()), (Phase::Ready, vec![weight('a', 100)]));
    assert_eq!(first.endpoint.as_deref(), Some("https://diabetes-staging.westeurope.inference.ml.azure.com"));
    let put_deployment = |version, letter| format!("{PUT_ENDPOINT}/deployments/{}", deployment(version, letter));
    let environment =
        |letter: char| format!("PUT workspaces/team/environments/sprag-diabetes/versions/{}-8080", letter.to_string().repeat(12));
    assert_eq!(world.writes(), [environment('a'), PUT_ENDPOINT.to_owned(), put_deployment(1, 'a'), PUT_ENDPOINT.to_owned()]);
    assert_eq!(actions(&adapter.plan(&release(1, 'a')).unwrap()), [Action::Keep; 4]);
    assert_eq!(adapter.apply(&release(1, 'a')).unwrap(), first);
    assert_eq!(world.writes(), [""; 0]);

    assert_eq!(adapter.apply(&release(2, 'b')).unwrap().releases, [weight('b', 100)]);
    assert_eq!(world.writes(), [environment('b'), put_deployment(2, 'b'), PUT_ENDPOINT.to_owned()]);
    // The one before is kept, so that the way back is traffic alone.
    assert_eq!(adapter.rollback(&release(1, 'a')).unwrap().releases, [weight('a', 100)]);
    assert_eq!(world.writes(), [PUT_ENDPOINT]);
    adapter.rollback(&release(2, 'b')).unwrap();
    let _ = world.writes();
    // The one before that is deleted.
    let planned = adapter.plan(&release(3, 'c')).unwrap();
    assert_eq!(
        planned.last().map(|change| (change.action, change.subject.clone())),
        Some((Action::Delete, format!("online deployment {}", deployment(1, 'a'))))
    );
    assert_eq!(adapter.apply(&release(3, 'c')).unwrap().releases, [weight('c', 100)]);
    let delete = format!("DELETE workspaces/team/onlineEndpoints/diabetes-staging/deployments/{}", deployment(1, 'a'));
    assert_eq!(world.writes(), [environment('c'), put_deployment(3, 'c'), PUT_ENDPOINT.to_owned(), delete]);
    // One that is gone comes as any other.
    assert_eq!(adapter.rollback(&release(1, 'a')).unwrap().releases, [weight('a', 100)]);

    assert_eq!(actions(&adapter.destroy().unwrap()), [Action::Delete]);
    assert!(world.resource(ENDPOINT).is_none());
    assert_eq!(actions(&adapter.destroy().unwrap()), [Action::Keep]);
    world.check();
}

#[test]
fn requests_are_divided_by_percents() {
    let (world, params, service) = (world(), params(&json!({})), service(Some("scoring")));
    let adapter = on(&world, &params, &service);
    adapter.apply(&release(1, 'a')).unwrap();
    let divided = adapter.traffic(&release(2, 'b'), &[weight('a', 90), weight('b', 10)]).unwrap();
    assert_eq!((divided.phase, divided.releases), (Phase::Ready, vec![weight('a', 90), weight('b', 10)]));
    let _ = world.writes();
    adapter.traffic(&release(2, 'b'), &[weight('a', 50), weight('b', 50)]).unwrap();
    assert_eq!(world.writes(), [PUT_ENDPOINT]);
    let whole = adapter.traffic(&release(2, 'b'), &[weight('b', 100)]).unwrap();
    assert_eq!(whole.releases, [weight('b', 100)]);
    assert_eq!(adapter.rollback(&release(1, 'a')).unwrap().releases, [weight('a', 100)]);
    let _ = world.writes();
    let unknown = adapter.traffic(&release(3, 'c'), &[weight('d', 90), weight('c', 10)]).unwrap_err();
    assert!(
        matches!(&unknown, Failure::BadInput(message) if message.contains("expected weights of deployed packages")),
        "{unknown:?}"
    );
    assert_eq!(world.writes(), [""; 0], "nothing is made for weights that cannot be");
    world.check();
}

#[test]
fn whatever_moment_it_dies_at_the_next_run_goes_on() {
    let (params, service) = (
        params(&json!({ "registration": { "secret": "storage", "endpoint": "https://management.azure.com/blob/x" } })),
        service(Some("scoring")),
    );
    for requests in 0.. {
        let world = world();
        on(&world, &params, &service).apply(&release(1, 'a')).unwrap();
        on(&world, &params, &service).apply(&release(2, 'b')).unwrap();
        let _ = world.writes();
        world.dies_after(requests);
        let died = on(&world, &params, &service).apply(&release(3, 'c')).is_err();
        world.revives();
        let state = on(&world, &params, &service).apply(&release(3, 'c')).unwrap();
        assert_eq!((state.phase, state.releases), (Phase::Ready, vec![weight('c', 100)]), "died after {requests}");
        let writes = world.writes();
        let puts = writes.iter().filter(|write| write.contains("/deployments/") && write.starts_with("PUT")).count();
        assert_eq!(puts, 1, "died after {requests}: {writes:?}");
        // What answered before is still there.
        assert_eq!(on(&world, &params, &service).rollback(&release(2, 'b')).unwrap().releases, [weight('b', 100)]);
        assert_eq!(world.writes(), [PUT_ENDPOINT], "died after {requests}");
        assert!(world.resource(&format!("{ENDPOINT}/deployments/{}", deployment(1, 'a'))).is_none());
        world.check();
        if !died {
            assert!(requests > 15, "{requests}");
            return;
        }
    }
}

#[test]
fn a_deployment_that_does_not_get_ready_leaves_what_answers() {
    let (world, params, service) = (world(), params(&json!({})), service(Some("scoring")));
    let adapter = on(&world, &params, &service);
    adapter.apply(&release(1, 'a')).unwrap();
    world.azure.borrow_mut().health.crashing.insert(deployment(2, 'b'));
    let failed = adapter.apply(&release(2, 'b')).unwrap();
    assert_eq!((failed.phase, failed.releases), (Phase::Failed, vec![weight('a', 100)]));
    assert!(failed.message.contains("ResourceNotReady: User container has crashed or terminated"), "{}", failed.message);
    assert!(failed.endpoint.is_some());
    let failed = adapter.traffic(&release(2, 'b'), &[weight('a', 90), weight('b', 10)]).unwrap();
    assert_eq!((failed.phase, failed.releases), (Phase::Failed, vec![weight('a', 100)]));
    // It is begun again once the image is well.
    world.azure.borrow_mut().health.crashing.clear();
    assert_eq!(adapter.apply(&release(2, 'b')).unwrap().releases, [weight('b', 100)]);
    world.fault("PUT", "/onlineEndpoints/diabetes-staging?", What::Fail { code: "InternalServerError", message: "try again" });
    let failed = adapter.rollback(&release(1, 'a')).unwrap_err();
    assert!(failed.message().contains("InternalServerError: try again"), "{failed:?}");
    assert_eq!(adapter.rollback(&release(1, 'a')).unwrap().releases, [weight('a', 100)]);
}

#[test]
fn the_key_is_taken_and_never_shown() {
    let world = world();
    let service = service(Some("scoring"));
    let first = params(&json!({ "revision": "1" }));
    on(&world, &first, &service).apply(&release(1, 'a')).unwrap();
    let body = world.bodies("/onlineEndpoints/diabetes-staging?").remove(0);
    assert_eq!(body["properties"]["keys"]["primaryKey"], "bearer-key-of-callers");
    assert_eq!(world.resource(ENDPOINT).unwrap()["properties"]["keys"], Value::Null);
    assert_eq!(actions(&on(&world, &first, &service).plan(&release(1, 'a')).unwrap()), [Action::Keep; 4]);
    let _ = world.writes();
    let second = params(&json!({ "revision": "2" }));
    on(&world, &second, &service).apply(&release(1, 'a')).unwrap();
    let renew = "POST workspaces/team/onlineEndpoints/diabetes-staging/regenerateKeys";
    assert_eq!(world.writes(), [renew, renew, PUT_ENDPOINT]);
    let open = crate::world::service(None);
    let refused = on(&world, &first, &open).apply(&release(1, 'a')).unwrap_err();
    assert!(refused.message().contains("expected `key` in the environment `staging`"), "{refused:?}");
    world.check();
}

#[test]
fn the_version_is_registered_with_a_card() {
    let (world, service) = (world(), service(Some("scoring")));
    let params =
        params(&json!({ "registration": { "secret": "storage", "endpoint": "https://management.azure.com/blob/mlopsstorage" } }));
    on(&world, &params, &service).apply(&release(7, 'a')).unwrap();
    let model = world.resource("Microsoft.MachineLearningServices/workspaces/team/models/diabetes/versions/7").unwrap();
    let uri = model["properties"]["modelUri"].as_str().unwrap();
    assert!(
        uri.starts_with("azureml://subscriptions/")
            && uri.ends_with("/workspaces/team/datastores/workspaceblobstore/paths/sprag/diabetes/7"),
        "{uri}"
    );
    let card: Value = serde_json::from_slice(
        world.azure.borrow().blob("mlopsstorage/azureml-blobstore-88888888/sprag/diabetes/7/model.json").unwrap(),
    )
    .unwrap();
    assert_eq!((&card["package"], &card["version"]), (&json!(package('a')), &json!(7)));
    let deployment = world.resource(&format!("{ENDPOINT}/deployments/{}", deployment(7, 'a'))).unwrap();
    assert!(deployment["properties"]["model"].as_str().unwrap().ends_with("/models/diabetes/versions/7"));
    assert_eq!(actions(&on(&world, &params, &service).plan(&release(7, 'a')).unwrap()), [Action::Keep; 5]);
    // A version is one model for ever.
    for failure in [
        on(&world, &params, &service).apply(&release(7, 'b')).unwrap_err(),
        on(&world, &params, &service).plan(&release(7, 'b')).unwrap_err(),
    ] {
        assert!(failure.message().contains("another model of that version registered"), "{failure:?}");
    }
    world.check();
}

#[test]
fn a_deployment_that_only_has_the_name_gets_no_requests() {
    let (world, params, service) = (world(), params(&json!({})), service(Some("scoring")));
    let adapter = on(&world, &params, &service);
    adapter.apply(&release(1, 'a')).unwrap();
    adapter.apply(&release(2, 'b')).unwrap();
    let _ = world.writes();
    let first = format!("{ENDPOINT}/deployments/{}", deployment(1, 'a'));
    let tags = world.resource(&first).unwrap()["tags"].clone();
    let other = json!({ "sprag-model": tags["sprag-model"], "sprag-environment": tags["sprag-environment"], "sprag-package": package('c') });
    for (found, words) in [(json!({ "owner": "ada" }), "found something that sprag did not make"), (other, "found sha256:c0c0")] {
        world.azure.borrow_mut().edit(GROUP, &first, |deployment| deployment["tags"] = found.clone());
        let failure = adapter.rollback(&release(1, 'a')).unwrap_err();
        assert!(failure.message().contains(words), "{failure:?}");
        assert_eq!(world.writes(), [""; 0]);
        assert_eq!(adapter.status().unwrap().releases, [weight('b', 100)]);
    }
    world.azure.borrow_mut().edit(GROUP, &first, |deployment| deployment["tags"] = tags.clone());
    assert_eq!(adapter.rollback(&release(1, 'a')).unwrap().releases, [weight('a', 100)]);
}

#[test]
fn the_endpoint_of_another_is_left_alone() {
    let (world, params, service) = (world(), params(&json!({})), service(Some("scoring")));
    on(&world, &params, &service).apply(&release(1, 'a')).unwrap();
    world.azure.borrow_mut().edit(GROUP, ENDPOINT, |endpoint| endpoint["tags"] = json!({}));
    let _ = world.writes();
    let adapter = on(&world, &params, &service);
    for failure in [adapter.plan(&release(2, 'b')).unwrap_err(), adapter.status().unwrap_err(), adapter.destroy().unwrap_err()] {
        assert!(failure.message().contains("found something that sprag did not make"), "{failure:?}");
    }
    assert_eq!(world.writes(), [""; 0]);
}
