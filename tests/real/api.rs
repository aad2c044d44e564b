//! The server's API under programs that were not written for it: a fuzzer that reads its OpenAPI document, and the client for Python.

use std::process::Command;

use serde_json::{Value, json};

use crate::context::{Project, Service, root};
use crate::part::{is_here, output};

fn server() -> (Project, Service) {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let _ = project.run(&["publish"]).ok();
    let service = Service::of(&project, project.sprag(&["server", "--listen", "127.0.0.1:0", "--ready-file", "ready"]), &[]);
    (project, service)
}

#[test]
fn nothing_that_a_fuzzer_sends_is_answered_otherwise_than_the_document_says() {
    if !is_here("schemathesis", &["--version"]) {
        return;
    }
    let (project, service) = server();
    let checks =
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection";
    let url = format!("http://{}/openapi.json", service.address);
    let mut fuzzer = Command::new("schemathesis");
    fuzzer.args([
        "run",
        &url,
        "--checks",
        checks,
        "--max-examples",
        "20",
        "--request-timeout",
        "20",
        "--seed",
        "1",
        "--no-color",
    ]);
    let done = fuzzer.current_dir(project.outside()).output().unwrap();
    assert!(done.status.success(), "{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    // Whatever came in, the server is there, and nothing it was not asked for ran.
    assert_eq!(service.client().get("/healthz").status, 200);
    let told = service.stop();
    assert!(!told.stderr.contains("panicked"), "{}", told.stderr);
}

#[test]
fn the_client_for_python_starts_a_run_and_reads_records_into_pandas() {
    if !is_here("python3", &["-c", "import pandas"]) {
        return;
    }
    let (_project, service) = server();
    let source = root().join("host/server/client/src").display().to_string();
    let script = root().join("tests/real/client.py").display().to_string();
    let url = format!("http://{}", service.address);
    let told = output("env", &[&format!("PYTHONPATH={source}"), "python3", &script, &url]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["same"], &told["outcome"], &told["events"]),
        (&json!(true), &json!("promoted"), &json!(["run-started", "run-finished"]))
    );
    assert_eq!(told["problem"][0], 404);
    assert!(told["problem"][1].as_str().unwrap().contains("hint: `sprag publish` publishes the project"), "{told}");
    let columns = told["columns"].as_array().unwrap();
    assert!(columns.contains(&json!("evaluate.candidate.mse")) && columns.contains(&json!("tag.notebook")), "{told}");
    assert!((told["mse"].as_f64().unwrap() - 3295.7).abs() < 1.0, "{told}");
    assert_eq!((&told["kinds"], &told["shown"]), (&json!(true), &json!("Server('http://x')")));
}
