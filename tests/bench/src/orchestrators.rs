//! Other orchestrators' local servers, for what `sprag server` is held against: how soon they answer, and how soon a task begins that was asked for.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::measure::{Report, Times, ms};

/// Their names, and the variables that name a Python which has them.
const OTHERS: [(&str, &str); 2] = [("prefect", "SPRAG_BENCH_PREFECT"), ("dagster", "SPRAG_BENCH_DAGSTER")];

/// Seconds.
#[derive(Deserialize)]
struct Measured {
    up: f64,
    latencies: Vec<f64>,
}

/// Measures those that are there, beside what was measured of sprag: seconds until it answers, and from a request to the first stage.
pub(crate) fn run(report: &mut Report, (up, first): (f64, f64), scratch: &Path) {
    for (name, variable) in OTHERS {
        let Some(python) = std::env::var_os(variable) else {
            report.add(
                &format!("{name}'s local server"),
                String::new(),
                format!("`{variable}` names no Python that has it"),
                String::new(),
                None,
            );
            continue;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("orchestrators.py");
        let output = Command::new(python).arg(script).arg(name).arg(scratch.join(name)).output();
        let measured = output.ok().and_then(|output| serde_json::from_slice::<Measured>(&output.stdout).ok());
        let Some(Measured { up: theirs, latencies }) = measured else {
            report.add(
                &format!("{name}'s local server"),
                String::new(),
                "it could not be measured".to_owned(),
                String::new(),
                None,
            );
            continue;
        };
        let latency = Times::of(latencies).median();
        let ratio = |theirs: f64, ours: f64| format!("{:.0} times as fast", theirs / ours);
        report.add("a server until it answers", ms(up), format!("{} {name}", ms(theirs)), ratio(theirs, up), None);
        report.add(
            "API call to the first task running",
            ms(first),
            format!("{} {name}", ms(latency)),
            ratio(latency, first),
            None,
        );
    }
}
