//! `deploy-aci`.

use std::time::Duration;

use deploy_aci::{Adapter, Params};
use emulator_azure::What;
use serde_json::{Value, json};
use sprag_sdk::stage::deploy::{Phase, Service};
use sprag_sdk::{Action, Failure};

use crate::world::{World, account, package, release, service, weight};

const PATH: &str = "Microsoft.ContainerInstance/containerGroups/diabetes-staging";
const PUT: &str = "PUT containerGroups/diabetes-staging";
const DELETE: &str = "DELETE containerGroups/diabetes-staging";

fn params(more: &Value) -> Params {
    let mut all = json!({ "azure": account() });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn on<'a>(world: &'a World, params: &'a Params, service: &'a Service) -> Adapter<'a> {
    Adapter::new(world, world, params, service).unwrap()
}

fn actions(changes: &[sprag_sdk::Change]) -> Vec<Action> {
    changes.iter().map(|change| change.action).collect()
}

#[test]
fn a_service_comes_changes_and_goes() {
    let (world, params, service) = (World::new(), params(&json!({})), service(None));
    let adapter = on(&world, &params, &service);
    assert_eq!(adapter.status().unwrap().phase, Phase::Absent);
    assert_eq!(actions(&adapter.plan(&release(1, 'a')).unwrap()), [Action::Create]);
    assert_eq!(world.writes(), [""; 0]);

    let state = adapter.apply(&release(1, 'a')).unwrap();
    assert_eq!((state.phase, state.releases.clone()), (Phase::Ready, vec![weight('a', 100)]));
    assert_eq!(state.endpoint.as_deref(), Some("http://diabetes-staging.westeurope.azurecontainer.io:8080"));
    assert_eq!(world.writes(), [PUT]);
    assert_eq!(adapter.status().unwrap(), state);

    // Nothing is to be done twice.
    assert_eq!(actions(&adapter.plan(&release(1, 'a')).unwrap()), [Action::Keep]);
    assert_eq!(adapter.apply(&release(1, 'a')).unwrap(), state);
    assert_eq!(world.writes(), [""; 0]);

    let changes = adapter.plan(&release(2, 'b')).unwrap();
    assert_eq!(actions(&changes), [Action::Update]);
    assert!(
        changes[0].detail.contains("properties.containers[scorer].properties.image: `models.azurecr.io/diabetes@sha256:aaaa"),
        "{changes:?}"
    );
    assert_eq!(adapter.apply(&release(2, 'b')).unwrap().releases, [weight('b', 100)]);
    assert_eq!(world.writes(), [PUT]);

    assert_eq!(actions(&adapter.destroy().unwrap()), [Action::Delete]);
    assert_eq!(world.writes(), [DELETE]);
    assert_eq!(actions(&adapter.destroy().unwrap()), [Action::Keep]);
    assert_eq!(adapter.status().unwrap().phase, Phase::Absent);
    world.check();
}

#[test]
fn secrets_go_where_azure_keeps_them_to_itself() {
    let world = World::new();
    let params = params(&json!({
        "registry": { "user": "puller", "password": "registry" },
        "environment": { "plain": { "LEVEL": "info" }, "secret": { "EXTRA": "extra" } },
        "revision": "1",
    }));
    let service = service(Some("scoring"));
    let adapter = on(&world, &params, &service);
    assert_eq!(adapter.apply(&release(1, 'a')).unwrap().phase, Phase::Ready);
    let body = world.bodies("containerGroups").remove(0);
    let container = &body["properties"]["containers"][0]["properties"];
    assert_eq!(
        container["environmentVariables"],
        json!([
            { "name": "LEVEL", "value": "info" },
            { "name": "EXTRA", "secureValue": "an extra secret value" },
            { "name": "SPRAG_SERVE_KEY", "secureValue": "bearer-key-of-callers" },
        ])
    );
    let login = json!([{ "server": "models.azurecr.io", "username": "puller", "password": "p@ssw\"rd of the registry" }]);
    assert_eq!(body["properties"]["imageRegistryCredentials"], login);
    assert_eq!(container["resources"]["requests"], json!({ "cpu": 1, "memoryInGB": 4 }));
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    // What is not given back is no difference.
    assert_eq!(actions(&adapter.plan(&release(1, 'a')).unwrap()), [Action::Keep]);
    assert!(world.logs().contains("the bearer key crosses the network in clear"), "{}", world.logs());
    // A secret that changed is put in again by a new word.
    let again = crate::aci::params(&json!({
        "registry": { "user": "puller", "password": "registry" },
        "environment": { "plain": { "LEVEL": "info" }, "secret": { "EXTRA": "extra" } },
        "revision": "2",
    }));
    let changes = on(&world, &again, &service).plan(&release(1, 'a')).unwrap();
    assert_eq!(changes[0].detail, "tags.sprag-revision: `1` -> `2`");
    world.check();
}

