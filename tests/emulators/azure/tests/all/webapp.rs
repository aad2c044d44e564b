//! `deploy-webapp`.

use std::time::Duration;

use deploy_webapp::{Adapter, Params};
use emulator_azure::What;
use serde_json::{Value, json};
use sprag_sdk::stage::deploy::{Phase, Service};
use sprag_sdk::{Action, Failure};

use crate::world::{World, account, package, release, service, weight};

const SITE: &str = "Microsoft.Web/sites/diabetes-staging";
const PLAN: &str = "PUT serverfarms/diabetes-staging-plan";
const APP: &str = "PUT sites/diabetes-staging";
const SLOT: &str = "PUT sites/diabetes-staging/slots/next";
const SWAP: &str = "POST sites/diabetes-staging/slotsswap";
const RULES: &str = "PATCH sites/diabetes-staging/config/web";

fn params(more: &Value) -> Params {
    let mut all = json!({ "azure": account(), "plan": { "size": "P0v3" } });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn on<'a>(world: &'a World, params: &'a Params, service: &'a Service) -> Adapter<'a> {
    Adapter::new(world, world, params, service).unwrap()
}

/// What was written, without the reading of settings.
fn writes(world: &World) -> Vec<String> {
    world.writes().into_iter().filter(|write| !write.ends_with("/list")).collect()
}

fn actions(changes: &[sprag_sdk::Change]) -> Vec<Action> {
    changes.iter().map(|change| change.action).collect()
}

#[test]
fn a_release_is_swapped_in_and_back() {
    let (world, params, service) = (World::new(), params(&json!({})), service(None));
    let adapter = on(&world, &params, &service);
    assert_eq!(adapter.status().unwrap().phase, Phase::Absent);
    assert_eq!(actions(&adapter.plan(&release(1, 'a')).unwrap()), [Action::Create, Action::Create]);
    let first = adapter.apply(&release(1, 'a')).unwrap();
    assert_eq!((first.phase, first.releases.clone()), (Phase::Ready, vec![weight('a', 100)]));
    assert_eq!(first.endpoint.as_deref(), Some("https://diabetes-staging.azurewebsites.net"));
    assert_eq!(writes(&world), [PLAN, APP]);
    assert_eq!(actions(&adapter.plan(&release(1, 'a')).unwrap()), [Action::Keep, Action::Keep]);
    assert_eq!(adapter.apply(&release(1, 'a')).unwrap(), first);
    assert_eq!(writes(&world), [""; 0]);

    let planned = adapter.plan(&release(2, 'b')).unwrap();
    assert_eq!(actions(&planned), [Action::Keep, Action::Update]);
    assert!(
        planned[1].detail.starts_with("by way of the slot `next`: properties.linuxFxVersion: `DOCKER|models.azurecr.io/"),
        "{planned:?}"
    );
    assert_eq!(adapter.apply(&release(2, 'b')).unwrap().releases, [weight('b', 100)]);
    assert_eq!(writes(&world), [SLOT, SWAP]);

    // The way back is the same swap.
    assert_eq!(adapter.rollback(&release(1, 'a')).unwrap().releases, [weight('a', 100)]);
    assert_eq!(writes(&world), [SWAP]);
    assert_eq!(adapter.rollback(&release(1, 'a')).unwrap().releases, [weight('a', 100)]);
    assert_eq!(writes(&world), [""; 0]);
    // A release that the slot does not run comes as any other.
    adapter.apply(&release(3, 'c')).unwrap();
    adapter.apply(&release(4, 'd')).unwrap();
    let _ = writes(&world);
    assert_eq!(adapter.rollback(&release(1, 'a')).unwrap().releases, [weight('a', 100)]);
    assert_eq!(writes(&world), [SLOT, SWAP]);

    assert_eq!(actions(&adapter.destroy().unwrap()), [Action::Delete, Action::Delete]);
    assert_eq!(world.azure.borrow().count(), 0);
    assert_eq!(actions(&adapter.destroy().unwrap()), [Action::Keep, Action::Keep]);
    world.check();
}

#[test]
fn requests_are_divided_with_the_slot() {
    let (world, params, service) = (World::new(), params(&json!({})), service(None));
    let adapter = on(&world, &params, &service);
    adapter.apply(&release(1, 'a')).unwrap();
    let _ = writes(&world);
    let divided = adapter.traffic(&release(2, 'b'), &[weight('a', 90), weight('b', 10)]).unwrap();
    assert_eq!((divided.phase, divided.releases), (Phase::Ready, vec![weight('a', 90), weight('b', 10)]));
    assert_eq!(writes(&world), [SLOT, RULES]);
    let more = adapter.traffic(&release(2, 'b'), &[weight('a', 50), weight('b', 50)]).unwrap();
    assert_eq!(more.releases, [weight('a', 50), weight('b', 50)]);
    assert_eq!(writes(&world), [RULES]);
    // Nothing to the new one, then all to it.
    assert_eq!(adapter.traffic(&release(2, 'b'), &[weight('a', 100), weight('b', 0)]).unwrap().releases, [weight('a', 100)]);
    adapter.traffic(&release(2, 'b'), &[weight('a', 50), weight('b', 50)]).unwrap();
    let _ = writes(&world);
    assert_eq!(adapter.traffic(&release(2, 'b'), &[weight('b', 100)]).unwrap().releases, [weight('b', 100)]);
    assert_eq!(writes(&world), [RULES, SWAP]);
    // After the swap the other is in the slot.
    let back = adapter.traffic(&release(2, 'b'), &[weight('b', 80), weight('a', 20)]).unwrap();
    assert_eq!(back.releases, [weight('b', 80), weight('a', 20)]);
    let third = adapter.traffic(&release(3, 'c'), &[weight('a', 80), weight('c', 20)]).unwrap_err();
    assert!(matches!(&third, Failure::Unsupported(message) if message.contains("between production and one slot")), "{third:?}");
    world.check();
}

