//! `provision-azure`.

use std::time::Duration;

use emulator_azure::{Settings, What};
use provision_azure::{Adapter, Params};
use serde_json::{Value, json};
use sprag_sdk::{Action, Change, Failure};

use crate::world::{GROUP, World, account};

const KINDS: [&str; 9] = [
    "resource group mlops",
    "storage account diabetesstorage",
    "key vault diabetes-vault",
    "log analytics workspace diabetes-logs",
    "application insights diabetes-insights",
    "container registry diabetesregistry",
    "machine learning workspace diabetes-workspace",
    "compute cluster train-cluster",
    "environment 1",
];

fn params(more: &Value) -> Params {
    let mut all = json!({
        "azure": account(),
        "base": "diabetes",
        "compute": { "train-cluster": {} },
        "environments": { "training": { "version": "1", "image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04" } },
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

/// A workspace `team` for other tests.
pub(crate) fn workspace(world: &World) {
    let params = params(&json!({ "names": { "workspace": "team" }, "compute": {}, "environments": {} }));
    on(world, &params).apply().unwrap();
    world.azure.borrow_mut().asked.clear();
}

fn on<'a>(world: &'a World, params: &'a Params) -> Adapter<'a> {
    Adapter::new(world, world, params).unwrap()
}

fn told(changes: &[Change]) -> Vec<(Action, &str)> {
    changes.iter().map(|change| (change.action, change.subject.as_str())).collect()
}

fn all(action: Action) -> Vec<(Action, &'static str)> {
    KINDS.iter().map(|kind| (action, *kind)).collect()
}

#[test]
fn everything_is_made_once() {
    let (world, params) = (World::new(), params(&json!({ "tags": { "project": "diabetes" } })));
    let group = account()["resource_group"].as_str().unwrap().to_owned();
    let delete = format!("/subscriptions/{}/resourceGroups/{group}", Settings::default().subscription);
    world.forget_group(&delete);
    assert_eq!(told(&on(&world, &params).plan().unwrap()), all(Action::Create));
    assert_eq!(world.writes(), [""; 0]);
    assert_eq!(told(&on(&world, &params).apply().unwrap()), all(Action::Create));
    assert_eq!(world.writes().len(), KINDS.len());
    // Again nothing is changed, and it says so.
    assert_eq!(told(&on(&world, &params).apply().unwrap()), all(Action::Keep));
    assert_eq!(told(&on(&world, &params).plan().unwrap()), all(Action::Keep));
    assert_eq!(world.writes(), [""; 0]);
    let compute =
        world.resource("Microsoft.MachineLearningServices/workspaces/diabetes-workspace/computes/train-cluster").unwrap();
    let inner = &compute["properties"]["properties"];
    assert_eq!((&inner["vmPriority"], &inner["vmSize"]), (&json!("LowPriority"), &json!("STANDARD_DS2_V2")));
    let scale = json!({ "minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT300S" });
    assert_eq!(inner["scaleSettings"], scale);
    world.check();
}

#[test]
fn what_differs_is_changed_and_nothing_beside_it() {
    let (world, before) = (World::new(), params(&json!({})));
    on(&world, &before).apply().unwrap();
    let storage = "Microsoft.Storage/storageAccounts/diabetesstorage";
    let rules = json!({ "defaultAction": "Deny", "ipRules": [{ "value": "20.0.0.1" }] });
    world.azure.borrow_mut().edit(GROUP, storage, |account| account["properties"]["networkAcls"] = rules.clone());
    let _ = world.writes();
    let after =
        params(&json!({ "storage": "Standard_ZRS", "compute": { "train-cluster": { "max_nodes": 8, "idle_seconds": 600 } } }));
    let planned = on(&world, &after).plan().unwrap();
    let updated: Vec<_> = planned.iter().filter(|change| change.action != Action::Keep).collect();
    assert_eq!(updated.len(), 2, "{planned:?}");
    assert_eq!(updated[0].detail, "sku.name: `Standard_LRS` -> `Standard_ZRS`");
    assert!(
        updated[1].detail.contains("maxNodeCount: 4 -> 8") && updated[1].detail.contains("`PT300S` -> `PT600S`"),
        "{updated:?}"
    );
    assert_eq!(on(&world, &after).apply().unwrap(), planned);
    let computes = "PATCH workspaces/diabetes-workspace/computes/train-cluster";
    assert_eq!(world.writes(), ["PATCH storageAccounts/diabetesstorage", computes]);
    assert_eq!(world.resource(storage).unwrap()["properties"]["networkAcls"], rules, "what others set stays");
    assert_eq!(told(&on(&world, &after).apply().unwrap()), all(Action::Keep));
    world.check();
}

#[test]
fn what_cannot_be_changed_is_said_before_anything_is() {
    let (world, before) = (World::new(), params(&json!({})));
    on(&world, &before).apply().unwrap();
    let _ = world.writes();
    let after = params(&json!({ "storage": "Standard_ZRS", "compute": { "train-cluster": { "size": "STANDARD_DS3_V2" } } }));
    for failure in [on(&world, &after).plan().unwrap_err(), on(&world, &after).apply().unwrap_err()] {
        assert!(matches!(&failure, Failure::BadParams(_)), "{failure:?}");
        let words =
            "found compute cluster train-cluster to differ: properties.properties.vmSize: `STANDARD_DS2_V2` -> `STANDARD_DS3_V2`";
        assert!(failure.message().contains(words), "{failure:?}");
    }
    let image = params(&json!({ "environments": { "training": { "version": "1", "image": "other" } } }));
    assert!(on(&world, &image).apply().unwrap_err().message().contains("found environment 1 to differ: properties.image"));
    assert_eq!(world.writes(), [""; 0]);
    let nodes = params(&json!({ "compute": { "c": { "min_nodes": 5, "max_nodes": 4 } } }));
    assert!(
        on(&world, &nodes)
            .plan()
            .unwrap_err()
            .message()
            .contains("`compute.c.min_nodes` to be at most `max_nodes`, found 5 and 4")
    );
}

#[test]
fn whatever_moment_it_dies_at_the_next_run_goes_on() {
    let params = params(&json!({}));
    // Each step takes a while: every seventh moment is as good as every one.
    for requests in (0..).step_by(7) {
        let world = World::new();
        world.dies_after(requests);
        let died = on(&world, &params).apply().is_err();
        world.revives();
        on(&world, &params).apply().unwrap();
        let puts = world.writes().len();
        assert_eq!(puts, KINDS.len() - 1, "died after {requests}: the group was there, all else is made once");
        assert_eq!(told(&on(&world, &params).apply().unwrap()), all(Action::Keep));
        world.check();
        if !died {
            assert!(requests > 40, "{requests}");
            return;
        }
    }
}

#[test]
fn a_step_that_fails_is_told_and_done_again() {
    let (world, params) = (World::new(), params(&json!({})));
    world.fault("PUT", "/computes/", What::Fail { code: "ClusterCoreQuotaReached", message: "no cores are left" });
    let failed = on(&world, &params).apply().unwrap_err();
    assert!(failed.message().contains("ClusterCoreQuotaReached: no cores are left"), "{failed:?}");
    let planned = on(&world, &params).plan().unwrap();
    assert_eq!(told(&planned)[7..], [(Action::Update, KINDS[7]), (Action::Create, KINDS[8])]);
    on(&world, &params).apply().unwrap();
    assert_eq!(told(&on(&world, &params).apply().unwrap()), all(Action::Keep));

    let denied = World::new();
    denied.fault("PUT", "/registries/", What::Refuse { status: 403, code: "AuthorizationFailed", retry_after: None });
    let refused = on(&denied, &params).apply().unwrap_err();
    assert!(refused.message().contains("Contributor of the resource group"), "{refused:?}");
    let slow = World::new();
    slow.fault(
        "PUT",
        "/vaults/",
        What::Refuse { status: 429, code: "TooManyRequests", retry_after: Some(Duration::from_secs(17)) },
    );
    on(&slow, &params).apply().unwrap();
    let other = crate::provision::params(
        &json!({ "azure": { "subscription": "other", "resource_group": GROUP, "location": "westeurope" } }),
    );
    assert!(on(&slow, &other).plan().unwrap_err().message().contains("expected the subscription `other`"));
}
