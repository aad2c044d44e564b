//! The Open Inference Protocol as a client of others speaks it: `tritonclient`, which NVIDIA publishes.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::context::{Project, Service, root};
use crate::part::has_python;

/// Runs the client against a service, and gives what it printed.
#[track_caller]
fn ask(address: &str, version: &str, rows: &Value) -> Value {
    let mut command = Command::new("python3");
    command.arg(root().join("tests/python/triton_infer.py")).args([address, "diabetes", version]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(rows.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn tritonclient_gets_the_predictions_of_the_other_protocol_to_the_last_bit() {
    if !has_python("tritonclient.http, numpy") {
        return;
    }
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let service = Service::start(&project, &["@production"]);
    // Whole numbers, so that single precision holds them, too.
    let rows = json!([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]);
    let expected = service.client().post("/score", json!({ "data": rows }).to_string().as_bytes()).json()["result"].take();
    let told = ask(&service.address.to_string(), "1", &rows);

    assert_eq!((&told["server"]["name"], &told["server"]["extensions"]), (&json!("sprag"), &json!(["binary_tensor_data"])));
    assert_eq!(told["health"], json!([true, true, true, false]));
    let metadata = &told["metadata"];
    assert_eq!((&metadata["name"], &metadata["versions"]), (&json!("diabetes"), &json!(["1"])));
    assert_eq!(metadata["inputs"][2], json!({ "name": "BMI", "datatype": "FP64", "shape": [-1] }));
    assert_eq!(metadata["inputs"].as_array().unwrap().len(), 10);
    for (how, answer) in told["answers"].as_object().unwrap() {
        assert_eq!(answer, &expected, "{how}");
    }
    let refused = |what: &str| {
        let refusal = &told["refusals"][what];
        (refusal[0].as_str().unwrap(), refusal[1].as_str().unwrap())
    };
    let (status, message) = refused("a column is missing");
    assert!(status == "422" && message.contains("`S6`"), "{status} {message}");
    let (status, message) = refused("a column is text");
    assert!(status == "422" && message.contains("`AGE`"), "{status} {message}");
    assert_eq!(refused("another model"), ("404", "expected the model `diabetes`, found `other`"));
    assert_eq!(refused("another version"), ("404", "expected the version `1`, found `99`"));
    assert_eq!(refused("a compressed body"), ("415", "expected a body without compression, found `gzip`"));
    assert_eq!(service.client().get("/readyz").status, 200);
}
