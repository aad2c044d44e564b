//! Azure, as the emulator stands in for it: driven by Microsoft's own client, by the built components, and by the program.

mod components;
mod program;

use std::path::PathBuf;

use emulator_azure::{Azure, Fault, Running, Schemas, Settings, What};
use serde_json::{Value, json};

use crate::context::root;
use crate::part::{is_here, output};

/// The resource group of all tests.
const GROUP: &str = "mlops";

/// An Azure of its own, on a port of its own.
fn azure() -> Running {
    let schemas = Schemas::beside_the_checkout();
    if schemas.is_none() {
        eprintln!(
            "not tested here: bodies against Azure's published schemas, since `../shared/azure` is not beside the checkout"
        );
    }
    let settings = Settings { looks: 1, ..Settings::default() };
    Running::start(Azure::new(settings, schemas).with_group(GROUP, "westeurope"), 0).unwrap()
}

/// The folder in which `.ci/run` installs what tests need of npm.
fn packages() -> PathBuf {
    root().join("target/ci-node/node_modules")
}

#[test]
fn microsoft_s_own_client_gets_what_it_expects() {
    let packages = packages().display().to_string();
    if !is_here("node", &["-e", &format!("require('{packages}/@azure/arm-containerinstance')")]) {
        return;
    }
    let azure = azure();
    let fault = What::Fail { code: "NoCapacity", message: "there is no capacity" };
    azure.azure().faults.push(Fault::next("PUT", "containerGroups/broken", fault));
    let Settings { tenant, client_id, client_secret, subscription, .. } = Settings::default();
    let script = root().join("tests/real/azure/client.cjs").display().to_string();
    let url = azure.url();
    let told = output("node", &[&script, &packages, &url, &tenant, &client_id, &client_secret, &subscription, GROUP]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        told["made"],
        json!({
            "state": "Succeeded",
            "fqdn": "real-one.westeurope.azurecontainer.io",
            "variables": [{ "name": "OPEN", "value": "1" }, { "name": "CLOSED" }],
        })
    );
    assert_eq!(told["running"], "Running");
    assert_eq!((&told["conflict"]["status"], &told["conflict"]["code"]), (&json!(409), &json!("ContainerGroupTransitioning")));
    assert_eq!((&told["names"], &told["tags"]), (&json!(["one", "two"]), &json!({ "owner": "ada" })));
    let failed = told["failed"].to_string();
    assert!(failed.contains("NoCapacity") || failed.contains("there is no capacity"), "{failed}");
    assert_eq!((&told["gone"]["status"], &told["gone"]["code"]), (&json!(404), &json!("ResourceNotFound")));
    assert_eq!((&told["nobody"]["status"], &told["nobody"]["code"]), (&json!(401), &json!("AuthenticationFailed")));
}
