//! Plugins that mean harm, or are badly broken, through the whole program: the run ends, says what happened, and nothing is registered.
//!
//! The runtime's own tests go through every limit and capability; here are the ones that a person will meet.

use insta::assert_snapshot;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_test_programs::{CHECK, EVALUATOR, REGISTRAR, TRAINER};

use crate::context::{Outcome, Project};

/// A project whose check does what `act` says, within limits.
fn check(act: &str, limits: &str) -> Project {
    let check = format!("params = {{ act = \"{act}\", with = \"NaN\" }}\nlimits = {{ {limits} }}");
    project("", &format!("[stages.sanity-check]\nplugin = \"{CHECK}\"\n{check}\n"))
}

/// A project whose trainer and evaluator do what the acts say.
fn train(act: &str, evaluate: &str) -> Project {
    project(act, &format!("[stages.evaluate]\nplugin = \"{EVALUATOR}\"\nparams = {{ act = \"{evaluate}\" }}\n"))
}

fn project(train: &str, stages: &str) -> Project {
    let project = Project::none();
    project.write("data.csv", "x,y\n1,2\n2,4\n3,6\n4,8\n5,10\n");
    let head = "[project]\nname = \"hostile\"\n\n[data]\npath = \"data.csv\"\ntarget = \"y\"\n\n";
    let train = format!("[stages.train]\nplugin = \"{TRAINER}\"\nparams = {{ act = \"{train}\" }}\n\n");
    project.write("sprag.toml", format!("{head}{train}{stages}"));
    project
}

/// What the person is told.
fn told(project: &Project, code: ExitCode) -> String {
    let told = project.run(&["run"]).exits(code).told();
    assert!(told.contains("train "), "the stages after it are told as skipped: {told}");
    let after: Outcome = project.run(&["models", "--json"]).ok();
    assert_eq!(after.stdout, "[]\n", "nothing was registered");
    told
}