#[test]
fn a_managed_identity_pulls_without_a_secret() {
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/puller";
    let (world, params) =
        (World::new(), params(&json!({ "registry": { "identity": id }, "subnet": "/subscriptions/s/subnets/x" })));
    let service = service(None);
    assert_eq!(on(&world, &params, &service).apply(&release(1, 'a')).unwrap().phase, Phase::Ready);
    let body = world.bodies("containerGroups").remove(0);
    assert_eq!(body["identity"], json!({ "type": "UserAssigned", "userAssignedIdentities": { id: {} } }));
    assert_eq!(body["properties"]["imageRegistryCredentials"], json!([{ "server": "models.azurecr.io", "identity": id }]));
    assert_eq!(body["properties"]["ipAddress"]["type"], "Private");
    assert_eq!(actions(&on(&world, &params, &service).plan(&release(1, 'a')).unwrap()), [Action::Keep]);
    world.check();
}

#[test]
fn whatever_moment_it_dies_at_the_next_run_goes_on() {
    let (params, service) = (params(&json!({})), service(None));
    for requests in 0.. {
        let world = World::new();
        world.dies_after(requests);
        let died = on(&world, &params, &service).apply(&release(1, 'a')).is_err();
        world.revives();
        let state = on(&world, &params, &service).apply(&release(1, 'a')).unwrap();
        assert_eq!((state.phase, state.releases), (Phase::Ready, vec![weight('a', 100)]), "died after {requests}");
        assert_eq!(world.writes().iter().filter(|write| *write == PUT).count(), 1, "died after {requests}");
        world.check();
        if !died {
            assert!(requests > 4, "{requests}");
            return;
        }
    }
}

#[test]
fn an_answer_that_is_lost_changes_nothing() {
    let (world, params, service) = (World::new(), params(&json!({})), service(None));
    world.fault("PUT", "containerGroups", What::LoseAnswer);
    let state = on(&world, &params, &service).apply(&release(1, 'a')).unwrap();
    assert_eq!(state.phase, Phase::Ready);
    world.check();
}

#[test]
fn what_only_another_group_can_have_is_said_and_done() {
    let (world, small, service) = (World::new(), params(&json!({ "memory_gb": 1 })), service(None));
    on(&world, &small, &service).apply(&release(1, 'a')).unwrap();
    let _ = world.writes();
    let large = params(&json!({ "memory_gb": 2 }));
    let changes = on(&world, &large, &service).plan(&release(1, 'a')).unwrap();
    assert_eq!(actions(&changes), [Action::Delete, Action::Create]);
    assert!(changes[0].detail.contains("Azure cannot change") && changes[0].detail.contains("memoryInGB: 1 -> 2"), "{changes:?}");
    assert_eq!(on(&world, &large, &service).apply(&release(1, 'a')).unwrap().phase, Phase::Ready);
    assert_eq!(world.writes(), [DELETE, PUT]);
    world.check();
}

