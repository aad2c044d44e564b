//! Several runs at once, and a run that is told to stop.

use insta::assert_snapshot;
use sprag_schemas::event::Event;
use sprag_schemas::exit_code;
use sprag_schemas::record::{RunOutcome, RunRecord};
use sprag_test_programs::CHECK;

use crate::context::{Project, ran};

#[test]
fn a_second_run_waits_says_so_and_both_succeed() {
    let project = Project::diabetes();
    let mut first = project.start(&[]);
    first.wait_for_stage("sanity-check");
    // The first stands still in its stage until the second has said that it waits.
    first.signal("STOP");
    let mut second = project.start(&[]);
    let Event::Waiting { holder } = second.wait_for(|_| true) else { panic!("expected to hear that it waits") };
    let holder = holder.unwrap();
    let plain = project.sprag(&["run", "--no-wait"]).run().exits(exit_code::BUSY);
    assert_snapshot!(plain.error(), @r"
    exit code 7
    error: another run holds the project: [RUN]

    hint: leave out `--no-wait` to wait for it
    ");
    first.signal("CONT");
    let (first, second) = (first.finish().ok().events(), second.finish().ok().events());
    let end = |events: &[Event]| match events.last() {
        Some(Event::RunFinished { record, .. }) => RunRecord::clone(record),
        other => panic!("{other:?}"),
    };
    let (first, second) = (end(&first), end(&second));
    assert_eq!(holder, first.id);
    assert_eq!((first.outcome, second.outcome), (RunOutcome::Promoted, RunOutcome::Kept));
    assert!(ran(&second).is_empty(), "the second finds the first one's work in the cache");
    assert_snapshot!(project.run(&["models"]).ok().text(), @"diabetes  1 versions, the newest is 1  production -> 1");
}

#[test]
fn a_person_is_told_of_the_wait() {
    let project = Project::diabetes();
    let mut first = project.start(&[]);
    first.wait_for_stage("sanity-check");
    first.signal("STOP");
    let mut waiting = project.sprag(&["run"]).start();
    waiting.wait_for_text("waiting for another run of this project to end: ");
    first.signal("CONT");
    let _ = (first.finish().ok(), waiting.finish().ok());
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
    let mut run = project.sprag(&["run"]).start();
    run.wait_for_text("diabetes run ");
    run.signal("INT");
    assert_snapshot!(run.finish().exits(exit_code::CANCELLED).told(), @r"
    exit code 130
    cancelled sanity-check  program-check 0.1.0 [TIME]  cancelled
    skipped   unit-test     test-regressor 0.1.0               the run was cancelled
    skipped   train         train-ridge 0.1.0                  the run was cancelled
    skipped   evaluate      evaluate-regression 0.1.0           the run was cancelled
    skipped   register      register-local 0.1.0               the run was cancelled

    cancelled: cancelled in `sanity-check`
      run         [RUN]
    ");
}

#[test]
fn a_wait_can_be_cancelled_too() {
    let project = Project::diabetes();
    let mut first = project.start(&[]);
    first.wait_for_stage("sanity-check");
    first.signal("STOP");
    let mut second = project.start(&[]);
    second.wait_for(|event| matches!(event, Event::Waiting { .. }));
    second.signal("INT");
    assert_snapshot!(second.finish().exits(exit_code::CANCELLED).stderr, @"error: cancelled while waiting for another run of the project");
    first.signal("CONT");
    let _ = first.finish().ok();
}
