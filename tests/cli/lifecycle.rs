//! What becomes of a candidate: promoted, kept or blocked, and what the person is told.

use insta::assert_snapshot;
use sprag_schemas::exit_code;
use sprag_schemas::record::{RunOutcome, RunRecord, StageStatus};

use crate::context::{Project, metric, ran, stage};

#[test]
fn the_first_run_promotes_and_registers_the_first_version() {
    let project = Project::diabetes();
    let first = project.run(&["run"]).ok();
    assert_snapshot!(first.told(), @r"
    exit code 0
    passed    sanity-check  check-tabular 0.1.0 [TIME]  nothing to object to
    passed    unit-test     test-regressor 0.1.0 [TIME]  [N] test cases passed
    passed    train         train-ridge 0.1.0 [TIME]  a model of [SIZE] (application/onnx)
    passed    evaluate      evaluate-regression 0.1.0 [TIME]  the first model, since none is in production yet; mse is 3298.89; the other condition holds
    passed    register      register-local 0.1.0 [TIME]  diabetes@1 is `production`

    promoted: the first model, since none is in production yet; mse is 3298.89; the other condition holds
      trained     train-ridge 0.1.0 on `data/diabetes.csv`, target `Y`, alpha=0.5
      registered  diabetes@1
      run         [RUN]

                                candidate
      mse                        3298.886
      rmse                       57.43593
      mae                        45.49514
      r2                        0.3566824
    ");
    assert!(first.text().contains("\n  evaluate: candidate mse 3298.886\n"), "metrics are told as they arrive: {}", first.text());
    assert_snapshot!(project.run(&["models"]).ok().text(), @"diabetes  1 version  production -> 1");
}

#[test]
fn a_second_run_keeps_does_no_work_and_says_so() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    assert_snapshot!(project.run(&["run"]).ok().told(), @r"
    exit code 0
    passed    sanity-check  check-tabular 0.1.0             cached  nothing to object to
    passed    unit-test     test-regressor 0.1.0            cached  [N] test cases passed
    passed    train         train-ridge 0.1.0               cached  a model of [SIZE] (application/onnx)
    passed    evaluate      evaluate-regression 0.1.0       cached  the candidate is the model in production, diabetes@1, bit for bit
    skipped   register      register-local 0.1.0                    the candidate was not promoted

    kept: the candidate is the model in production, diabetes@1, bit for bit
      trained     train-ridge 0.1.0 on `data/diabetes.csv`, target `Y`, alpha=0.5
      work        none: every stage's result was in the cache
      run         [RUN]

                                candidate     diabetes@1     difference
      mse                        3298.886       3298.886              0
      rmse                       57.43593       57.43593              0
      mae                        45.49514       45.49514              0
      r2                        0.3566824      0.3566824              0
    ");
    let record = project.record(&[]);
    assert_eq!((record.outcome, ran(&record)), (RunOutcome::Kept, vec![]));
}

#[test]
fn the_champion_against_itself_shows_no_figures_of_the_one_before() {
    let project = Project::diabetes();
    let better = ["run", "--param", "train.alpha=0.4"];
    let _ = project.run(&["run"]).ok();
    let _ = project.run(&better).ok();
    let _ = project.run(&better).ok();
    let record: RunRecord = project.run(&["show", "--json"]).ok().json();
    assert_eq!((record.outcome, ran(&record)), (RunOutcome::Kept, vec![]));
    assert_eq!(metric(&record, "candidate", "mse").to_bits(), metric(&record, "production", "mse").to_bits());
    assert!(stage(&record, "evaluate").report.artifacts.is_empty(), "the artifacts compare with version 1");
}

#[test]
fn a_better_candidate_becomes_the_next_version() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    assert_snapshot!(project.run(&["run", "--param", "train.alpha=0.4"]).ok().told(), @r"
    exit code 0
    passed    sanity-check  check-tabular 0.1.0             cached  nothing to object to
    passed    unit-test     test-regressor 0.1.0            cached  [N] test cases passed
    passed    train         train-ridge 0.1.0 [TIME]  a model of [SIZE] (application/onnx)
    passed    evaluate      evaluate-regression 0.1.0 [TIME]  mse 3295.71 is 3.17 (0.096 %) lower than that of production `diabetes@1` (3298.89); 95 % interval of the difference -50 to 46.9; the other condition holds
    passed    register      register-local 0.1.0 [TIME]  diabetes@2 is `production`

    promoted: mse 3295.71 is 3.17 (0.096 %) lower than that of production `diabetes@1` (3298.89); 95 % interval of the difference -50 to 46.9; the other condition holds
      trained     train-ridge 0.1.0 on `data/diabetes.csv`, target `Y`, alpha=0.4
      registered  diabetes@2
      run         [RUN]

                                candidate     diabetes@1     difference
      mse                        3295.715       3298.886      -3.170651
      rmse                       57.40832       57.43593    -0.02760827
      mae                        45.33678       45.49514     -0.1583538
      r2                        0.3573007      0.3566824  +0.0006183104
    ");
}

#[test]
fn a_worse_candidate_is_kept_out_and_that_is_a_success() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    assert_snapshot!(project.run(&["run", "--param", "train.alpha=0"]).ok().told(), @r"
    exit code 0
    passed    sanity-check  check-tabular 0.1.0             cached  nothing to object to
    passed    unit-test     test-regressor 0.1.0            cached  [N] test cases passed
    passed    train         train-ridge 0.1.0 [TIME]  a model of [SIZE] (application/onnx)
    passed    evaluate      evaluate-regression 0.1.0 [TIME]  mse 3424.26 is 125 (3.8 %) higher than that of production `diabetes@1` (3298.89)
    skipped   register      register-local 0.1.0                    the candidate was not promoted

    kept: mse 3424.26 is 125 (3.8 %) higher than that of production `diabetes@1` (3298.89)
      trained     train-ridge 0.1.0 on `data/diabetes.csv`, target `Y`, alpha=0
      run         [RUN]

                                candidate     diabetes@1     difference
      mse                        3424.259       3298.886      +125.3737
      rmse                       58.51717       57.43593      +1.081245
      mae                        46.17359       45.49514     +0.6784496
      r2                        0.3322332      0.3566824    -0.02444921
    ");
    assert_snapshot!(project.run(&["models"]).ok().text(), @"diabetes  1 version  production -> 1");
}

#[test]
fn a_candidate_that_breaks_a_bound_is_blocked_even_as_the_first() {
    let project = Project::diabetes();
    project.edit("at_least = 0.25", "at_least = 0.9");
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BLOCKED).told(), @r"
    exit code 3
    passed    sanity-check  check-tabular 0.1.0 [TIME]  nothing to object to
    passed    unit-test     test-regressor 0.1.0 [TIME]  [N] test cases passed
    passed    train         train-ridge 0.1.0 [TIME]  a model of [SIZE] (application/onnx)
    blocked   evaluate      evaluate-regression 0.1.0 [TIME]  r2 0.356682 must be at least 0.9
      error[bound-broken]: r2 0.356682 must be at least 0.9
    skipped   register      register-local 0.1.0                    `evaluate` blocked the run

    blocked: `evaluate` blocked the run: r2 0.356682 must be at least 0.9
      trained     train-ridge 0.1.0 on `data/diabetes.csv`, target `Y`, alpha=0.5
      run         [RUN]

                                candidate
      mse                        3298.886
      rmse                       57.43593
      mae                        45.49514
      r2                        0.3566824
    ");
    assert_snapshot!(project.run(&["models"]).ok().redacted(&project.run(&["models"]).stderr), @"no model is registered yet");
}