#[test]
fn what_fails_says_why() {
    let (params, service) = (params(&json!({})), service(None));
    let state = |world: &World| on(world, &params, &service).apply(&release(1, 'a')).unwrap();
    let failure = |world: &World| on(world, &params, &service).apply(&release(1, 'a')).unwrap_err();

    let world = World::new();
    world.azure.borrow_mut().health.crashing.insert("aaaa".to_owned());
    let crashed = state(&world);
    assert_eq!((crashed.phase, crashed.endpoint), (Phase::Failed, None));
    assert_eq!(crashed.message, "the container ended 4 times: CrashLoopBackOff (exit code 1); Killing container with id 0");

    let world = World::new();
    world.fault("PUT", "containerGroups", What::Fail { code: "ServiceUnavailable", message: "no capacity in the region" });
    let failed = state(&world);
    assert_eq!(failed.phase, Phase::Failed);
    assert!(failed.message.ends_with("ended as `Failed`: ServiceUnavailable: no capacity in the region"), "{}", failed.message);
    // What ended badly is begun again.
    assert_eq!(state(&world).phase, Phase::Ready);

    let world = World::new();
    world.azure.borrow_mut().health.missing.insert("aaaa".to_owned());
    let refused = failure(&world);
    assert!(
        matches!(refused, Failure::BadParams(_)) && refused.message().contains("InaccessibleImage: The image '"),
        "{refused:?}"
    );
}

#[test]
fn refusals_say_what_to_do_and_throttling_is_waited_out() {
    let (params, service) = (params(&json!({})), service(None));
    let refused = |status, code, retry_after| What::Refuse { status, code, retry_after };
    let failure = |what| {
        let world = World::new();
        world.fault("PUT", "containerGroups", what);
        on(&world, &params, &service).apply(&release(1, 'a')).unwrap_err()
    };
    let denied = failure(refused(403, "AuthorizationFailed", None));
    assert!(denied.message().contains("give the identity of the secret a role"), "{denied:?}");
    let quota = failure(refused(409, "ContainerGroupQuotaReached", None));
    assert!(matches!(&quota, Failure::Retry(message) if message.contains("ContainerGroupQuotaReached")), "{quota:?}");

    let world = World::new();
    world.fault("PUT", "containerGroups", refused(429, "TooManyRequests", Some(Duration::from_secs(60))));
    assert_eq!(on(&world, &params, &service).apply(&release(1, 'a')).unwrap().phase, Phase::Ready);
    assert_eq!(world.writes(), [PUT, PUT]);

    let world = World::new();
    world.azure.borrow_mut().revoke_tokens();
    let revoked = on(&world, &params, &service).status().unwrap_err();
    assert!(revoked.message().contains("is the identity of the secret still valid"), "{revoked:?}");
}

#[test]
fn the_group_of_another_is_left_alone() {
    let (world, params, service) = (World::new(), params(&json!({})), service(None));
    on(&world, &params, &service).apply(&release(1, 'a')).unwrap();
    world.azure.borrow_mut().edit(crate::world::GROUP, PATH, |group| group["tags"] = json!({ "owner": "ada" }));
    let _ = world.writes();
    let adapter = on(&world, &params, &service);
    for failure in [
        adapter.plan(&release(1, 'a')).unwrap_err(),
        adapter.apply(&release(1, 'a')).unwrap_err(),
        adapter.status().unwrap_err(),
        adapter.destroy().unwrap_err(),
    ] {
        assert!(failure.message().contains("found something that sprag did not make"), "{failure:?}");
    }
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
fn a_group_cannot_divide_requests() {
    let (world, params, service) = (World::new(), params(&json!({})), service(None));
    let adapter = on(&world, &params, &service);
    let whole = adapter.traffic(&release(1, 'a'), &[weight('a', 100)]).unwrap();
    assert_eq!(whole.releases, [weight('a', 100)]);
    let divided = adapter.traffic(&release(2, 'b'), &[weight('a', 90), weight('b', 10)]).unwrap_err();
    assert!(matches!(&divided, Failure::Unsupported(message) if message.contains("cannot divide requests")), "{divided:?}");
    assert_eq!(package('a').len(), 71);
}

#[test]
fn an_operation_in_the_way_is_waited_for() {
    let (world, params, service) = (World::new(), params(&json!({})), service(None));
    // Another run begins to make the group of another release, and dies.
    world.dies_after(3);
    on(&world, &params, &service).apply(&release(1, 'b')).unwrap_err();
    world.revives();
    let state = on(&world, &params, &service).apply(&release(2, 'a')).unwrap();
    assert_eq!((state.phase, state.releases), (Phase::Ready, vec![weight('a', 100)]));
    assert_eq!(world.writes(), [PUT, PUT]);
    world.check();
}