#[test]
fn a_trap_is_shown_with_the_last_words_and_the_frames() {
    let told = told(&check("panic", ""), exit_code::PLUGIN_FAILED);
    // Which frames there are is the compiler's affair.
    let (words, frames) = told.split_once("  where:\n").unwrap();
    assert_snapshot!(words, @r"
    exit code 5
    failed    sanity-check  program-check 0.1.0 [TIME]  trapped: it panicked or aborted; its last words are below
      the last that program-check wrote:
        thread '<unnamed>' (1) panicked at tests/programs/check/src/hostile.rs:13:20:
        the sky is falling
        note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    ");
    assert!(frames.lines().next().unwrap().starts_with("    "), "{told}");
    assert!(frames.contains("panic"), "a frame names a function: {told}");
}

#[test]
fn an_endless_loop_hits_the_time_limit() {
    assert_snapshot!(told(&check("loop", "time = \"200ms\""), exit_code::LIMIT), @r"
    exit code 6
    failed    sanity-check  program-check 0.1.0 [TIME]  passed its limit `time` of 200ms
    skipped   train         program-trainer 0.1.0                   `sanity-check` failed

    failed: `sanity-check` failed: passed its limit `time` of 200ms
      run         [RUN]
    ");
}

#[test]
fn an_endless_sleep_hits_the_time_limit() {
    assert_snapshot!(told(&check("sleep", "time = \"200ms\""), exit_code::LIMIT), @r"
    exit code 6
    failed    sanity-check  program-check 0.1.0 [TIME]  passed its limit `time` of 200ms
    skipped   train         program-trainer 0.1.0                   `sanity-check` failed

    failed: `sanity-check` failed: passed its limit `time` of 200ms
      run         [RUN]
    ");
}

#[test]
fn endless_allocation_hits_the_memory_limit() {
    let told = told(&check("allocate", "memory = \"16MiB\""), exit_code::LIMIT);
    assert!(told.contains("passed its limit `memory` of 16MiB"), "{told}");
}

#[test]
fn a_gigabyte_of_logs_hits_the_limit() {
    assert_snapshot!(told(&check("logs", ""), exit_code::LIMIT), @r"
    exit code 6
    failed    sanity-check  program-check 0.1.0 [TIME]  passed its limit `logs` of 1MiB
    skipped   train         program-trainer 0.1.0                   `sanity-check` failed

    failed: `sanity-check` failed: passed its limit `logs` of 1MiB
      run         [RUN]
    ");
}

#[test]
fn a_gigabyte_on_standard_error_is_cut_to_its_end() {
    let project = check("stderr", "");
    let record = project.record(&[]);
    let kept = &record.stages[0].report.stderr;
    assert!(kept.len() < 65 << 10 && kept.contains("the end"), "{} bytes", kept.len());
}

#[test]
fn a_million_metrics_hit_the_limit() {
    let project = check("metrics", "");
    let run = project.run(&["run"]).exits(exit_code::LIMIT);
    assert!(run.stdout.contains("passed its limit `metrics` of 10000"), "{}", run.stderr);
}

#[test]
fn a_metric_that_is_no_number_is_refused() {
    assert_snapshot!(told(&check("metric", ""), exit_code::PLUGIN_FAILED), @r"
    exit code 5
    failed    sanity-check  program-check 0.1.0 [TIME]  expected a finite value for the metric `mse` of `candidate`, found NaN
    skipped   train         program-trainer 0.1.0                   `sanity-check` failed

    failed: `sanity-check` failed: expected a finite value for the metric `mse` of `candidate`, found NaN
      run         [RUN]
    ");
    assert_snapshot!(told(&train("", "nan"), exit_code::PLUGIN_FAILED), @r#"
    exit code 5
    passed    train         program-trainer 0.1.0 [TIME]  a model of [SIZE] (application/x-act)
    failed    evaluate      program-evaluator 0.1.0 [TIME]  expected a finite value for the metric `mse` of `candidate`, found NaN

    failed: `evaluate` failed: expected a finite value for the metric `mse` of `candidate`, found NaN
      trained     program-trainer 0.1.0 on `data.csv`, target `y`, act=""
      run         [RUN]
    "#);
}

#[test]
fn a_model_that_its_own_scorer_refuses() {
    assert_snapshot!(told(&train("load-refuse", "compare"), exit_code::PLUGIN_FAILED), @r#"
    exit code 5
    failed    train         program-trainer 0.1.0 [TIME]  expected a model that its own scorer loads, found that the scorer refuses it (bad input: expected something else)
    skipped   evaluate      program-evaluator 0.1.0                 `train` failed

    failed: `train` failed: expected a model that its own scorer loads, found that the scorer refuses it (bad input: expected something else)
      trained     program-trainer 0.1.0 on `data.csv`, target `y`, act="load-refuse"
      run         [RUN]
    "#);
}

#[test]
fn predictions_that_are_no_numbers() {
    assert_snapshot!(told(&train("predict-nan", "compare"), exit_code::PLUGIN_FAILED), @r#"
    exit code 5
    passed    train         program-trainer 0.1.0 [TIME]  a model of [SIZE] (application/x-act)
    failed    evaluate      program-evaluator 0.1.0 [TIME]  the scorer of the candidate: expected 1 rows of float for the output `prediction`, found NaN in row 0

    failed: `evaluate` failed: the scorer of the candidate: expected 1 rows of float for the output `prediction`, found NaN in row 0
      trained     program-trainer 0.1.0 on `data.csv`, target `y`, act="predict-nan"
      run         [RUN]
    "#);
}

#[test]
fn an_evaluator_cannot_hide_that_the_scorer_failed() {
    assert_snapshot!(told(&train("predict-trap", "swallow"), exit_code::PLUGIN_FAILED).lines().next().unwrap(), @"exit code 5");
}

#[test]
fn a_check_that_says_it_was_cancelled_when_it_was_not() {
    let project = check("pretend-stop", "");
    let run = project.run(&["run"]).exits(exit_code::PLUGIN_FAILED);
    assert_snapshot!(run.told(), @r"
    exit code 5
    failed    sanity-check  program-check 0.1.0 [TIME]  expected a result or a failure, found that it stopped as if cancelled; nobody asked it to
    skipped   train         program-trainer 0.1.0                   `sanity-check` failed

    failed: `sanity-check` failed: expected a result or a failure, found that it stopped as if cancelled; nobody asked it to
      run         [RUN]
    ");
}

#[test]
fn a_registrar_that_asks_for_nothing_or_too_much() {
    let project = train("", "compare");
    project.append(&format!("\n[stages.register]\nplugin = \"{REGISTRAR}\"\nparams = {{ act = \"nothing\" }}\n"));
    let told = told(&project, exit_code::PLUGIN_FAILED);
    assert_snapshot!(told.lines().filter(|line| line.contains("register")).collect::<Vec<_>>().join("\n"), @r"
    failed    register      program-registrar 0.1.0 [TIME]  expected the version that was registered, none, found 1
    failed: `register` failed: expected the version that was registered, none, found 1
    ");
}

#[test]
fn what_failed_is_tried_again_and_not_taken_from_the_cache() {
    let project = check("panic", "");
    for _ in 0..2 {
        let record = project.record(&[]);
        assert!(record.stages[0].cached_from.is_none() && record.stages[0].error.is_some());
    }
    project.edit("act = \"panic\"", "act = \"verdict\"");
    let _ = project.run(&["run"]);
    assert!(project.record(&[]).stages[0].cached_from.is_some());
}
