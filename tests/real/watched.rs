//! Other objects in Azure Blob Storage, as Azurite has it, start a run.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::context::{Hidden, Project, Service, root};
use crate::part::{Server, free_port, is_here, output};

#[test]
fn other_objects_below_a_prefix_start_a_run_and_no_signature_is_left_anywhere() {
    let packages = root().join("target/ci-node/node_modules").display().to_string();
    if !is_here("node", &["-e", &format!("require('{packages}/@azure/storage-blob'); require.resolve('{packages}/azurite')")]) {
        return;
    }
    let project = Project::example("diabetes");
    let (port, folder) = (free_port(), project.outside().join("azurite"));
    let mut azurite = Command::new("node");
    azurite.arg(format!("{packages}/azurite/dist/src/blob/main.js")).args([
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        &port.to_string(),
    ]);
    azurite.arg("--location").arg(&folder).args(["--silent", "--skipApiVersionCheck", "--disableTelemetry"]);
    let _azurite = Server::start(&mut azurite, port, "/");
    let script = root().join("tests/real/azure/blobs.cjs").display().to_string();
    let put = |name: &str, text: &str| output("node", &[&script, &packages, &port.to_string(), name, text]).trim().to_owned();
    let signature = put("diabetes/2026-01.csv", "a,b\n1,2\n");
    let address = format!("http://127.0.0.1:{port}/devstoreaccount1/data?restype=container&comp=list&prefix=diabetes/");
    project.append(&format!(
        "\n[secrets.sas]\nenv = \"SAS\"\n\n[triggers.blobs]\nwatch = \"{address}\"\nsecret = \"sas\"\nevery = \"100ms\"\n"
    ));
    let _ = project.run(&["publish"]).ok();
    let server = project.sprag(&["server", "--listen", "127.0.0.1:0", "--ready-file", "ready"]).env("SAS", &signature);
    let service = Service::of(&project, server, &[]);
    let runs = || -> Vec<Value> { serde_json::from_value(service.client().get("/api/v1/runs").json()).unwrap() };
    // What is there at first is what there is.
    let store = sprag_store::Store::open(&project.path(".sprag")).unwrap();
    wait_until(|| store.trigger_state("diabetes", "blobs").unwrap().is_some());
    // An object beside the prefix is none of it.
    let _ = put("other/2026-01.csv", "a,b\n");
    assert_eq!(runs().len(), 0);
    let _ = put("diabetes/2026-02.csv", "a,b\n3,4\n");
    wait_until(|| runs().iter().any(|run| run["outcome"] != "running"));
    let found = runs();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["trigger"]["cause"], "watch");
    let by = found[0]["trigger"]["by"].as_str().unwrap();
    assert!(by.starts_with(&format!("`http://127.0.0.1:{port}/devstoreaccount1/data` has other objects: sha256:")), "{by}");
    let told = service.stop().ok();
    assert!(!told.stderr.contains("sig="), "{}", told.stderr);
    Hidden::of(&signature).is_nowhere_under(&project.root());
}

#[track_caller]
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed().as_secs() < 60, "it never came to that");
        std::thread::sleep(Duration::from_millis(20));
    }
}