#[test]
fn a_release_that_does_not_answer_leaves_what_runs() {
    let (world, params, service) = (World::new(), params(&json!({})), service(None));
    let adapter = on(&world, &params, &service);
    adapter.apply(&release(1, 'a')).unwrap();
    world.azure.borrow_mut().health.crashing.insert("bbbb".to_owned());
    let failed = adapter.apply(&release(2, 'b')).unwrap();
    assert_eq!((failed.phase, failed.releases), (Phase::Failed, vec![weight('a', 100)]));
    assert!(failed.message.contains("no container of slot next answered `/healthz` within 600 s"), "{}", failed.message);
    assert!(failed.endpoint.is_some(), "what ran before answers");
    // A swap that fails says so.
    world.fault("POST", "slotsswap", What::Fail { code: "Conflict", message: "the slot did not respond to http ping" });
    let later = on(&world, &params, &service);
    let failed = later.apply(&release(3, 'c')).unwrap();
    assert_eq!((failed.phase, failed.releases), (Phase::Failed, vec![weight('a', 100)]));
    assert!(failed.message.contains("did not respond to http ping"), "{}", failed.message);
    assert_eq!(later.apply(&release(3, 'c')).unwrap().releases, [weight('c', 100)]);
}

#[test]
fn whatever_moment_it_dies_at_the_next_run_goes_on() {
    let (params, service) = (params(&json!({})), service(None));
    for requests in 0.. {
        let world = World::new();
        on(&world, &params, &service).apply(&release(1, 'a')).unwrap();
        on(&world, &params, &service).traffic(&release(2, 'b'), &[weight('a', 90), weight('b', 10)]).unwrap();
        let _ = writes(&world);
        world.dies_after(requests);
        let died = on(&world, &params, &service).apply(&release(2, 'b')).is_err();
        world.revives();
        let state = on(&world, &params, &service).apply(&release(2, 'b')).unwrap();
        assert_eq!((state.phase, state.releases), (Phase::Ready, vec![weight('b', 100)]), "died after {requests}");
        let swaps = writes(&world).iter().filter(|write| *write == SWAP).count();
        assert_eq!(swaps, 1, "died after {requests}");
        assert_eq!(on(&world, &params, &service).apply(&release(2, 'b')).unwrap().releases, [weight('b', 100)]);
        assert_eq!(writes(&world), [""; 0], "died after {requests}");
        world.check();
        if !died {
            assert!(requests > 12, "{requests}");
            return;
        }
    }
}

#[test]
fn a_swap_in_progress_is_waited_for_and_one_whose_answer_is_lost_is_found() {
    let (world, params, service) = (World::new(), params(&json!({})), service(None));
    let adapter = on(&world, &params, &service);
    adapter.apply(&release(1, 'a')).unwrap();
    world.fault("POST", "slotsswap", What::LoseAnswer);
    let lost = adapter.apply(&release(2, 'b')).unwrap_err();
    assert!(matches!(lost, Failure::Retry(_)), "{lost:?}");
    let state = adapter.apply(&release(2, 'b')).unwrap();
    assert_eq!(state.releases, [weight('b', 100)]);
}

