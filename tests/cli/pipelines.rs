//! Published pipelines: immutable versions of a project, and runs of them.

use std::fs;

use serde_json::Value;
use sprag_schemas::exit_code;
use sprag_schemas::pipeline::{Cause, Publication};
use sprag_schemas::record::{RunOutcome, RunRecord};

use crate::context::{Project, stage};

fn published(project: &Project) -> Publication {
    serde_json::from_value(project.run(&["publish", "--json"]).ok().json()).unwrap()
}

fn latest(project: &Project) -> RunRecord {
    project.run(&["show", "latest", "--json"]).ok().json()
}

#[test]
fn a_project_is_published_once_and_run_as_it_was() {
    let project = Project::diabetes();
    let first = published(&project);
    assert_eq!((first.pipeline.as_str(), first.version), ("diabetes", 1));
    let again: Value = project.run(&["publish", "--json"]).ok().json();
    assert_eq!((&again["version"], &again["is-new"]), (&1.into(), &false.into()), "the same again changes nothing");
    // What is changed after that is another version, and the first stays what it was.
    project.edit("alpha = 0.5", "alpha = 0.4");
    let second = published(&project);
    assert_eq!(second.version, 2);
    assert_ne!(first.digest, second.digest);
    let run = |args: &[&str]| project.run(&[&["trigger"], args].concat()).ok();
    let of_first = run(&["diabetes@1", "--tag", "BuildId=1234"]);
    assert!(of_first.stdout.contains("promoted"), "{}", of_first.stdout);
    let record = latest(&project);
    assert_eq!(record.outcome, RunOutcome::Promoted);
    assert_eq!(record.tags["BuildId"], "1234");
    let pipeline = record.pipeline.clone().unwrap();
    assert_eq!((pipeline.name.as_str(), pipeline.version, pipeline.digest), ("diabetes", 1, first.digest));
    let trigger = record.trigger.clone().unwrap();
    assert_eq!((trigger.cause, trigger.coalesced), (Cause::Request, 1));
    let model = |record: &RunRecord| stage(record, "train").report.model.as_ref().unwrap().digest.clone();
    let with_half = model(&record);
    let _ = run(&[]);
    assert_ne!(model(&latest(&project)), with_half, "the newest version is meant where none is named");
    let _ = run(&["diabetes", "--param", "train.alpha=0.5"]);
    assert_eq!(model(&latest(&project)), with_half, "a parameter is the request's own");
}

#[test]
fn the_same_project_is_the_same_bundle_wherever_it_lies() {
    let digests: Vec<_> = [Project::diabetes(), Project::diabetes()].iter().map(|project| published(project).digest).collect();
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_key_starts_one_run() {
    let project = Project::diabetes();
    let _ = published(&project);
    let trigger = |more: &[&str]| project.run(&[&["trigger", "--key", "build-7"], more].concat());
    let _ = trigger(&[]).ok();
    let again = trigger(&["--json"]).ok();
    let request: Value = again.json();
    assert_eq!(request["state"], "finished");
    let runs: Vec<Value> = serde_json::from_value(project.run(&["runs", "--json"]).ok().json()).unwrap();
    assert_eq!(runs.len(), 1);
    let refused = trigger(&["--param", "train.alpha=1"]).exits(exit_code::BAD_PROJECT);
    assert!(refused.stderr.contains("the idempotency key `build-7` belongs to the request"), "{}", refused.stderr);
}

#[test]
fn an_unpacked_bundle_that_was_changed_is_not_run() {
    let project = Project::diabetes();
    let first = published(&project);
    let _ = project.run(&["trigger"]).ok();
    let unpacked = project.path(&format!(".sprag/pipelines/{}", &first.digest["sha256:".len()..]));
    let text = fs::read_to_string(unpacked.join("sprag.toml")).unwrap();
    fs::write(unpacked.join("sprag.toml"), text.replace("alpha = 0.5", "alpha = 9.0")).unwrap();
    let _ = project.run(&["trigger"]).ok();
    assert_eq!(fs::read_to_string(unpacked.join("sprag.toml")).unwrap(), text, "it is what was published again");
}

#[test]
fn what_cannot_be_published_or_triggered_is_said() {
    let project = Project::diabetes();
    let none = project.run(&["trigger"]).exits(exit_code::BAD_PROJECT);
    assert!(
        none.stderr.contains("expected published pipelines in") && none.stderr.contains("`sprag publish`"),
        "{}",
        none.stderr
    );
    let _ = published(&project);
    for (args, expected) in [
        (&["trigger", "iris"][..], "no pipeline is called `iris`; published are `diabetes`"),
        (&["trigger", "diabetes@7"], "the pipeline `diabetes` has no version 7; it has version 1 only"),
        (&["trigger", "diabetes@x"], "expected a version such as `diabetes@1`, found `diabetes@x`"),
        (&["trigger", "--param", "alpha=1"], "expected `STAGE.NAME=VALUE`, found no `.`"),
        (&["trigger", "--key", "sprag:x"], "expected an idempotency key that does not begin with `sprag:`"),
        (&["trigger", "--tag", "=1"], "`--tag =1`: expected `NAME=TEXT`"),
        (&["trigger", "--param", "tain.alpha=1"], "expected a stage of the project"),
    ] {
        let refused = project.run(args).exits(exit_code::BAD_PROJECT);
        assert!(refused.stderr.contains(expected), "{args:?}: {}", refused.stderr);
    }
    fs::write(project.outside().join("profile.json"), project.read("profile.json")).unwrap();
    project.edit("\"profile.json\"", "\"../profile.json\"");
    let outside = project.run(&["publish"]).exits(exit_code::BAD_PROJECT);
    let expected = "the input `profile` of the stage `sanity-check`: expected a file below the project's folder, which a bundle can hold, found `../profile.json`";
    assert!(outside.stderr.contains(expected), "{}", outside.stderr);
}

#[test]
fn a_trigger_that_makes_no_sense_is_shown_with_its_line() {
    let bad = |table: &str, expected: &str| {
        let project = Project::diabetes();
        project.append(table);
        let refused = project.run(&["check"]).exits(exit_code::BAD_PROJECT);
        assert!(refused.stderr.contains(expected), "{table}: {}", refused.stderr);
    };
    bad("\n[triggers.nightly]\ncron = '61 * * * *'\n", "trigger `nightly`: expected five fields");
    bad(
        "\n[triggers.nightly]\ncron = '0 3 * * *'\ntimezone = 'Berlin'\n",
        "expected a time zone by its name in the IANA database",
    );
    bad("\n[triggers.push]\nwebhook = 'github'\n", "trigger `push`: expected `secret`");
    bad("\n[triggers.push]\nwebhook = 'github'\nsecret = 'hook'\n", "expected a secret of the project (none), found `hook`");
    bad("\n[triggers.push]\nwebhook = 'bitbucket'\nsecret = 'hook'\n", "unknown variant `bitbucket`");
    bad("\n[triggers.drift]\ndrift = 'moon'\n", "trigger `drift`: expected an environment of the project, found `moon`");
    bad("\n[triggers.both]\nwatch = 'a'\nafter = 'b'\n", "trigger `both`: expected exactly one of");
    bad("\n[triggers.own]\nafter = 'diabetes'\n", "trigger `own`: expected another pipeline, found this one");
    bad(
        "\n[triggers.nightly]\ncron = '0 3 * * *'\nparams = { 'tain.alpha' = 1 }\n",
        "expected parameters as `STAGE.NAME` of the project's stages",
    );
}
