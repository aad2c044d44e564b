//! Several runs at once, and a run that is told to stop.

use insta::assert_snapshot;
use sprag_schemas::event::Event;
use sprag_schemas::exit_code;
use sprag_schemas::record::{RunOutcome, RunRecord};
use sprag_store::{RunLock, Store};
use sprag_test_programs::CHECK;

use crate::context::{Outcome, Project, ran};
use crate::gated::open;
use crate::released::registered;

/// Takes the project's lock, as a run does that is under way.
fn hold(project: &Project) -> (Store, RunLock) {
    let store = Store::open(&project.path(".sprag")).unwrap();
    let lock = store.try_lock("20260412-154300-k3xq").unwrap().unwrap();
    (store, lock)
}

/// The record that a run ended with.
fn end(run: &Outcome) -> RunRecord {
    match run.events().pop() {
        Some(Event::RunFinished { record, .. }) => *record,
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_runs_wait_for_a_third_say_so_and_both_succeed() {
    let project = Project::diabetes();
    let held = hold(&project);
    let mut both = [project.start(&[]), project.start(&[])];
    for run in &mut both {
        let Some(Event::Waiting { holder }) = run.event() else { panic!("expected to hear that it waits") };
        assert_eq!(holder.as_deref(), Some("20260412-154300-k3xq"));
    }
    drop(held);
    let mut both = both.map(|run| end(&run.finish().ok()));
    both.sort_by_key(|run| run.outcome == RunOutcome::Kept);
    assert_eq!(both.each_ref().map(|run| run.outcome), [RunOutcome::Promoted, RunOutcome::Kept]);
    assert!(ran(&both[1]).is_empty(), "the later one finds the other one's work in the cache");
    assert_snapshot!(project.run(&["models"]).ok().text(), @"diabetes  1 version  production -> 1");
}

#[test]
fn a_person_is_told_of_the_wait() {
    let project = Project::diabetes();
    let held = hold(&project);
    let mut run = project.sprag(&["run"]).start();
    run.wait_for_text("waiting for another run of this project to end: 20260412-154300-k3xq");
    drop(held);
    let _ = run.finish().ok();
}

#[test]
fn who_will_not_wait_fails_at_once() {
    let project = Project::diabetes();
    let _held = hold(&project);
    assert_snapshot!(project.run(&["run", "--no-wait"]).exits(exit_code::BUSY).error(), @r"
    exit code 7
    error: another run holds the project: [RUN]

    hint: leave out `--no-wait` to wait for it
    ");
    assert_snapshot!(project.run(&["runs", "--json"]).ok().text(), @"[]");
}

#[test]
fn five_at_once_make_one_version() {
    let project = Project::diabetes();
    let all: Vec<_> = (0..5).map(|_| project.start(&[])).collect();
    for run in all {
        let _ = run.finish().ok();
    }
    let versions: Vec<serde_json::Value> = project.run(&["models", "--json"]).ok().json();
    assert_eq!(versions[0]["versions"], 1);
    assert_eq!(project.run(&["runs", "--json"]).ok().json::<Vec<RunRecord>>().len(), 5);
}

/// A project whose check goes on for ever, in one of several ways.
fn endless(act: &str) -> Project {
    let project = Project::diabetes();
    project.edit("plugin = \"check-tabular\"", &format!("plugin = \"{CHECK}\"\nparams = {{ act = \"{act}\" }}"));
    project
}

#[test]
fn an_interrupt_cancels_and_the_next_run_works() {
    for (act, signal) in [("loop", "INT"), ("sleep", "INT"), ("honour-stop", "INT"), ("loop", "TERM")] {
        let project = endless(act);
        let mut run = project.start(&[]);
        run.wait_for_stage("sanity-check");
        run.signal(signal);
        let run = run.finish().exits(exit_code::CANCELLED);
        let Some(Event::RunFinished { outcome, exit_code, .. }) = run.events().pop() else { panic!("{}", run.stdout) };
        assert_eq!((outcome, exit_code), (RunOutcome::Cancelled, 130), "{act} {signal}");
        let record: RunRecord = project.run(&["show", "--json"]).ok().json();
        assert_eq!((record.outcome, record.finished_at.is_some()), (RunOutcome::Cancelled, true), "{act} {signal}");
        project.edit(&format!("plugin = \"{CHECK}\"\nparams = {{ act = \"{act}\" }}"), "plugin = \"check-tabular\"");
        assert_eq!(project.record(&[]).outcome, RunOutcome::Promoted, "{act} {signal}");
    }
}

#[test]
fn what_was_cancelled_is_told() {
    let project = endless("loop");
    let mut run = project.sprag(&["run", "--verbose"]).start();
    run.wait_for_text("  sanity-check: ");
    run.signal("INT");
    let mut run = run.finish().exits(exit_code::CANCELLED);
    // What `--verbose` adds.
    run.stderr.clear();
    assert_snapshot!(run.told(), @r"
    exit code 130
    cancelled sanity-check  program-check 0.1.0 [TIME]  cancelled
    skipped   unit-test     test-regressor 0.1.0                    the run was cancelled
    skipped   train         train-ridge 0.1.0                       the run was cancelled
    skipped   evaluate      evaluate-regression 0.1.0               the run was cancelled
    skipped   register      register-local 0.1.0                    the run was cancelled

    cancelled: cancelled in `sanity-check`
      run         [RUN]
    ");
}

#[test]
fn a_wait_can_be_cancelled_too() {
    let project = Project::diabetes();
    let held = hold(&project);
    let mut run = project.start(&[]);
    run.wait_for(|event| matches!(event, Event::Waiting { .. }));
    run.signal("INT");
    assert_snapshot!(run.finish().exits(exit_code::CANCELLED).stderr, @"error: cancelled while waiting for another run of the project");
    drop(held);
    let _ = project.run(&["run"]).ok();
}

/// Takes production's lock, as a release does that is at work there.
fn hold_production(project: &Project) -> RunLock {
    let store = Store::open(&project.path(".sprag")).unwrap();
    store.try_lock_environment("production", "20260412-154300-k3xq").unwrap().unwrap()
}

#[test]
fn two_releases_at_once_go_one_after_the_other() {
    let site = registered();
    open(&site);
    let _ = site.run(&["run", "--param", "train.alpha=0.4"]).ok();
    let both = ["diabetes@1", "diabetes@2"].map(|version| site.sprag(&["release", version, "--json"]).start());
    let both = both.map(|release| release.finish().ok().json::<serde_json::Value>());
    assert!(both.iter().all(|release| release["outcome"] == "released"), "{both:?}");
    let environments: serde_json::Value = site.run(&["environments", "--json"]).ok().json();
    let last = &environments[1]["now"];
    let digest = last["model"].as_str().unwrap();
    let mut client = crate::context::http::Client::connect(site.address("diabetes-production"));
    assert_eq!(client.post("/score", br#"{"data":[[1,2,3,4,5,6,7,8,9,10]]}"#).header("x-sprag-model-digest"), Some(digest));
    let named: serde_json::Value = site.run(&["model", "show", "diabetes@production", "--json"]).ok().json();
    assert_eq!(named["version"], last["version"]["version"], "the alias is where the service is");
}

#[test]
fn a_release_says_whom_it_waits_for_and_its_wait_can_be_cancelled() {
    let site = registered();
    open(&site);
    let held = hold_production(&site);
    let busy = site.run(&["release", "--no-wait"]).exits(exit_code::BUSY);
    assert!(busy.stderr.contains("the release `20260412-154300-k3xq` is at work on `production`"), "{}", busy.stderr);
    let mut release = site.sprag(&["resume", "latest"]).start();
    release.wait_for_text("waiting: the release `20260412-154300-k3xq` is at work on `production`");
    release.signal("INT");
    let cancelled = release.finish().exits(exit_code::CANCELLED);
    assert!(cancelled.stdout.contains("cancelled while waiting for `production`"), "{}", cancelled.stdout);
    drop(held);
    let done = site.run(&["resume"]).ok();
    assert!(done.stdout.contains("released"), "{}", done.stdout);
}
