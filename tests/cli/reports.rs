//! What a run tells to programs: events, JUnit, Markdown.

use insta::assert_snapshot;
use serde_json::Value;
use sprag_schemas::event::Event;
use sprag_schemas::exit_code;
use sprag_schemas::record::{RunOutcome, RunRecord, StageStatus};
use sprag_test_programs::CHECK;

use crate::context::{Project, Sprag};

#[test]
fn events_tell_the_whole_run() {
    let project = Project::diabetes();
    let events = project.run(&["run", "--format", "json"]).ok().events();
    let Some(Event::RunStarted { run, project: name, stages }) = events.first() else { panic!("{:?}", events.first()) };
    assert_eq!(name, "diabetes");
    let Some(Event::RunFinished { outcome, exit_code, record }) = events.last() else { panic!("{:?}", events.last()) };
    assert_eq!((*outcome, *exit_code, &record.id), (RunOutcome::Promoted, 0, run));
    let shown: RunRecord = project.run(&["show", run, "--json"]).ok().json();
    assert_eq!(**record, shown, "the last event is the record that the store keeps");
    let mut started = vec![];
    let mut finished = vec![];
    let mut metrics = vec![];
    for event in &events {
        match event {
            Event::StageStarted { stage, .. } => started.push(stage.clone()),
            Event::Metric { stage, metric } => metrics.push((stage.clone(), metric.clone())),
            Event::StageFinished { record } => finished.push(RunRecord { stages: vec![*record.clone()], ..shown.clone() }),
            _ => {}
        }
    }
    assert_eq!(&started, stages);
    let finished: Vec<_> = finished.into_iter().flat_map(|record| record.stages).collect();
    assert_eq!(finished, shown.stages);
    let recorded =
        shown.stages.iter().flat_map(|stage| stage.report.metrics.iter().map(|metric| (stage.name.clone(), metric.clone())));
    assert_eq!(metrics, recorded.collect::<Vec<_>>(), "every metric is told as it is measured");
}

#[test]
fn every_event_fits_the_schema() {
    let project = Project::diabetes();
    let schema: Value = project.run(&["schema", "event"]).ok().json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    project.edit("at_least = 0.25", "at_least = 0.9");
    let run = project.run(&["run", "--format", "json"]).exits(exit_code::BLOCKED);
    for line in run.stdout.lines() {
        validator.validate(&serde_json::from_str(line).unwrap()).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    let kinds: Vec<_> = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].clone()).collect();
    for kind in ["run-started", "stage-started", "metric", "stage-finished", "run-finished"] {
        assert!(kinds.contains(&Value::from(kind)), "{kind}");
    }
}

#[test]
fn logs_findings_and_progress_are_events() {
    let project = Project::diabetes();
    project.edit("plugin = \"check-tabular\"", &format!("plugin = \"{CHECK}\"\nparams = {{ act = \"report\" }}"));
    let events = project.run(&["run", "--format", "json"]).ok().events();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Log { line, .. } if line.message == "a line" && line.fields["key"] == "value"))
    );
    assert!(events.iter().any(|event| matches!(event, Event::Finding { finding, .. } if finding.code == "odd-values")));
    assert!(events.iter().any(|event| matches!(event, Event::Progress { done: 1, total: Some(2), .. })));
    let shown = project.run(&["show"]).ok().text();
    assert!(shown.contains("artifact plot.svg (image/svg+xml, "), "{shown}");
}

#[test]
fn warnings_of_a_plugin_are_shown_and_more_on_request() {
    let project = Project::diabetes();
    project.edit("plugin = \"check-tabular\"", &format!("plugin = \"{CHECK}\"\nparams = {{ act = \"report\" }}"));
    let quiet = project.run(&["run"]).ok();
    assert_snapshot!(quiet.told().lines().filter(|line| line.contains("warning") || line.contains("a line")).collect::<Vec<_>>().join("\n"), @r"
    passed    sanity-check  program-check 0.1.0 [TIME]  1 warning
      warning[odd-values]: expected 1, found 2
      sanity-check: a line key=value
    ");
    project.edit("act = \"report\"", "act = \"surroundings\"");
    assert!(!project.run(&["run"]).ok().stderr.contains("seed 0"));
    project.edit("act = \"surroundings\"", "act = \"surroundings\", len = 1");
    assert!(project.run(&["run", "--verbose"]).ok().stderr.contains("sanity-check: seed 0"));
}

#[test]
fn a_cached_run_has_the_same_events_without_the_work() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let events = project.run(&["run", "--format", "json"]).ok().events();
    let count = |is_it: fn(&Event) -> bool| events.iter().filter(|event| is_it(event)).count();
    assert_eq!(count(|event| matches!(event, Event::StageStarted { .. })), 0);
    assert_eq!(count(|event| matches!(event, Event::StageFinished { .. })), 5);
    assert_eq!(count(|event| matches!(event, Event::RunFinished { .. })), 1);
}

