//! `sprag swap`: another plugin for a stage, with what it may do more, and everything else as it was.

use std::fs;

use serde_json::Value;
use sprag_schemas::exit_code;
use sprag_schemas::lockfile::Lockfile;
use sprag_schemas::record::RunOutcome;
use sprag_test_programs::MEAN_TRAINER;

use crate::context::{Project, stage};

/// The diabetes example with its lockfile.
fn locked() -> Project {
    let project = Project::diabetes();
    let _ = project.run(&["lock"]).ok();
    project
}

/// The same, with an environment that a trainer may run scripts in.
fn ready() -> Project {
    let project = Project::diabetes();
    project.edit("params = { alpha = 0.5 }\n", "grants = { processes = [\"plain\"] }\n");
    project.append("\n[python.plain]\nlock = \"requirements.txt\"\nversion = \"3.11\"\n");
    project.write("requirements.txt", "# nothing\n");
    project
}

/// What a command must not change.
fn files(project: &Project) -> (String, String) {
    (project.read("sprag.toml"), project.read("sprag.lock"))
}

#[test]
fn a_file_takes_the_stage_and_all_else_stays() {
    let project = locked();
    project.edit("params = { alpha = 0.5 }\n", "");
    fs::create_dir(project.outside().join("mine")).unwrap();
    fs::copy(MEAN_TRAINER, project.outside().join("mine/trainer.wasm")).unwrap();
    let before = project.read("sprag.toml");
    let swapped = project.run(&["swap", "train", "../mine/trainer.wasm"]).ok();
    assert!(swapped.stdout.starts_with("train: train-ridge 0.1.0 -> ../mine/trainer.wasm 0.1.0\n"), "{}", swapped.stdout);
    assert!(swapped.stdout.ends_with("changed: sprag.toml and sprag.lock\n"), "{}", swapped.stdout);
    assert_eq!(project.read("sprag.toml"), before.replace("\"train-ridge\"", "\"../mine/trainer.wasm\""), "comments and all");
    let record = project.record(&["--locked"]);
    assert_eq!(stage(&record, "train").plugin.name, "mean-trainer");
    // Back again, by the name of a built-in plugin, from another folder.
    let _ = project.run(&["swap", "train", "train-ridge"]).ok();
    assert_eq!(project.read("sprag.toml"), before);
    assert_eq!(project.record(&["--locked"]).outcome, RunOutcome::Promoted);
}

#[test]
fn more_rights_are_shown_and_want_a_yes() {
    let project = ready();
    let _ = project.run(&["lock"]).ok();
    let before = files(&project);
    let refused = project.run(&["swap", "train", "train-python"]).exits(exit_code::REFUSED);
    assert!(
        refused.stdout.contains("may do more:\n  + ") && refused.stdout.contains("sprag:run/processes@0.1.0"),
        "{}",
        refused.stdout
    );
    assert!(refused.stderr.contains("stage `train`: `train-python` may do more than the plugin before, and nothing was changed"));
    assert!(refused.stderr.contains("agree with `--yes`"), "{}", refused.stderr);
    assert_eq!(files(&project), before);
    let tried: Value = project.run(&["swap", "train", "train-python", "--dry-run", "--json"]).ok().json();
    assert_eq!((&tried["changed"], &tried["before"]["plugin"]), (&false.into(), &"train-ridge".into()));
    let imports: Vec<_> =
        tried["more"]["imports"].as_array().unwrap().iter().map(|import| import["name"].as_str().unwrap()).collect();
    assert!(imports.contains(&"sprag:run/processes@0.1.0"), "{imports:?}");
    assert_eq!(files(&project), before);
    let agreed: Value = project.run(&["swap", "train", "train-python", "--yes", "--json"]).ok().json();
    assert_eq!(agreed["changed"], true);
    let lock = Lockfile::parse(&project.read("sprag.lock")).unwrap();
    assert_eq!(lock.stage("train").unwrap().plugin, "train-python");
    // The way back gives rights up, which nobody has to agree to.
    let back = project.run(&["swap", "train", "train-ridge"]).ok();
    assert!(back.stdout.contains("may no longer:\n  - "), "{}", back.stdout);
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let project = locked();
    let before = files(&project);
    let refused = |args: &[&str]| project.run(args).exits(exit_code::BAD_PROJECT).stderr;
    let kind = refused(&["swap", "train", "check-tabular"]);
    assert!(kind.contains("stage `train`: plugin `check-tabular`") && kind.contains("of the world `trainer`"), "{kind}");
    let stage = refused(&["swap", "fit", "train-ridge"]);
    assert!(stage.contains("expected a stage of the project (`evaluate`, `register`, `sanity-check`,"), "{stage}");
    let plugin = refused(&["swap", "train", "train-lasso"]);
    assert!(plugin.contains("found `train-lasso`") && plugin.contains("hint: the built-in plugins: "), "{plugin}");
    // The parameters are those of the plugin before.
    let params = refused(&["swap", "train", "train-logistic"]);
    assert!(params.contains("alpha") && params.contains("sprag plugin inspect"), "{params}");
    let unbuilt = refused(&["swap", "train", "data"]);
    assert!(unbuilt.contains("data"), "{unbuilt}");
    assert_eq!(files(&project), before);
}

#[test]
fn a_project_without_a_lockfile_is_compared_as_it_stands() {
    let project = ready();
    let _ = project.run(&["swap", "train", "train-python"]).exits(exit_code::REFUSED);
    assert!(!project.path("sprag.lock").exists());
    let _ = project.run(&["swap", "train", MEAN_TRAINER]).ok();
    assert!(project.path("sprag.lock").exists());
}