#[test]
fn settings_with_secrets_are_put_in_and_never_shown() {
    let id = "Microsoft.ManagedIdentity/userAssignedIdentities/puller";
    let world = World::new();
    world.make(id, "2023-01-31", &json!({ "location": "westeurope" }));
    let subscription = account()["subscription"].as_str().unwrap().to_owned();
    let identity = format!("/subscriptions/{subscription}/resourceGroups/mlops/providers/{id}");
    let more = |environment: Value, registry: Value| {
        params(&json!({ "environment": environment, "registry": registry, "revision": "1" }))
    };
    let service = service(Some("scoring"));
    let with_password = more(
        json!({ "plain": { "LEVEL": "info" }, "secret": { "EXTRA": "extra" } }),
        json!({ "user": "puller", "password": "registry" }),
    );
    on(&world, &with_password, &service).apply(&release(1, 'a')).unwrap();
    let body = world.bodies("/sites/").remove(0);
    let settings = body["properties"]["siteConfig"]["appSettings"].as_array().unwrap().clone();
    let value =
        |name: &str| settings.iter().find(|pair| pair["name"] == name).map(|pair| pair["value"].as_str().unwrap().to_owned());
    assert_eq!(value("SPRAG_SERVE_KEY").as_deref(), Some("bearer-key-of-callers"));
    assert_eq!(value("DOCKER_REGISTRY_SERVER_PASSWORD").as_deref(), Some("p@ssw\"rd of the registry"));
    assert_eq!(value("DOCKER_REGISTRY_SERVER_URL").as_deref(), Some("https://models.azurecr.io"));
    assert_eq!(value("SPRAG_PACKAGE"), Some(package('a')));
    assert_eq!(value("WEBSITES_PORT").as_deref(), Some("8080"));
    assert_eq!(actions(&on(&world, &with_password, &service).plan(&release(1, 'a')).unwrap()), [Action::Keep, Action::Keep]);
    let site = world.resource(SITE).unwrap();
    assert_eq!(site["properties"]["siteConfig"]["appSettings"], Value::Null);

    // Another way to the registry, and a variable less.
    let with_identity = more(json!({ "secret": { "EXTRA": "extra" } }), json!({ "identity": identity }));
    let changes = on(&world, &with_identity, &service).plan(&release(1, 'a')).unwrap();
    assert!(changes[1].detail.contains("acrUserManagedIdentityID: nothing -> `44444444"), "{changes:?}");
    assert!(!changes[1].detail.contains("info"), "a value that was read is not told: {changes:?}");
    on(&world, &with_identity, &service).apply(&release(1, 'a')).unwrap();
    let body = world.bodies("/slots/").remove(0);
    assert_eq!(body["identity"]["userAssignedIdentities"], json!({ identity: {} }));
    assert_eq!(body["properties"]["siteConfig"]["acrUseManagedIdentityCreds"], true);
    world.check();
}

#[test]
fn a_small_plan_has_no_slots_and_is_changed_in_place() {
    let (world, service) = (World::new(), service(None));
    let small = json!({ "size": "B1" });
    let swaps = params(&json!({ "plan": small }));
    on(&world, &swaps, &service).apply(&release(1, 'a')).unwrap();
    let refused = on(&world, &swaps, &service).apply(&release(2, 'b')).unwrap_err();
    assert!(refused.message().contains("exceed the number of slots allowed"), "{refused:?}");
    let _ = writes(&world);
    let in_place = params(&json!({ "plan": small, "strategy": "in-place" }));
    let adapter = on(&world, &in_place, &service);
    assert_eq!(adapter.apply(&release(2, 'b')).unwrap().releases, [weight('b', 100)]);
    assert_eq!(adapter.rollback(&release(1, 'a')).unwrap().releases, [weight('a', 100)]);
    assert_eq!(writes(&world), [APP, APP]);
    let divided = adapter.traffic(&release(2, 'b'), &[weight('a', 90), weight('b', 10)]).unwrap_err();
    assert!(matches!(&divided, Failure::Unsupported(message) if message.contains("`in-place` runs one release")), "{divided:?}");
}

#[test]
fn the_app_of_another_and_the_plan_of_all_are_left_alone() {
    let (world, service) = (World::new(), service(None));
    let shared = "Microsoft.Web/serverfarms/shared";
    world.make(
        shared,
        "2024-11-01",
        &json!({ "location": "westeurope", "sku": { "name": "P1v3" }, "properties": { "reserved": true } }),
    );
    let subscription = account()["subscription"].as_str().unwrap().to_owned();
    let id = format!("/subscriptions/{subscription}/resourceGroups/mlops/providers/{shared}");
    let params = params(&json!({ "plan": { "id": id } }));
    let adapter = on(&world, &params, &service);
    adapter.apply(&release(1, 'a')).unwrap();
    assert_eq!(actions(&adapter.destroy().unwrap()), [Action::Delete]);
    assert!(world.resource(shared).is_some(), "the plan was not ours");
    adapter.apply(&release(1, 'a')).unwrap();
    world
        .azure
        .borrow_mut()
        .edit(crate::world::GROUP, SITE, |site| site["tags"] = json!({ "sprag-model": "other", "sprag-environment": "staging" }));
    let _ = writes(&world);
    for failure in [adapter.apply(&release(2, 'b')).unwrap_err(), adapter.status().unwrap_err(), adapter.destroy().unwrap_err()] {
        assert!(failure.message().contains("found the model `other` in the environment `staging`"), "{failure:?}");
    }
    assert_eq!(writes(&world), [""; 0]);
}

#[test]
fn throttling_is_waited_out() {
    let (world, params, service) = (World::new(), params(&json!({})), service(None));
    let what = What::Refuse { status: 429, code: "TooManyRequests", retry_after: Some(Duration::from_secs(30)) };
    world.fault("PUT", "sites", what.clone());
    world.fault("POST", "slotsswap", what);
    let adapter = on(&world, &params, &service);
    adapter.apply(&release(1, 'a')).unwrap();
    assert_eq!(adapter.apply(&release(2, 'b')).unwrap().releases, [weight('b', 100)]);
    assert_eq!(writes(&world), [PLAN, APP, APP, SLOT, SWAP, SWAP]);
}