#[test]
fn junit_and_markdown_of_a_run_that_was_promoted() {
    let project = Project::diabetes();
    let run = project.run(&["run", "--junit", "tests.xml", "--summary", "summary.md"]).ok();
    assert_snapshot!(run.redacted(&project.read("summary.md")), @r"
    ## diabetes: promoted

    the first model, since none is in production yet; mse is 3298.89; the other condition holds

    | Metric | Candidate | production | Difference |
    | --- | ---: | ---: | ---: |
    | mse | 3298.886 | none |  |
    | rmse | 57.43593 | none |  |
    | mae | 45.49514 | none |  |
    | r2 | 0.3566824 | none |  |

    | Stage | Plugin | Status | Time | Reason |
    | --- | --- | --- | ---: | --- |
    | sanity-check | check-tabular 0.1.0 | passed | [TIME] | nothing to object to |
    | unit-test | test-regressor 0.1.0 | passed | [TIME] | [N] test cases passed |
    | train | train-ridge 0.1.0 | passed | [TIME] | a model of [SIZE] (application/onnx) |
    | evaluate | evaluate-regression 0.1.0 | passed | [TIME] | the first model, since none is in production yet; mse is 3298.89; the other condition holds |
    | register | register-local 0.1.0 | passed | [TIME] | diabetes@1 is `production` |

    ### Drift

    | Column | PSI | |
    | --- | ---: | --- |
    | S4 | 0.00411178 | as before |
    | S6 | 0.003543549 | as before |
    | S3 | 0.003117624 | as before |
    | BP | 0.003007246 | as before |
    | BMI | 0.002273037 | as before |

    Closer than these: 6.

    ### Grants

    No stage may do anything beyond what its kind is handed.

    - Run: [RUN]
    - Cost: [TIME] of computing, 0 of 5 stages from the cache
    - Registered: diabetes@1
    - Trained: train-ridge 0.1.0 on `data/diabetes.csv`, target `Y`, alpha=0.5
    - Data: sha256:[DIGEST]
    ");
    let xml = project.read("tests.xml");
    let suites: Vec<_> =
        xml.lines().filter(|line| line.contains("<testsuite ")).map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(suites.len(), 5, "{xml}");
    assert!(xml.contains("classname=\"unit-test.test-regressor\""), "{xml}");
    let record: RunRecord = project.run(&["show", "--json"]).ok().json();
    let cases = record.stages[1].report.test_cases.len();
    assert!(
        suites[1].contains(&format!("name=\"unit-test\" tests=\"{cases}\" skipped=\"0\" errors=\"0\" failures=\"0\"")),
        "{}",
        suites[1]
    );
}

#[test]
fn junit_and_markdown_of_a_run_that_was_blocked() {
    let project = Project::diabetes();
    project.edit("[stages.sanity-check]", "[stages.sanity-check]\nparams = { min_rows = 1000 }");
    let run = project.run(&["run", "--junit", "tests.xml", "--summary", "summary.md"]).exits(exit_code::BLOCKED);
    assert_snapshot!(run.redacted(&project.read("tests.xml")), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="sprag diabetes" tests="5" skipped="4" failures="1" errors="0">
        <testsuite name="sanity-check" tests="1" skipped="0" errors="0" failures="1" time="[TIME]">
            <testcase name="row-count" classname="sanity-check.check-tabular">
                <failure message="expected at least 1000 rows, found 442" type="row-count"/>
            </testcase>
        </testsuite>
        <testsuite name="unit-test" tests="1" skipped="1" errors="0" failures="0" time="[TIME]">
            <testcase name="unit-test" classname="unit-test.test-regressor">
                <skipped message="`sanity-check` blocked the run"/>
            </testcase>
        </testsuite>
        <testsuite name="train" tests="1" skipped="1" errors="0" failures="0" time="[TIME]">
            <testcase name="train" classname="train.train-ridge">
                <skipped message="`sanity-check` blocked the run"/>
            </testcase>
        </testsuite>
        <testsuite name="evaluate" tests="1" skipped="1" errors="0" failures="0" time="[TIME]">
            <testcase name="evaluate" classname="evaluate.evaluate-regression">
                <skipped message="`sanity-check` blocked the run"/>
            </testcase>
        </testsuite>
        <testsuite name="register" tests="1" skipped="1" errors="0" failures="0" time="[TIME]">
            <testcase name="register" classname="register.register-local">
                <skipped message="`sanity-check` blocked the run"/>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
    assert_snapshot!(run.redacted(&project.read("summary.md")), @r"
    ## diabetes: blocked

    `sanity-check` blocked the run: 1 finding: expected at least 1000 rows, found 442

    | Stage | Plugin | Status | Time | Reason |
    | --- | --- | --- | ---: | --- |
    | sanity-check | check-tabular 0.1.0 | blocked | [TIME] | 1 finding: expected at least 1000 rows, found 442 |
    | unit-test | test-regressor 0.1.0 | skipped |  | `sanity-check` blocked the run |
    | train | train-ridge 0.1.0 | skipped |  | `sanity-check` blocked the run |
    | evaluate | evaluate-regression 0.1.0 | skipped |  | `sanity-check` blocked the run |
    | register | register-local 0.1.0 | skipped |  | `sanity-check` blocked the run |

    ### Findings

    - `sanity-check` row-count: expected at least 1000 rows, found 442

    ### Drift

    | Column | PSI | |
    | --- | ---: | --- |
    | S4 | 0.00411178 | as before |
    | S6 | 0.003543549 | as before |
    | S3 | 0.003117624 | as before |
    | BP | 0.003007246 | as before |
    | BMI | 0.002273037 | as before |

    Closer than these: 6.

    ### Grants

    No stage may do anything beyond what its kind is handed.

    - Run: [RUN]
    - Cost: [TIME] of computing, 0 of 1 stages from the cache
    - Data: sha256:[DIGEST]
    ");
}

#[test]
fn junit_of_a_plugin_that_trapped() {
    let project = Project::diabetes();
    project.edit("plugin = \"check-tabular\"", &format!("plugin = \"{CHECK}\"\nparams = {{ act = \"exit\" }}"));
    let run = project.run(&["run", "--junit", "tests.xml"]).exits(exit_code::PLUGIN_FAILED);
    let xml = run.redacted(&project.read("tests.xml"));
    assert_snapshot!(xml.lines().take(8).collect::<Vec<_>>().join("\n"), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="sprag diabetes" tests="5" skipped="4" failures="0" errors="1">
        <testsuite name="sanity-check" tests="1" skipped="0" errors="1" failures="0" time="[TIME]">
            <testcase name="sanity-check" classname="sanity-check.program-check">
                <error message="expected a stage to return, found that it ended its process with code 1" type="failed"/>
            </testcase>
        </testsuite>
        <testsuite name="unit-test" tests="1" skipped="1" errors="0" failures="0" time="[TIME]">
    "#);
}

#[test]
fn a_report_that_cannot_be_written_is_said_and_the_run_stands() {
    let project = Project::diabetes();
    let run = project.run(&["run", "--junit", "no/such/folder/tests.xml"]).exits(exit_code::BAD_PROJECT);
    assert_snapshot!(run.redacted(&run.stderr), @"error: failed to write `no/such/folder/tests.xml`: No such file or directory (os error 2)");
    let record: RunRecord = project.run(&["show", "--json"]).ok().json();
    assert!(record.stages.iter().all(|stage| stage.status == StageStatus::Passed));
}

#[test]
fn colour_is_for_terminals_or_on_request() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    assert!(!project.run(&["runs"]).ok().stdout.contains('\u{1b}'));
    assert!(project.run(&["runs", "--color", "always"]).ok().stdout.contains("\u{1b}[1m"));
}

#[test]
fn nobody_reading_is_no_failure() {
    let project = Project::diabetes();
    let script = "\"$SPRAG\" run | true; \"$SPRAG\" show --json | head -c 10; \"$SPRAG\" completions zsh | true";
    let run = Sprag::of(&project, "sh".as_ref(), &["-c", script]).run().ok();
    assert_eq!(run.stderr, "");
    let record: RunRecord = project.run(&["show", "--json"]).ok().json();
    assert_eq!(record.outcome, RunOutcome::Promoted, "the run went on to its end");
}
