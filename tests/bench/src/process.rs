//! Whole processes: the diabetes run cold, warm and cached, beside the same steps as one Python script.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::measure::{Report, alone, in_turn, ms};
use crate::python::Python;

pub(crate) fn run(report: &mut Report, sprag: &Path, root: &Path, scratch: &Path, python: &Python) {
    let project = scratch.join("diabetes");
    copy(&root.join("examples/diabetes"), &project);
    let cache = scratch.join("cache");
    let call = |arguments: &[&str]| {
        let status = Command::new(sprag)
            .args(arguments)
            .args(["--project"])
            .arg(&project)
            .env("SPRAG_CACHE_DIR", &cache)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "sprag {arguments:?} failed");
    };
    let fresh = || {
        let _ = fs::remove_dir_all(project.join(".sprag"));
    };

    let help = alone(20, || call(&["--help"]));
    report.add("`sprag --help`", ms(help.median()), String::new(), String::new(), Some(("under 10 ms", help.median() < 0.010)));

    let cold = alone(3, || {
        fresh();
        let _ = fs::remove_dir_all(&cache);
        call(&["run"]);
    });
    report.add("diabetes run, cold: nothing compiled, nothing stored", ms(cold.median()), String::new(), String::new(), None);

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("six_steps.py");
    let (csv, models) = (project.join("data/diabetes.csv"), scratch.join("models"));
    let warm = || {
        fresh();
        call(&["run"]);
    };
    if python.has("sklearn") && python.has("pandas") {
        let (warm, plain) = in_turn(7, warm, || {
            let _ = fs::remove_dir_all(&models);
            python.script(&script, &[&csv, &models]);
        });
        let ratio = plain.median() / warm.median();
        let beside = format!("{} (one Python script)", ms(plain.median()));
        let goal = Some(("1/20 of the script or better", ratio >= 20.0));
        report.add(
            "diabetes run, warm: all stages work, new store",
            ms(warm.median()),
            beside,
            format!("{ratio:.1} times faster"),
            goal,
        );
    } else {
        let warm = alone(7, warm);
        report.add(
            "diabetes run, warm: all stages work, new store",
            ms(warm.median()),
            "no scikit-learn here".into(),
            String::new(),
            None,
        );
    }

    call(&["run"]);
    let again = alone(15, || call(&["run", "--no-cache"]));
    report.add("diabetes run, warm, against production", ms(again.median()), String::new(), String::new(), None);
    call(&["run"]);
    let cached = alone(25, || call(&["run"]));
    let goal = Some(("under 20 ms", cached.median() < 0.020));
    report.add("diabetes run, fully cached", ms(cached.median()), String::new(), String::new(), goal);
}

/// Copies an example without what a run leaves in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the scratch folder can be written");
    for entry in fs::read_dir(from).expect("the example is there").flatten() {
        let name = entry.file_name();
        if name == ".sprag" || name == "sprag.lock" {
            continue;
        }
        let to = to.join(&name);
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("the scratch folder can be written");
        }
    }
}
