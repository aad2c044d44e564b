//! What a data scientist waits for: a fit of the scikit-learn example in each of the two tiers, from the start of its stage to its end.

use std::path::Path;
use std::process::Command;

use crate::measure::{Report, Times, ms};
use crate::process::copy;

/// How often each is run; the first makes what later runs find.
const RUNS: usize = 6;

pub(crate) fn run(report: &mut Report, sprag: &Path, root: &Path, scratch: &Path) {
    let supervised = fits(sprag, root, scratch, None);
    let (supervised_ms, beside) = match &supervised {
        Ok(times) => (Some(times.median()), format!("{} as a confined process", ms(times.median()))),
        Err(why) => (None, why.clone()),
    };
    let Some(wheel) = std::env::var_os("SPRAG_BENCH_HERMETIC") else {
        let what = "scikit-learn in the hermetic tier";
        report.add(what, "`SPRAG_BENCH_HERMETIC` names no wheel".to_owned(), beside, String::new(), None);
        return;
    };
    match fits(sprag, root, scratch, Some(Path::new(&wheel))) {
        Ok(times) => {
            let time = times.median();
            let ratio = supervised_ms.map(|other| format!("{:.1} times as fast", other / time)).unwrap_or_default();
            let goal = Some(("under 1 s", time < 1.0));
            report.add("scikit-learn example, stage to fit, hermetic tier", ms(time), beside, ratio, goal);
        }
        Err(why) => report.add("scikit-learn in the hermetic tier", why, beside, String::new(), None),
    }
}

/// The seconds of the stage `train`, in all runs but the first.
fn fits(sprag: &Path, root: &Path, scratch: &Path, wheel: Option<&Path>) -> Result<Times, String> {
    let tier = if wheel.is_some() { "hermetic" } else { "supervised" };
    let project = scratch.join(tier);
    copy(&root.join("examples/diabetes-sklearn"), &project);
    let command = || {
        let mut command = Command::new(sprag);
        command.current_dir(&project).env("SPRAG_CACHE_DIR", scratch.join("scripts"));
        command
    };
    let said =
        |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("failed").to_owned();
    if let Some(wheel) = wheel {
        let path = project.join("sprag.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let text = text.replace("version = \"3.11\"", "version = \"3.11\"\ntier = \"hermetic\"");
        std::fs::write(&path, text).map_err(|error| error.to_string())?;
        let output = command().args(["python", "install", "--wheel"]).arg(wheel).output().expect("sprag starts");
        if !output.status.success() {
            return Err(said(&output));
        }
    }
    let mut times = vec![];
    for _ in 0..RUNS {
        let output = command().args(["run", "--no-cache", "--format", "json"]).output().expect("sprag starts");
        if !output.status.success() {
            return Err(said(&output));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let events = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let train = events.map(|event| event["record"].clone()).find(|record| record["name"] == "train");
        let train = train.and_then(|record| record["duration-ms"].as_f64()).ok_or("the run told of no training")?;
        times.push(train / 1000.0);
    }
    Ok(Times::of(times.split_off(1)))
}
