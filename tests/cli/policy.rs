//! `policy.toml`: what a platform team lets projects do.

use insta::assert_snapshot;
use serde_json::Value;
use sprag_schemas::exit_code;

use crate::context::{Project, stage};

const BUILT_IN: &str = "[[plugins]]\nfrom = [\"built-in\"]\n";

/// A project with a grant, and a policy of its user that is not about it.
fn asking() -> Project {
    let project = Project::diabetes();
    project.edit("params = { alpha = 0.5 }", "params = { alpha = 0.5 }\ngrants = { env = [\"SEASON\"] }");
    of_user(&project, BUILT_IN);
    project
}

/// Writes the policy of the project's user.
fn of_user(project: &Project, text: &str) {
    let folder = project.outside().join("home/.config/sprag");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("policy.toml"), text).unwrap();
}

#[test]
fn a_refusal_names_what_was_asked_the_rule_and_what_would_allow_it() {
    let project = asking();
    assert_snapshot!(project.run(&["run"]).exits(exit_code::REFUSED).error(), @r#"
    exit code 4
    error: [TEMP]/diabetes/sprag.toml:29: stage `train`: plugin `train-ridge` asks for env=SEASON; [TEMP]/home/.config/sprag/policy.toml refuses it: no `[[grants]]` for `train` stages of `diabetes` names `env`

    hint: to allow it, whoever keeps `[TEMP]/home/.config/sprag/policy.toml` adds
      [[grants]]
      kinds = ["train"]
      projects = ["diabetes"]
      env = ["SEASON"]
    "#);
    for args in [&["check"][..], &["lock"], &["run", "--dry-run"], &["provision"]] {
        let refused = project.run(args).exits(exit_code::REFUSED).error();
        assert!(refused.contains("asks for env=SEASON"), "{args:?}: {refused}");
    }
    assert!(!project.path(".sprag").exists() && !project.path("sprag.lock").exists(), "nothing was begun");
    // What it says to add is enough.
    let explained: Value = project.run(&["policy", "explain", "--json"]).exits(exit_code::REFUSED).json();
    let decisions = explained["decisions"].as_array().unwrap();
    let refused: Vec<_> = decisions.iter().filter(|decision| decision["is-allowed"] == false).collect();
    assert_eq!(refused.len(), 1);
    of_user(&project, &format!("{BUILT_IN}\n{}", refused[0]["remedy"].as_str().unwrap()));
    let record = project.record(&[]);
    assert_eq!(record.policies.len(), 1);
    assert_eq!(record.policies[0].digest, explained_digest(&project));
    assert_eq!(stage(&record, "train").plugin.grants, ["env=SEASON"]);
}

fn explained_digest(project: &Project) -> String {
    let explained: Value = project.run(&["policy", "explain", "--json"]).ok().json();
    explained["policies"][0]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn explain_says_which_line_decided() {
    let project = asking();
    assert_snapshot!(project.run(&["policy", "explain", "train"]).exits(exit_code::REFUSED).text(), @r#"
    policy [TEMP]/home/.config/sprag/policy.toml sha256:[DIGEST]
    train train train-ridge
      allowed to run         [TEMP]/home/.config/sprag/policy.toml:2 from `built-in`
      refused env=SEASON     [TEMP]/home/.config/sprag/policy.toml no `[[grants]]` for `train` stages of `diabetes` names `env`
        what would allow it:
          [[grants]]
          kinds = ["train"]
          projects = ["diabetes"]
          env = ["SEASON"]
      allowed memory=2GiB    [TEMP]/home/.config/sprag/policy.toml no rule names `memory`, so the most is 2GiB
      allowed time=10m       [TEMP]/home/.config/sprag/policy.toml no rule names `time`, so the most is 10m
    "#);
    assert_snapshot!(project.run(&["policy", "explain", "evaluate"]).ok().text(), @r"
    policy [TEMP]/home/.config/sprag/policy.toml sha256:[DIGEST]
    evaluate evaluate evaluate-regression
      allowed to run         [TEMP]/home/.config/sprag/policy.toml:2 from `built-in`
      allowed memory=2GiB    [TEMP]/home/.config/sprag/policy.toml no rule names `memory`, so the most is 2GiB
      allowed time=10m       [TEMP]/home/.config/sprag/policy.toml no rule names `time`, so the most is 10m
    ");
    assert_snapshot!(project.run(&["policy", "explain", "fit"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: expected a stage of the project (`sanity-check`, `unit-test`, `train`, `evaluate`, `register`), found `fit`
    ");
    let none = Project::diabetes();
    assert_snapshot!(none.run(&["policy", "explain"]).ok().text(), @"no policy is in force: sprag.lock alone says what was accepted");
}

#[test]
fn a_project_loosens_nobody_s_policy_and_none_can_be_left_out() {
    let project = asking();
    let wide = format!("{BUILT_IN}[[grants]]\nenv = [\"*\"]\n");
    project.write("policy.toml", &wide);
    project.edit("[project]", "[project]\npolicy = \"policy.toml\"");
    let refused = project.run(&["check"]).exits(exit_code::REFUSED).error();
    assert!(refused.contains("home/.config/sprag/policy.toml refuses it"), "{refused}");
    // The other way round the project's own refuses.
    of_user(&project, &wide);
    project.write("policy.toml", BUILT_IN);
    let refused = project.run(&["check"]).exits(exit_code::REFUSED).error();
    assert!(refused.contains("diabetes/policy.toml refuses it"), "{refused}");
    project.write("policy.toml", &wide);
    let _ = project.run(&["check"]).ok();
    // A third one, of the environment.
    let named = project.outside().join("named.toml");
    std::fs::write(&named, "[[plugins]]\nfrom = [\"file\"]\n").unwrap();
    let refused = project.sprag(&["check"]).env("SPRAG_POLICY", &named).run().exits(exit_code::REFUSED).error();
    assert!(refused.contains("named.toml:2 refuses it: expected a plugin from `file`, found a built-in one"), "{refused}");
    // One that is named and not there is no reason to go on without it.
    std::fs::remove_file(&named).unwrap();
    let missing = project.sprag(&["check"]).env("SPRAG_POLICY", &named).run().exits(exit_code::BAD_PROJECT).error();
    assert!(missing.contains("failed to read"), "{missing}");
    std::fs::remove_file(project.path("policy.toml")).unwrap();
    let missing = project.run(&["check"]).exits(exit_code::BAD_PROJECT).error();
    assert!(missing.contains("diabetes/policy.toml`: No such file"), "{missing}");
}

#[test]
fn a_key_that_is_not_enforced_is_an_error() {
    let project = asking();
    of_user(&project, "[[grants]]\nsockets = [\"tcp\"]\n");
    assert_snapshot!(project.run(&["check"]).exits(exit_code::BAD_PROJECT).error(), @r#"
    exit code 2
    error: [TEMP]/home/.config/sprag/policy.toml: TOML parse error at line 2, column 1
      |
    2 | sockets = ["tcp"]
      | ^^^^^^^
    unknown field `sockets`, expected one of `kinds`, `projects`, `env`, `clock`, `http`, `secrets`, `services`, `folders`, `smtp`, `processes`, `process-network`, `memory`, `time`
    "#);
    of_user(&project, "[[plugins]]\nfrom = [\"built in\"]\n");
    assert_snapshot!(project.run(&["check"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: [TEMP]/home/.config/sprag/policy.toml:2: `from`: expected `any`, `built-in`, the name of a built-in plugin, `file`, `sha256:...` or `oci://HOST/REPOSITORY`, found `built in`
    ");
}

#[test]
fn what_was_registered_is_not_served_once_it_is_revoked() {
    let project = Project::diabetes();
    project.append("\n[batch.rows]\ninput = \"data/diabetes.csv\"\noutput = \"scored.csv\"\nwhen = \"asked\"\n");
    let _ = project.run(&["run"]).ok();
    let digest = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == "train-ridge").unwrap().2;
    of_user(&project, &format!("[revoked]\ndigests = [\"{digest}\"]\n\n{BUILT_IN}"));
    let scored = ["score", "diabetes@1", "-i", "data/diabetes.csv", "-o", "scored.csv"];
    assert_snapshot!(project.run(&scored).exits(exit_code::REFUSED).error(), @r"
    exit code 4
    error: the model's scorer sha256:[DIGEST] is revoked by [TEMP]/home/.config/sprag/policy.toml:2

    hint: train again with a component that is allowed, and register that; an alias that points at the model can go back with `sprag rollback`
    ");
    let served = project.run(&["serve", "diabetes@1", "--listen", "127.0.0.1:0"]).exits(exit_code::REFUSED).error();
    assert!(served.contains("is revoked by"), "{served}");
    let run = project.run(&["run"]).exits(exit_code::REFUSED).error();
    assert!(run.contains("policy.toml:2 refuses it: the component sha256:[DIGEST] is revoked"), "{run}");
    // Another trainer may run, and is compared with nothing that may not.
    std::fs::copy(sprag_test_programs::MEAN_TRAINER, project.path("mean.wasm")).unwrap();
    project.edit("[stages.unit-test]\nplugin = \"test-regressor\"\n", "");
    project.edit("plugin = \"train-ridge\"\nparams = { alpha = 0.5 }", "plugin = \"./mean.wasm\"");
    of_user(&project, &format!("[revoked]\ndigests = [\"{digest}\"]\n\n[[plugins]]\nfrom = [\"built-in\", \"file\"]\n"));
    let compared = project.run(&["run"]);
    assert!(compared.code != Some(0) && compared.told().contains("is revoked by"), "{}", compared.told());
    let batch = project.run(&["batch"]);
    assert!(batch.code != Some(0) && batch.told().contains("is revoked by"), "{}", batch.told());
    assert!(!project.path("scored.csv").exists());
}

/// The guide's policy is read by the program, and does what the guide says of it.
#[test]
fn the_policy_of_the_guide() {
    let guide = std::fs::read_to_string(crate::context::root().join("docs/guides/policy.md")).unwrap();
    let (_, rest) = guide.split_once("```toml\n").unwrap();
    let project = Project::diabetes();
    project.edit("[stages.train]", "[stages.train]\nlimits = { memory = \"4GiB\", time = \"1h\" }");
    of_user(&project, rest.split_once("```").unwrap().0);
    let _ = project.run(&["check"]).ok();
    project.edit("time = \"1h\"", "time = \"61m\"");
    let refused = project.run(&["check"]).exits(exit_code::REFUSED).error();
    assert!(refused.contains("asks for time=61m") && refused.contains("`time = \"1h\"`"), "{refused}");
}
