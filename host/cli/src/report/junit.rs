//! A run as JUnit XML: one suite a stage; a check's findings and a test's cases are its cases.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use sprag_schemas::record::{RunRecord, Severity, StageRecord, StageStatus, TestOutcome};

/// The run as JUnit XML.
pub(crate) fn xml(record: &RunRecord) -> String {
    let mut report = Report::new(format!("sprag {}", record.project));
    for stage in &record.stages {
        report.add_test_suite(suite(stage));
    }
    report.to_string().expect("the report holds text and numbers, which XML can hold")
}

fn suite(stage: &StageRecord) -> TestSuite {
    let mut suite = TestSuite::new(stage.name.as_str());
    suite.set_time(std::time::Duration::from_secs_f64(stage.duration_ms / 1000.0));
    for case in &stage.report.test_cases {
        let status = match case.outcome {
            TestOutcome::Passed => TestCaseStatus::success(),
            TestOutcome::Skipped => skipped(&case.message),
            TestOutcome::Failed => failure(NonSuccessKind::Failure, "test", &case.message),
        };
        suite.add_test_case(named(&case.name, stage, status));
    }
    for finding in stage.report.findings.iter().filter(|finding| finding.severity == Severity::Error) {
        let name =
            finding.subject.as_ref().map_or_else(|| finding.code.clone(), |subject| format!("{}: {subject}", finding.code));
        suite.add_test_case(named(&name, stage, failure(NonSuccessKind::Failure, &finding.code, &finding.message)));
    }
    if suite.test_cases.is_empty() {
        let status = match stage.status {
            StageStatus::Passed => TestCaseStatus::success(),
            StageStatus::Skipped => skipped(&stage.reason),
            StageStatus::Blocked => failure(NonSuccessKind::Failure, "blocked", &stage.reason),
            StageStatus::Failed | StageStatus::Cancelled => failure(NonSuccessKind::Error, stage.status.name(), &stage.reason),
        };
        suite.add_test_case(named(stage.kind.name(), stage, status));
    } else if let Some(error) = &stage.error {
        suite.add_test_case(named(stage.kind.name(), stage, failure(NonSuccessKind::Error, &error.kind, &error.message)));
    }
    suite
}

fn named(name: &str, stage: &StageRecord, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("{}.{}", stage.kind, stage.plugin.name));
    case
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

fn failure(kind: NonSuccessKind, name: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(name).set_message(message);
    status
}
