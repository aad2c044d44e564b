//! Runs, models and aliases, as the commands that only read show them.

use insta::assert_snapshot;
use serde_json::Value;
use sprag_schemas::exit_code;
use sprag_schemas::record::{AliasEntry, ModelVersion, RunOutcome, RunRecord};

use crate::context::Project;

/// A project with three runs: promoted, promoted, kept.
fn project() -> Project {
    let project = Project::diabetes();
    for alpha in ["0.5", "0.4", "0"] {
        let _ = project.run(&["run", "--param", &format!("train.alpha={alpha}")]).ok();
    }
    project
}

#[test]
fn runs_are_listed_newest_first() {
    let project = project();
    assert_snapshot!(project.run(&["runs"]).ok().text(), @r"
    [RUN]  kept        mse 3424.26 is 129 (3.9 %) higher than that of production `diabetes@2` (3295.71)
    [RUN]  promoted    diabetes@2  mse 3295.71 is 3.17 (0.096 %) lower than that of production `diabetes@1` (3298.89); 95 % interval of the difference -50 to 46.9; the other condition holds
    [RUN]  promoted    diabetes@1  the first model, since none is in production yet; mse is 3298.89; the other condition holds
    ");
    let runs: Vec<RunRecord> = project.run(&["runs", "--json"]).ok().json();
    let outcomes: Vec<_> = runs.iter().map(|run| run.outcome).collect();
    assert_eq!(outcomes, [RunOutcome::Kept, RunOutcome::Promoted, RunOutcome::Promoted]);
    assert_eq!(project.run(&["runs", "--limit", "1", "--json"]).ok().json::<Vec<RunRecord>>(), runs[..1]);
}

#[test]
fn a_run_is_shown_whole() {
    let project = project();
    assert_snapshot!(project.run(&["show"]).ok().text(), @r"
    kept: mse 3424.26 is 129 (3.9 %) higher than that of production `diabetes@2` (3295.71)
      trained     train-ridge 0.1.0 on `data/diabetes.csv`, target `Y`, alpha=0
      run         [RUN]
      started     [WHEN] by tester
      data        data/diabetes.csv sha256:[DIGEST], 442 rows

                                candidate     diabetes@2     difference
      mse                        3424.259       3295.715      +128.5444
      rmse                       58.51717       57.40832      +1.108854
      mae                        46.17359       45.33678     +0.8368034
      r2                        0.3322332      0.3573007    -0.02506752

    passed    sanity-check  check-tabular 0.1.0             cached  nothing to object to
      data rows                                 442
      data duplicate_share                        0
      AGE psi                           0.001864918
      AGE ks                             0.01122172
      SEX psi                          0.0000112038
      SEX ks                            0.001674208
      BMI psi                           0.002273037
      BMI ks                             0.01067873
      BP psi                            0.003007246
      BP ks                               0.0120362
      S1 psi                            0.001397641
      S1 ks                              0.01126697
      S2 psi                           0.0003819111
      S2 ks                             0.008371041
      S3 psi                            0.003117624
      S3 ks                              0.01113122
      S4 psi                             0.00411178
      S4 ks                              0.01104072
      S5 psi                            0.001185325
      S5 ks                              0.01180995
      S6 psi                            0.003543549
      S6 ks                              0.01113122
      Y psi                            0.0007819671
      Y ks                              0.008280543

    passed    unit-test     test-regressor 0.1.0            cached  [N] test cases passed

    passed    train         train-ridge 0.1.0 [TIME]  a model of [SIZE] (application/onnx)
      training mse                         2734.751
      training r2                          0.553925
      training coefficient_norm             1257.56

    passed    evaluate      evaluate-regression 0.1.0 [TIME]  mse 3424.26 is 129 (3.9 %) higher than that of production `diabetes@2` (3295.71)
      candidate mse                        3424.259
      production mse                       3295.715
      candidate rmse                       58.51717
      production rmse                      57.40832
      candidate mae                        46.17359
      production mae                       45.33678
      candidate r2                        0.3322332
      production r2                       0.3573007
      artifact evaluation.json (application/json, [SIZE]) sha256:[DIGEST]
      artifact predictions.csv (text/csv, [SIZE]) sha256:[DIGEST]

    skipped   register      register-local 0.1.0                    the candidate was not promoted
    ");
}

#[test]
fn a_run_is_found_by_its_id_a_part_of_it_or_as_the_latest() {
    let project = project();
    let runs: Vec<RunRecord> = project.run(&["runs", "--json"]).ok().json();
    let show = |run: &str| project.run(&["show", run, "--json"]).ok().json::<RunRecord>();
    for run in &runs {
        assert_eq!(show(&run.id), *run);
        assert_eq!(show(&run.id[run.id.len() - 4..]), *run);
    }
    assert_eq!(show("latest"), runs[0]);
    let error = project.run(&["show", "20200101"]).exits(exit_code::BAD_PROJECT).error();
    assert_snapshot!(error, @r"
    exit code 2
    error: no run is called `20200101`; the nearest are `[RUN]`, `[RUN]`, `[RUN]`

    hint: `sprag runs` lists all runs; `latest` means the newest
    ");
    // All ids of this test begin with the year.
    let error = project.run(&["show", "20"]).exits(exit_code::BAD_PROJECT).error();
    assert_snapshot!(error, @r"
    exit code 2
    error: `20` may mean several runs: `[RUN]`, `[RUN]`, `[RUN]`

    hint: write more of the id
    ");
}

#[test]
fn two_runs_are_compared() {
    let project = project();
    let runs: Vec<RunRecord> = project.run(&["runs", "--json"]).ok().json();
    let compared = project.run(&["compare", &runs[2].id, &runs[1].id]).ok();
    assert_snapshot!(compared.text(), @r"
    [RUN] and [RUN]
      candidate                        sha256:[DIGEST] -> sha256:[DIGEST]
      production                       none -> diabetes@1
      train alpha                      0.5 -> 0.4

      metric                                            first         second     difference
      evaluate candidate mae                         45.49514       45.33678     -0.1583538
      evaluate candidate mse                         3298.886       3295.715      -3.170651
      evaluate candidate r2                         0.3566824      0.3573007  +0.0006183104
      evaluate candidate rmse                        57.43593       57.40832    -0.02760827
      evaluate production mae                            none       45.49514
      evaluate production mse                            none       3298.886
      evaluate production r2                             none      0.3566824
      evaluate production rmse                           none       57.43593
      train training coefficient_norm                622.3953        660.046      +37.65077
      train training mse                             2989.262       2927.955      -61.30709
      train training r2                             0.5124108      0.5224108    +0.01000002
      24 metrics are the same in both
    ");
    let compared: Value = project.run(&["compare", &runs[2].id, "--json"]).ok().json();
    assert_eq!((&compared["first"], &compared["second"]), (&Value::from(&*runs[2].id), &Value::from(&*runs[0].id)));
    let alpha =
        compared["differences"].as_array().unwrap().iter().find(|difference| difference["what"] == "train alpha").unwrap();
    assert_eq!((&alpha["first"], &alpha["second"]), (&Value::from("0.5"), &Value::from("0")));
    assert_snapshot!(project.run(&["compare", &runs[0].id, &runs[0].id]).ok().text().lines().nth(1).unwrap(), @"  the same data, components, parameters and outcome");
}

#[test]
fn models_are_listed_with_their_aliases() {
    let project = project();
    assert_snapshot!(project.run(&["models"]).ok().text(), @"diabetes  2 versions, the newest is 2  production -> 2");
    assert_snapshot!(project.run(&["models", "--json"]).ok().text(), @r#"
    [
      {
        "name": "diabetes",
        "versions": 2,
        "latest": 2,
        "aliases": {
          "production": 2
        }
      }
    ]
    "#);
}

#[test]
fn a_version_is_shown_with_what_it_came_from() {
    let project = project();
    assert_snapshot!(project.run(&["model", "show", "diabetes@2"]).ok().text(), @r#"
    diabetes@2
      model       sha256:[DIGEST]
      scorer      sha256:[DIGEST]
      state       sha256:[DIGEST] (application/onnx, [SIZE])
      registered  [WHEN] by tester
      run         [RUN]
      data        data/diabetes.csv sha256:[DIGEST]
      decision    mse 3295.71 is 3.17 (0.096 %) lower than that of production `diabetes@1` (3298.89); 95 % interval of the difference -50 to 46.9; the other condition holds
      tag         area=diabetes
      evaluate    evaluate-regression 0.1.0 sha256:[DIGEST] bounds=[{"at_least":0.25,"metric":"r2"}] metric="mse"
      register    register-local 0.1.0 sha256:[DIGEST] alias="production" tags={"area":"diabetes"}
      sanity-check check-tabular 0.1.0 sha256:[DIGEST]
      train       train-ridge 0.1.0 sha256:[DIGEST] alpha=0.4
      unit-test   test-regressor 0.1.0 sha256:[DIGEST]
      inputs      AGE: float, SEX: float, BMI: float, BP: float, S1: float, S2: float, S3: float, S4: float, S5: float, S6: float
      outputs     prediction: float
      candidate.mae                        45.33678
      candidate.mse                        3295.715
      candidate.r2                        0.3573007
      candidate.rmse                       57.40832
      production.mae                       45.49514
      production.mse                       3298.886
      production.r2                       0.3566824
      production.rmse                      57.43593
      training.coefficient_norm             660.046
      training.mse                         2927.955
      training.r2                         0.5224108
    "#);
    let show = |model: &str| project.run(&["model", "show", model, "--json"]).ok().json::<ModelVersion>();
    assert_eq!(show("diabetes@production"), show("diabetes@2"));
    assert_eq!(show("diabetes"), show("diabetes@2"));
    assert_ne!(show("diabetes@1").model.digest, show("diabetes@2").model.digest);
    let error = |model: &str| project.run(&["model", "show", model]).exits(exit_code::BAD_PROJECT).error();
    assert_snapshot!(error("diabetes@3"), @r"
    exit code 2
    error: the model `diabetes` has no version 3; it has versions 1 to 2

    hint: `diabetes` alone means the newest version
    ");
    assert_snapshot!(error("diabetes@staging"), @r"
    exit code 2
    error: the model `diabetes` has no alias `staging`; it has `production`

    hint: `diabetes` alone means the newest version
    ");
    assert_snapshot!(error("iris"), @r"
    exit code 2
    error: no model is called `iris`; registered are `diabetes`

    hint: `sprag models` lists the models; `sprag run` with a `register` stage adds one
    ");
}

#[test]
fn the_history_of_an_alias_says_who_when_and_why_and_only_grows() {
    let project = Project::diabetes();
    let history = || project.run(&["model", "history", "--json"]).ok().json::<Vec<AliasEntry>>();
    let run = |alpha: &str, user: &str| {
        let alpha = format!("train.alpha={alpha}");
        let _ = project.sprag(&["run", "--param", &alpha]).env("SPRAG_USER", user).run().ok();
    };
    run("0.5", "ada");
    let first = history();
    run("0.4", "grace");
    run("0", "edsger");
    let second = history();
    assert_eq!(first.len(), 1);
    assert_eq!(second[1..], first[..], "an entry never changes");
    let who: Vec<_> = second.iter().map(|entry| (entry.version, entry.by.as_str(), entry.run_id.is_some())).collect();
    assert_eq!(who, [(2, "grace", true), (1, "ada", true)]);
    assert!(second[0].at > second[1].at && !second[0].reason.is_empty());
    assert_snapshot!(project.run(&["model", "history", "production"]).ok().text(), @r"
    [WHEN]  diabetes@2  by grace in run [RUN]  mse 3295.71 is 3.17 (0.096 %) lower than that of production `diabetes@1` (3298.89); 95 % interval of the difference -50 to 46.9; the other condition holds
    [WHEN]  diabetes@1  by ada in run [RUN]  the first model, since none is in production yet; mse is 3298.89; the other condition holds
    ");
    assert_eq!(project.run(&["model", "history", "diabetes@production", "--json"]).ok().json::<Vec<AliasEntry>>(), second);
    assert_snapshot!(project.run(&["model", "history", "staging"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: expected a history of `diabetes@staging`, found none

    hint: `sprag models` lists the models with their aliases
    ");
}

#[test]
fn an_alias_of_another_name_is_the_one_to_beat() {
    let project = Project::diabetes();
    project.edit("[split]", "[model]\nname = \"progression\"\nchampion = \"staging\"\n\n[split]");
    project.edit("alias = \"production\"", "alias = \"staging\"");
    let _ = project.run(&["run"]).ok();
    let record = project.record(&["--param", "train.alpha=0.4"]);
    assert_eq!(
        (record.production.unwrap().to_string(), record.registered.unwrap().to_string()),
        ("progression@1".into(), "progression@2".into())
    );
    let history: Vec<AliasEntry> = project.run(&["model", "history", "staging", "--json"]).ok().json();
    assert_eq!(history.len(), 2);
}