#[test]
fn a_first_model_and_a_better_one_and_the_first_again() {
    let project = Project::diabetes();
    let alpha = |alpha: &str| project.record(&["--param", &format!("train.alpha={alpha}")]);
    let versions: Vec<_> = ["0.5", "0.4", "0.5", "0.4"].map(alpha).into_iter().map(|run| (run.outcome, run.registered)).collect();
    let outcomes: Vec<_> = versions.iter().map(|(outcome, _)| *outcome).collect();
    assert_eq!(outcomes, [RunOutcome::Promoted, RunOutcome::Promoted, RunOutcome::Kept, RunOutcome::Kept]);
    assert!(versions[2].1.is_none() && versions[3].1.is_none(), "one model is not registered twice");
}

#[test]
fn a_failed_unit_test_blocks_before_anything_is_trained() {
    let project = Project::diabetes();
    project.edit("plugin = \"test-regressor\"", &format!("plugin = \"{}\"", sprag_test_programs::TESTER));
    project
        .edit("[stages.train]", "[stages.unit-test.params]\nact = \"params\"\ntrainer = '{ \"alpha\": -1 }'\n\n[stages.train]");
    let run = project.run(&["run"]).exits(exit_code::BLOCKED);
    assert_snapshot!(run.told(), @r"
    exit code 3
    passed    sanity-check  check-tabular 0.1.0 [TIME]  nothing to object to
    blocked   unit-test     program-tester 0.1.0 [TIME]  1 of 1 test case failed: params: `alpha`: -1 is less than the minimum of 0.0
      failed params: `alpha`: -1 is less than the minimum of 0.0
    skipped   train         train-ridge 0.1.0                       `unit-test` blocked the run
    skipped   evaluate      evaluate-regression 0.1.0               `unit-test` blocked the run
    skipped   register      register-local 0.1.0                    `unit-test` blocked the run

    blocked: `unit-test` blocked the run: 1 of 1 test case failed: params: `alpha`: -1 is less than the minimum of 0.0
      run         [RUN]
    ");
    let record = project.record(&[]);
    assert!(record.candidate.is_none());
    assert_eq!(stage(&record, "train").status, StageStatus::Skipped);
}

#[test]
fn a_blocked_check_is_blocked_from_the_cache_too() {
    let project = Project::diabetes();
    project.edit("[stages.sanity-check]", "[stages.sanity-check]\nparams = { min_rows = 1000 }");
    let _ = project.run(&["run"]).exits(exit_code::BLOCKED);
    let again = project.run(&["run"]).exits(exit_code::BLOCKED);
    assert_snapshot!(again.told(), @r"
    exit code 3
    blocked   sanity-check  check-tabular 0.1.0             cached  1 finding: expected at least 1000 rows, found 442
      error[row-count]: expected at least 1000 rows, found 442
    skipped   unit-test     test-regressor 0.1.0                    `sanity-check` blocked the run
    skipped   train         train-ridge 0.1.0                       `sanity-check` blocked the run
    skipped   evaluate      evaluate-regression 0.1.0               `sanity-check` blocked the run
    skipped   register      register-local 0.1.0                    `sanity-check` blocked the run

    blocked: `sanity-check` blocked the run: 1 finding: expected at least 1000 rows, found 442
      work        none: every stage's result was in the cache
      run         [RUN]
    ");
}

#[test]
fn without_the_cache_every_stage_does_its_work_again() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let record = project.record(&["--no-cache"]);
    assert_eq!((record.outcome, ran(&record)), (RunOutcome::Kept, vec!["sanity-check", "unit-test", "train", "evaluate"]));
}

#[test]
fn a_project_without_a_gate_just_trains() {
    let project = Project::small("a,y\n1,2\n2,4\n3,6.5\n4,8\n5,9.5\n");
    project.edit("\n[stages.evaluate]\nplugin = \"evaluate-regression\"\n", "");
    let run = project.run(&["run"]).ok();
    assert_snapshot!(run.told(), @r"
    exit code 0
    passed    train         train-ridge 0.1.0 [TIME]  a model of [SIZE] (application/onnx)

    succeeded: all stages passed
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
}

#[test]
fn the_project_is_found_from_a_folder_inside_it_and_by_name() {
    let project = Project::diabetes();
    let _ = project.sprag(&["check"]).dir(project.path("data")).run().ok();
    let _ = project.sprag(&["check", "--project", "diabetes"]).dir(project.outside()).run().ok();
    let _ = project.sprag(&["check"]).dir("/").env("SPRAG_PROJECT", project.root()).run().ok();
    assert_snapshot!(project.sprag(&["check"]).dir(project.outside()).run().exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: expected a project file `sprag.toml` in `[TEMP]`, found none

    hint: make one with `sprag new`, or name the folder with `--project`
    ");
}

#[test]
fn data_that_changed_scores_production_again() {
    let project = Project::diabetes();
    let mse_of = |split: &str| {
        let record: serde_json::Value = project.run(&["show", "latest", "--json"]).ok().json();
        let stages = record["stages"].as_array().unwrap();
        let evaluate = stages.iter().find(|stage| stage["kind"] == "evaluate").unwrap();
        let metrics = evaluate["report"]["metrics"].as_array().unwrap();
        let found = metrics.iter().find(|metric| metric["name"] == "mse" && metric["split"] == split);
        found.unwrap_or_else(|| panic!("no mse of the {split} in {metrics:?}"))["value"].as_f64().unwrap()
    };
    let _ = project.run(&["run"]).ok();
    let stored = mse_of("candidate");
    let _ = project.run(&["run", "--param", "train.alpha=0.6"]).ok();
    assert_eq!(mse_of("production"), stored, "the same rows give the same figure");

    // A tenth of the rows is gone, and with it another part of them is held out.
    let data = project.read("data/diabetes.csv");
    let fewer: Vec<_> = data.lines().take(1 + 400).collect();
    project.write("data/diabetes.csv", fewer.join("\n") + "\n");
    let _ = project.run(&["run", "--param", "train.alpha=0.6"]).ok();
    let again = mse_of("production");
    assert!((again - stored).abs() > 1.0, "{again} is measured on the new hold-out, and {stored} was on the old one");
}
