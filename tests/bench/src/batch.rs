//! Batch scoring of ten million rows of ten columns from Parquet, beside the same with scikit-learn and pyarrow.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::measure::{Report, in_turn, say};
use crate::process::copy;
use crate::python::Python;

/// How many rows there are.
const ROWS: u32 = 10_000_000;

pub(crate) fn run(report: &mut Report, sprag: &Path, root: &Path, scratch: &Path, python: &Python) {
    if !["sklearn", "pandas", "pyarrow"].iter().all(|package| python.has(package)) {
        say("batch scoring: no scikit-learn, pandas and pyarrow here, which also write the rows");
        return;
    }
    let project = scratch.join("batch");
    copy(&root.join("examples/diabetes"), &project);
    let (csv, rows) = (project.join("data/diabetes.csv"), scratch.join("rows.parquet"));
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR"));
    python.script(&scripts.join("serving/train.py"), &[&csv, scratch]);
    python.script(&scripts.join("batch_rows.py"), &[&csv, Path::new(&ROWS.to_string()), &rows]);
    let call = |arguments: &[&str]| {
        let mut command = Command::new(sprag);
        command.arg("--project").arg(&project).args(arguments).env("SPRAG_CACHE_DIR", scratch.join("batch-cache"));
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "sprag {arguments:?} failed");
    };
    call(&["run"]);
    let text = |path: &Path| path.to_str().expect("a temporary folder has a name of text").to_owned();
    let (input, output) = (text(&rows), text(&scratch.join("scored.parquet")));
    let (model, theirs) = (scratch.join("model.joblib"), scratch.join("theirs.parquet"));
    let (ours, plain) = in_turn(
        2,
        || call(&["score", "diabetes@1", "--input", &input, "--output", &output, "--force"]),
        || python.script(&scripts.join("batch.py"), &[&model, &rows, &theirs]),
    );
    let speed = |seconds: f64| format!("{:.2} million rows/s", f64::from(ROWS) / seconds / 1e6);
    report.add(
        "batch scoring, 10 million rows of 10 columns, Parquet to Parquet",
        speed(ours.median()),
        format!("{} (scikit-learn + pyarrow)", speed(plain.median())),
        format!("{:.2} of its speed", plain.median() / ours.median()),
        None,
    );
}
