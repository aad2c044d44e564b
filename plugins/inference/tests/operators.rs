//! Every operator beside onnxruntime: the same small graphs, the same rows, the same answers.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "how a test says what it could not do here")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use sprag_inference::Model;

/// The features of a row in every case.
const WIDTH: usize = 3;

/// How far an answer of 32 bits may be from onnxruntime's, in parts of it: its exponentials are approximations of their own.
const FLOAT: f64 = 3e-6;

/// The same for 64 bits.
const DOUBLE: f64 = 1e-13;

fn numbers(path: &Path) -> Vec<f64> {
    std::fs::read(path).unwrap().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

fn is_near(found: f64, expected: f64, within: f64) -> bool {
    (found.is_nan() && expected.is_nan()) || found == expected || (found - expected).abs() <= within * expected.abs().max(1.0)
}

#[test]
fn onnxruntime_gives_the_same_answers() {
    let packages = Command::new("python3").args(["-c", "import numpy, onnx, onnxruntime"]).output();
    if !packages.is_ok_and(|output| output.status.success()) {
        // CI installs them; a person may go without.
        assert!(std::env::var_os("CI").is_none(), "expected a python3 with numpy, onnx and onnxruntime");
        eprintln!("not tested here: python3 has no numpy, onnx and onnxruntime");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/onnx_operators.py");
    let written = Command::new("python3").arg(script).arg(folder.path()).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let listed = String::from_utf8(written.stdout).unwrap();
    let mut faults = vec![];
    let mut names = BTreeSet::new();
    for line in listed.lines() {
        let [name, rows, width, kind] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let _new = names.insert(name.to_owned());
        let file = |ending: &str| folder.path().join(format!("{name}.{ending}"));
        let (rows, within) = (rows.parse::<usize>().unwrap(), if kind == "float" { FLOAT } else { DOUBLE });
        let features = numbers(&file("features"));
        assert_eq!(features.len(), rows * WIDTH);
        let plan = Model::decode(&std::fs::read(file("onnx")).unwrap()).and_then(|model| model.plan("answer"));
        let answer = match plan {
            Ok(plan) => plan.run(rows, &features).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let expected = numbers(&file("answer"));
        match answer {
            Err(error) => faults.push(format!("{name}: {error}")),
            Ok(answer) if answer.width.to_string() != width => {
                faults.push(format!("{name}: {} columns for {width}", answer.width));
            }
            Ok(answer) => {
                if let Some(at) = (0..expected.len()).find(|at| !is_near(answer.values[*at], expected[*at], within)) {
                    faults.push(format!("{name}: number {at} is {:?} for {:?}", answer.values[at], expected[at]));
                }
            }
        }
    }
    assert!(names.len() > 120, "{names:?}");
    assert_eq!(faults, [""; 0], "{} of {} cases", faults.len(), names.len());
}
