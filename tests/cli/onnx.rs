//! The model's state is ONNX that another program reads: onnxruntime gives the predictions that sprag's own scorer gave.

use std::process::Command;

use sprag_schemas::record::RunRecord;
use sprag_store::Store;

use crate::context::{Project, root, stage};

/// Runs an example without a shuffle, so that its hold-out is the data's last rows, and holds model and predictions against onnxruntime.
fn check(example: &'static str, csv: &str, rows: usize, holdout: usize) {
    let packages = Command::new("python3").args(["-c", "import numpy, onnx, onnxruntime"]).output();
    if !packages.is_ok_and(|output| output.status.success()) {
        // CI installs them; a person may go without.
        assert!(std::env::var_os("CI").is_none(), "expected a python3 with numpy, onnx and onnxruntime");
        eprintln!("not tested here: python3 has no numpy, onnx and onnxruntime");
        return;
    }
    let project = Project::example(example);
    project.edit("random-state = 0", "shuffle = false");
    let record: RunRecord = project.record(&[]);
    let store = Store::open_existing(&project.path(".sprag")).unwrap().expect("the run made it");
    let blob = |digest: &str| store.read_blob(&digest.parse().unwrap()).unwrap();
    project.write("model.onnx", blob(&record.candidate.as_ref().unwrap().state));
    let artifacts = &stage(&record, "evaluate").report.artifacts;
    let predictions = artifacts.iter().find(|artifact| artifact.name == "predictions.csv").expect("the evaluation leaves it");
    project.write("predictions.csv", blob(&predictions.digest));
    let last: Vec<_> = (rows - holdout..rows).map(|row| row.to_string()).collect();
    project.write("rows.txt", last.join("\n"));
    let compared = Command::new("python3")
        .arg(root().join("tests/python/onnx_matches.py"))
        .args([project.path("model.onnx"), project.path(csv), project.path("predictions.csv")])
        .arg("--rows-from")
        .arg(project.path("rows.txt"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&compared.stdout);
    assert!(compared.status.success(), "{told}{}", String::from_utf8_lossy(&compared.stderr));
    assert!(told.contains(&format!("{holdout} values compared")) && told.contains(" 0 faults"), "{told}");
}

#[test]
fn onnxruntime_predicts_what_the_ridge_scorer_predicted() {
    check("diabetes", "data/diabetes.csv", 442, 89);
}

#[test]
fn onnxruntime_predicts_what_the_logistic_scorer_predicted() {
    check("breast-cancer", "data/breast_cancer.csv", 569, 143);
}
