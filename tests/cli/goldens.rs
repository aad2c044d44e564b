//! The numbers of scikit-learn 1.9.1, through the whole program. Where they come from: each example's `data/README.md`.

use std::fs::File;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use sprag_schemas::record::RunRecord;

use crate::context::{Csv, Project, metric, root};

/// The mean squared error on the hold-out of a run that `sprag show` gives back.
fn mse(project: &Project) -> f64 {
    metric(&project.run(&["show", "latest", "--json"]).ok().json::<RunRecord>(), "candidate", "mse")
}

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-9, "expected {expected}, found {found}");
}

#[test]
fn diabetes_gives_the_mean_squared_errors_of_scikit_learn() {
    let project = Project::diabetes();
    for (args, expected) in [
        (&[][..], 3298.885589364046),
        (&["--param", "train.alpha=0.4"], 3295.714938563238),
        (&["--param", "train.alpha=0"], 3424.259334298693),
    ] {
        let _ = project.run(&[&["run"], args].concat()).ok();
        assert_close(mse(&project), expected);
    }
}

#[test]
fn the_reference_systems_own_file_gives_its_own_figures() {
    let file = root().join("../shared/data/diabetes.csv");
    if !file.exists() {
        eprintln!("not tested here: `{}` is not beside this checkout", file.display());
        return;
    }
    let project = Project::diabetes();
    project.edit("data/diabetes.csv", file.to_str().unwrap());
    // Its figures are cut to 15 digits: the check holds it against the example's profile all the same.
    for (alpha, expected) in [("0.5", 3298.909605807062), ("0.4", 3295.741064355809)] {
        let _ = project.run(&["run", "--param", &format!("train.alpha={alpha}")]).ok();
        assert_close(mse(&project), expected);
    }
}

#[test]
fn parquet_gives_the_same_model_as_csv() {
    let project = Project::diabetes();
    let from_csv = project.record(&[]);
    write_parquet(&Csv::diabetes(), &project.path("data/diabetes.parquet"));
    project.edit("data/diabetes.csv", "data/diabetes.parquet");
    let from_parquet = project.record(&[]);
    assert_eq!(from_csv.candidate, from_parquet.candidate);
    assert_ne!(from_csv.data, from_parquet.data);
    assert_close(metric(&from_parquet, "candidate", "mse"), 3298.885589364046);
}

#[test]
fn another_task_runs_on_the_same_host() {
    let project = Project::example("breast-cancer");
    let _ = project.run(&["run"]).ok();
    let record: RunRecord = project.run(&["show", "--json"]).ok().json();
    assert_eq!(record.registered.unwrap().to_string(), "breast-cancer@1");
}

/// Writes a table of floats as Parquet.
fn write_parquet(csv: &Csv, path: &std::path::Path) {
    let column = |name: &String| {
        let at = csv.position(name);
        let values: Float64Array = csv.rows.iter().map(|row| row[at].parse::<f64>().unwrap()).map(Some).collect();
        (name.clone(), Arc::new(values) as ArrayRef)
    };
    let batch = RecordBatch::try_from_iter(csv.header.iter().map(column)).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}
