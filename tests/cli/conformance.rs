//! `sprag plugin test`: what every plugin of a kind must do, and what an author's own cases ask for.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use serde_json::{Value, json};
use sprag_schemas::exit_code;
use sprag_test_programs::{CHECK, TRAINER};

use crate::context::{Outcome, Project, root};

/// The status of each case, with what was found.
fn cases(report: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let cases = report["cases"].as_array().unwrap().iter();
    cases.map(|case| (text(&case["case"]), text(&case["status"]), text(&case["found"]))).collect()
}

#[track_caller]
fn failed(outcome: Outcome) -> Vec<(String, String)> {
    let report: Value = outcome.exits(exit_code::BLOCKED).json();
    assert_eq!(report["conforms"], false);
    cases(&report).into_iter().filter(|(_, status, _)| status == "failed").map(|(case, _, found)| (case, found)).collect()
}

#[test]
fn every_built_in_plugin_conforms() {
    let project = Project::none();
    for (name, ..) in sprag_builtin::PLUGINS {
        // How soon one stops says as much of the machine.
        let mut args = vec!["plugin", "test", name, "--json", "--skip", "cancelled"];
        match name {
            "evaluate-classification" | "test-classifier" => args.extend(["--trainer", "train-logistic"]),
            // It trains nothing: what it takes is a file of the project, which no case has.
            "train-onnx" => {
                let cases = ["golden", "same-in-pieces", "damaged-state", "million-rows", "out-of-memory", "out-of-time"];
                args.extend(cases.iter().flat_map(|case| ["--skip", *case]));
            }
            _ => {}
        }
        let report: Value = project.run(&args).ok().json();
        assert_eq!(report["conforms"], true, "{name}");
        let passed: Vec<_> =
            cases(&report).into_iter().filter(|(_, status, _)| status == "passed").map(|(case, ..)| case).collect();
        assert!(passed.contains(&"contract".to_owned()) && passed.len() >= 3, "{name}: {passed:?}");
    }
}

#[test]
fn a_trainer_passes_what_the_kit_has() {
    let report: Value = Project::none().run(&["plugin", "test", "train-ridge", "--json"]).ok().json();
    let told: String = cases(&report)
        .iter()
        .filter(|(case, ..)| case != "cancelled")
        .fold(String::new(), |told, (case, status, found)| told + format!("{status} {case} {found}").trim_end() + "\n");
    assert_snapshot!(told);
}

#[test]
fn what_a_bad_trainer_does_is_found() {
    let project = Project::none();
    let with = |act: &str, more: &[&str]| {
        let params = json!({ "act": act }).to_string();
        failed(project.run(&[&["plugin", "test", TRAINER, "--json", "--params", &params], more].concat()))
    };
    let (case, found) = with("train-trap", &["--case", "golden"]).remove(0);
    assert_eq!(case, "golden");
    assert!(found.contains("expected `ok`, found `trap`") && found.contains("the trainer fell over"), "{found}");
    let (_, found) = with("train-refuse", &["--case", "golden"]).remove(0);
    assert_eq!(found, "expected `ok`, found `bad-input`: bad input: this trainer takes no data");
    // Its scorer takes whatever it is given for a model.
    let (_, found) = with("x", &["--case", "damaged-state"]).remove(0);
    assert_eq!(found, "it took an empty state for a model");
    let (_, found) = with("train-loop", &["--case", "cancelled"]).remove(0);
    assert!(found.contains("it went on for 2 s after it was asked to stop"), "{found}");
    let (_, found) = with("load-trap", &["--case", "same-twice"]).remove(0);
    assert!(found.contains("found `trap`") && found.contains("the scorer fell over"), "{found}");
}

#[test]
fn a_check_that_never_ends_passes_its_time_and_no_more() {
    let project = Project::none();
    let params = json!({ "act": "loop" }).to_string();
    let report: Value =
        project.run(&["plugin", "test", CHECK, "--json", "--params", &params, "--case", "out-of-time"]).ok().json();
    assert_eq!(cases(&report)[0].1, "passed", "{report}");
}

/// Writes a case of the author's.
fn own(project: &Project, name: &str, text: &str) {
    project.write(&format!("mine/cases/{name}/case.toml"), text);
}

#[test]
fn an_author_s_cases_hold_a_plugin_to_its_figures() {
    let project = Project::none();
    let ridge = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == "train-ridge").unwrap().1;
    project.write("mine/build/plugin.wasm", ridge);
    for file in ["line/case.toml", "line/rows.csv", "line/predictions.csv", "negative/case.toml"] {
        project.write(&format!("mine/cases/{file}"), fs::read(root().join("plugins/train-ridge/cases").join(file)).unwrap());
    }
    let report: Value = project.run(&["plugin", "test", "mine", "--case", "line", "--case", "negative", "--json"]).ok().json();
    assert_eq!(report["cases"].as_array().unwrap().len(), 2);
    project.write("mine/cases/line/predictions.csv", "prediction\n3\n5\n7\n9.5\n");
    let found = failed(project.run(&["plugin", "test", "mine", "--case", "line", "--json"]));
    assert!(found[0].1.starts_with("row 4: expected `prediction` to be 9.5 within 0.000000001, found 9"), "{found:?}");

    // A report for a person, and one for a CI system.
    let told = project.run(&["plugin", "test", "mine", "--case", "line", "--case", "golden", "--junit", "report.xml"]);
    let told = told.exits(exit_code::BLOCKED).stdout;
    assert!(told.contains("FAILED  line") && told.contains("it must find the line that the points are on\n"), "{told}");
    assert!(told.ends_with("train-ridge 0.1.0 does not conform to `train`: 1 passed, 1 failed, 0 skipped\n"), "{told}");
    let xml = project.read("report.xml");
    assert!(xml.contains("tests=\"2\"") && xml.contains("failures=\"1\"") && xml.contains("it must find the line that"), "{xml}");
}

#[test]
fn what_is_no_case_is_told() {
    let project = Project::none();
    let refused = |args: &[&str]| project.run(args).exits(exit_code::BAD_PROJECT).stderr;
    let unknown = refused(&["plugin", "test", "train-ridge", "--case", "gold"]);
    assert!(
        unknown.contains("expected a case for `train` (`contract`, `golden`,") && unknown.contains("found `gold`"),
        "{unknown}"
    );
    fs::create_dir_all(project.path("mine/cases/typo")).unwrap();
    own(&project, "typo", "must = \"x\"\nact = \"jump\"\n");
    let cases = project.path("mine/cases");
    let cases = cases.to_str().unwrap();
    let typo = refused(&["plugin", "test", "train-ridge", "--cases", cases]);
    assert!(typo.contains("typo/case.toml") && typo.contains("unknown variant `jump`") && typo.contains("line 2"), "{typo}");
    let params = refused(&["plugin", "test", "train-ridge", "--params", "alpha=1"]);
    assert!(params.contains("`--params`: expected a JSON object, found `alpha=1`"), "{params}");
    let trainer = refused(&["plugin", "test", "evaluate-regression", "--trainer", "check-tabular"]);
    assert!(trainer.contains("expected a plugin of the kind `train`, found `check-tabular`"), "{trainer}");
    assert!(Path::new(cases).is_dir());
    let listed = project.run(&["plugin", "test", "notify-webhook", "--list"]).ok().stdout;
    assert!(listed.contains("malformed-event") && !listed.contains("one-row"), "{listed}");
}
