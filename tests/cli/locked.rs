//! `sprag.lock`: which components with which rights were accepted.

use insta::assert_snapshot;
use sprag_builtin::PLUGINS;
use sprag_schemas::exit_code;
use sprag_schemas::lockfile::Lockfile;

use crate::context::Project;

fn locked() -> Project {
    let project = Project::diabetes();
    let _ = project.run(&["lock"]).ok();
    project
}

#[test]
fn the_first_run_writes_it_and_the_next_leaves_it() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let text = project.read("sprag.lock");
    let lock = Lockfile::parse(&text).unwrap();
    let train = lock.stage("train").unwrap();
    let (_, _, digest) = PLUGINS.iter().find(|(name, ..)| *name == "train-ridge").unwrap();
    assert_eq!((train.kind.as_str(), train.digest.as_str()), ("train", digest.to_string().as_str()));
    assert!(train.imports.contains(&"sprag:data/tables@0.1.0".to_owned()) && train.grants.is_empty());
    let _ = project.run(&["run", "--locked"]).ok();
    assert_eq!(project.read("sprag.lock"), text);
    assert_snapshot!(project.run(&["lock"]).ok().text(), @"sprag.lock is up to date");
}

#[test]
fn locked_without_a_lockfile_fails() {
    let project = Project::diabetes();
    let [run, check] = ["run", "check"].map(|command| project.run(&[command, "--locked"]).exits(exit_code::REFUSED).error());
    assert_snapshot!(run, @r"
    exit code 4
    error: `--locked` was given and there is no `sprag.lock`

    hint: look at what each component may do, then accept it with `sprag lock`
    ");
    assert_eq!(run, check);
    assert!(!project.path("sprag.lock").exists());
    assert_snapshot!(project.run(&["lock", "--check"]).exits(exit_code::REFUSED).error(), @r"
    exit code 4
    error: the project differs from `sprag.lock`:
      there is no `sprag.lock` yet

    hint: look at what each component may do, then accept it with `sprag lock`
    ");
}

#[test]
fn one_more_right_is_refused_with_one_line_until_it_is_accepted() {
    let project = locked();
    project.edit("params = { alpha = 0.5 }", "params = { alpha = 0.5 }\ngrants = { env = [\"SEASON\"] }");
    assert_snapshot!(project.run(&["run", "--locked"]).exits(exit_code::REFUSED).error(), @r"
    exit code 4
    error: `--locked` was given and the project differs from `sprag.lock`
      stage `train`: train-ridge 0.1.0 is now granted env=SEASON

    hint: look at what each component may do, then accept it with `sprag lock`
    ");
    assert_snapshot!(project.run(&["check", "--locked"]).exits(exit_code::REFUSED).error(), @r"
    exit code 4
    error: `--locked` was given and the project differs from `sprag.lock`
      stage `train`: train-ridge 0.1.0 is now granted env=SEASON

    hint: look at what each component may do, then accept it with `sprag lock`
    ");
    assert_snapshot!(project.run(&["run"]).exits(exit_code::REFUSED).error(), @r"
    exit code 4
    error: a component has more rights than `sprag.lock` accepts
      stage `train`: train-ridge 0.1.0 is now granted env=SEASON

    hint: look at what each component may do, then accept it with `sprag lock`
    ");
    assert!(!project.path(".sprag").exists(), "nothing was begun");
    assert_snapshot!(project.run(&["lock", "--check"]).exits(exit_code::REFUSED).error(), @r"
    exit code 4
    error: the project differs from `sprag.lock`:
      more rights: stage `train`: train-ridge 0.1.0 is now granted env=SEASON

    hint: look at what each component may do, then accept it with `sprag lock`
    ");
    assert_snapshot!(project.run(&["lock"]).ok().text(), @r"
    more rights: stage `train`: train-ridge 0.1.0 is now granted env=SEASON
    wrote sprag.lock
    ");
    let _ = project.run(&["run", "--locked"]).ok();
}

#[test]
fn another_component_of_the_same_rights_needs_no_word_unless_locked() {
    let project = locked();
    let mut bytes = PLUGINS.iter().find(|(name, ..)| *name == "train-ridge").unwrap().1.to_vec();
    bytes.extend(b"\0\x03\x01xy");
    project.write("trainer.wasm", bytes);
    project.edit("plugin = \"train-ridge\"", "plugin = \"./trainer.wasm\"");
    assert_snapshot!(project.run(&["run", "--locked"]).exits(exit_code::REFUSED).error(), @r"
    exit code 4
    error: `--locked` was given and the project differs from `sprag.lock`
      stage `train`: train-ridge 0.1.0 -> ./trainer.wasm 0.1.0 has the digest sha256:[DIGEST] instead of sha256:[DIGEST]

    hint: look at what each component may do, then accept it with `sprag lock`
    ");
    let _ = project.run(&["run"]).ok();
    let _ = project.run(&["run", "--locked"]).ok();
    assert!(project.read("sprag.lock").contains("plugin = \"./trainer.wasm\""));
}

#[test]
fn parameters_are_no_part_of_it() {
    let project = locked();
    let _ = project.run(&["run", "--locked", "--param", "train.alpha=0.4"]).ok();
}

#[test]
fn a_lockfile_that_cannot_be_read_says_where() {
    let project = locked();
    project.write("sprag.lock", project.read("sprag.lock").replace("version = 1", "version = 9"));
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.lock: expected a lockfile of version 1 or older, found version 9
    ");
    project.write("sprag.lock", "version = 1\n<<<<<<< HEAD\n");
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: [TEMP]/diabetes/sprag.lock: TOML parse error at line 2, column 9
      |
    2 | <<<<<<< HEAD
      |         ^
    key with no value, expected `=`
    ");
}
