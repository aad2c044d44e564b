//! What would happen, told without anything happening.

use insta::assert_snapshot;
use serde_json::Value;
use sprag_schemas::exit_code;
use sprag_test_programs::CHECK;

use crate::context::Project;

/// Nothing was begun and nothing written.
#[track_caller]
fn assert_untouched(project: &Project) {
    assert!(!project.path(".sprag").exists(), "no store");
    assert!(!project.path("sprag.lock").exists(), "no lockfile");
}

#[test]
fn a_dry_run_shows_stages_components_rights_and_limits() {
    let project = Project::diabetes();
    project.edit(
        "[stages.train]",
        "[stages.train]\ngrants = { env = [\"SEASON\"], clock = \"real\" }\nlimits = { memory = \"64MiB\" }",
    );
    assert_snapshot!(project.run(&["run", "--dry-run"]).ok().text(), @r#"
    sanity-check  would run
      plugin   check-tabular 0.1.0 @ sha256:[DIGEST]
      imports  sprag:data/tables@0.1.0, sprag:run/blobs@0.1.0, sprag:run/context@0.1.0, sprag:stage/types@0.1.0, 13 of WASI, inert
      grants   none
      limits   memory=2GiB, time=10m, handles=10000, call=128MiB, logs=1MiB, stderr=64KiB, metrics=10000, findings=1000, artifacts=1GiB, model=4GiB
    unit-test  would run
      plugin   test-regressor 0.1.0 @ sha256:[DIGEST]
      imports  sprag:data/tables@0.1.0, sprag:run/blobs@0.1.0, sprag:run/context@0.1.0, sprag:stage/harness@0.1.0, sprag:stage/score@0.1.0, sprag:stage/train@0.1.0, sprag:stage/types@0.1.0, 13 of WASI, inert
      grants   none
      limits   memory=2GiB, time=10m, handles=10000, call=128MiB, logs=1MiB, stderr=64KiB, metrics=10000, findings=1000, artifacts=1GiB, model=4GiB
    train  would run
      plugin   train-ridge 0.1.0 @ sha256:[DIGEST]
      imports  sprag:data/tables@0.1.0, sprag:linalg/kernels@0.1.0, sprag:run/blobs@0.1.0, sprag:run/context@0.1.0, sprag:stage/types@0.1.0, 13 of WASI, inert
      grants   clock=real, env=SEASON
      limits   memory=64MiB, time=10m, handles=10000, call=128MiB, logs=1MiB, stderr=64KiB, metrics=10000, findings=1000, artifacts=1GiB, model=4GiB
      params   alpha=0.5
    evaluate  depends on `train`
      plugin   evaluate-regression 0.1.0 @ sha256:[DIGEST]
      imports  sprag:data/tables@0.1.0, sprag:run/artifacts@0.1.0, sprag:run/blobs@0.1.0, sprag:run/context@0.1.0, sprag:stage/models@0.1.0, sprag:stage/types@0.1.0, 13 of WASI, inert
      grants   none
      limits   memory=2GiB, time=10m, handles=10000, call=128MiB, logs=1MiB, stderr=64KiB, metrics=10000, findings=1000, artifacts=1GiB, model=4GiB
      params   bounds=[{"at_least":0.25,"metric":"r2"}], metric="mse"
    register  depends on `train`
      plugin   register-local 0.1.0 @ sha256:[DIGEST]
      imports  sprag:run/context@0.1.0, sprag:stage/models@0.1.0, sprag:stage/registry@0.1.0, sprag:stage/types@0.1.0, 13 of WASI, inert
      grants   none
      limits   memory=2GiB, time=10m, handles=10000, call=128MiB, logs=1MiB, stderr=64KiB, metrics=10000, findings=1000, artifacts=1GiB, model=4GiB
      params   alias="production", tags={"area":"diabetes"}
    "#);
    assert_untouched(&project);
}

#[test]
fn a_dry_run_tells_what_the_cache_has() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let heads = |args: &[&str]| {
        let text = project.run(&[&["run", "--dry-run"], args].concat()).ok().text();
        text.lines().filter(|line| !line.starts_with(' ')).map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_snapshot!(heads(&[]), @r"
    sanity-check  cached from run [RUN]
    unit-test  cached from run [RUN]
    train  cached from run [RUN]
    evaluate  cached from run [RUN]
    register  depends on `evaluate`
    ");
    assert_snapshot!(heads(&["--param", "train.alpha=0.4"]), @r"
    sanity-check  cached from run [RUN]
    unit-test  cached from run [RUN]
    train  would run
    evaluate  depends on `train`
    register  depends on `train`
    ");
    let _ = project.run(&["run", "--param", "train.alpha=0.4"]).ok();
    assert_snapshot!(heads(&[]), @r"
    sanity-check  cached from run [RUN]
    unit-test  cached from run [RUN]
    train  cached from run [RUN]
    evaluate  would run
    register  depends on `evaluate`
    ");
}

#[test]
fn the_plan_is_json_for_programs() {
    let project = Project::diabetes();
    let dry: Vec<Value> = project.run(&["run", "--dry-run", "--format", "json"]).ok().json();
    assert_eq!(dry, project.run(&["check", "--json"]).ok().json::<Vec<Value>>());
    let names: Vec<_> = dry.iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["sanity-check", "unit-test", "train", "evaluate", "register"]);
    for key in
        ["kind", "plugin", "plugin-version", "digest", "imports", "grants", "limits", "params", "cached-from", "depends-on"]
    {
        assert!(dry[2].get(key).is_some(), "no `{key}` in {}", dry[2]);
    }
    assert_untouched(&project);
}

#[test]
fn a_check_runs_no_guest() {
    let project = Project::diabetes();
    // This one would trap, and say so, in the moment that it ran.
    project.edit("plugin = \"check-tabular\"", &format!("plugin = \"{CHECK}\"\nparams = {{ act = \"panic\" }}"));
    assert_snapshot!(project.run(&["check"]).ok().text(), @"ok: diabetes: 5 stages, nothing to object to");
    let _ = project.run(&["run", "--dry-run"]).ok();
    assert_untouched(&project);
}

#[test]
fn a_check_finds_what_a_run_would_stumble_over() {
    let project = Project::diabetes();
    project.edit("alpha = 0.5", "alpha = -0.5");
    let _ = project.run(&["check"]).exits(exit_code::BAD_PROJECT);
    project.edit("alpha = -0.5", "alpha = 0.5");
    let _ = project.run(&["check", "--param", "train.alpha=-0.5"]).exits(exit_code::BAD_PROJECT);
    let _ = project.run(&["check"]).ok();
    assert_untouched(&project);
}
