//! `sprag plugin test`

use std::path::{Path, PathBuf};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;
use serde_json::{Map, Value};
use sprag_conformance::{Case, CaseError, CaseReport, Kit, Status, Trainer, own_cases, standard_cases};
use sprag_core::portrait::Portrait;
use sprag_runtime::Runtime;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::manifest::Kind;

use super::subject::{Place, Subject};
use crate::args::PluginTestArgs;
use crate::commands::run::code_dir;
use crate::console::{BAD, BOLD, Console, DIM, GOOD, WARN};
use crate::error::CommandError;

/// Holds a component against the cases of its kind and of its author.
///
/// # Errors
/// There is no such plugin, it is of no kind, or a case cannot be read.
pub(super) fn run(args: &PluginTestArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let subject = Subject::find(&args.plugin)?;
    let kind = kind_of(&subject)?;
    let scratch = tempfile::tempdir().map_err(|error| CommandError::io("make", Path::new("a temporary folder"), &error))?;
    let cases = cases(args, kind, scratch.path())?;
    if args.list {
        list(&cases, args.json, console);
        return Ok(exit_code::SUCCESS);
    }
    let title = subject.title();
    let digest = subject.component.digest.to_string();
    let kit = kit(args, subject, kind)?;
    let mut reports = vec![];
    for case in &cases {
        let report = kit.run(case).map_err(wrong_case)?;
        if !args.json {
            told(&report).iter().for_each(|line| console.line(line));
        }
        reports.push(report);
    }
    let count = |is: fn(&Status) -> bool| reports.iter().filter(|report| is(&report.status)).count();
    let failed = count(|status| matches!(status, Status::Failed(_)));
    if let Some(path) = &args.junit {
        std::fs::write(path, junit(&title, kind, &reports)).map_err(|error| CommandError::io("write", path, &error))?;
    }
    if args.json {
        console.json(&Told { plugin: &title, kind: kind.name(), digest: &digest, conforms: failed == 0, cases: &reports });
    } else {
        let passed = count(|status| *status == Status::Passed);
        let skipped = reports.len() - passed - failed;
        let (style, word) = if failed == 0 { (GOOD, "conforms") } else { (BAD, "does not conform") };
        console.line(&format!("{style}{title} {word}{style:#} to `{kind}`: {passed} passed, {failed} failed, {skipped} skipped"));
    }
    Ok(if failed == 0 { exit_code::SUCCESS } else { exit_code::BLOCKED })
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Told<'a> {
    plugin: &'a str,
    kind: &'static str,
    digest: &'a str,
    conforms: bool,
    cases: &'a [CaseReport],
}

fn kind_of(subject: &Subject) -> Result<Kind, CommandError> {
    let portrait = Portrait::of(&subject.component);
    match portrait.kinds.as_slice() {
        [kind] => Ok(*kind),
        _ => Err(CommandError::user(format!("{}: {}", subject.title(), portrait.problems.join("\n")))),
    }
}

/// The cases that are for plugins of the kind: the kit's, then the author's.
fn cases(args: &PluginTestArgs, kind: Kind, scratch: &Path) -> Result<Vec<Case>, CommandError> {
    let mut cases = standard_cases(scratch).map_err(wrong_case)?;
    let beside = PathBuf::from(&args.plugin).join("cases");
    let own = args.cases.clone().or_else(|| beside.is_dir().then_some(beside));
    cases.extend(own.map(|dir| own_cases(&dir)).transpose().map_err(wrong_case)?.unwrap_or_default());
    cases.retain(|case| case.is_for(kind));
    let known: Vec<_> = cases.iter().map(|case| format!("`{}`", case.name)).collect();
    if let Some(unknown) = args.only.iter().find(|name| !cases.iter().any(|case| case.name == **name)) {
        return Err(CommandError::user(format!("expected a case for `{kind}` ({}), found `{unknown}`", known.join(", "))));
    }
    cases.retain(|case| (args.only.is_empty() || args.only.contains(&case.name)) && !args.skip.contains(&case.name));
    Ok(cases)
}

fn wrong_case(error: CaseError) -> CommandError {
    CommandError::user(error.to_string())
}

fn list(cases: &[Case], json: bool, console: &Console) {
    if json {
        let all: Vec<_> = cases.iter().map(|case| serde_json::json!({ "case": case.name, "must": case.must })).collect();
        console.json(&all);
        return;
    }
    for case in cases {
        console.line(&format!("{BOLD}{:<18}{BOLD:#} it must {}", case.name, case.must));
    }
}

fn kit(args: &PluginTestArgs, subject: Subject, kind: Kind) -> Result<Kit, CommandError> {
    let params: Map<String, Value> = serde_json::from_str(&args.params)
        .map_err(|error| CommandError::user(format!("`--params`: expected a JSON object, found `{}`: {error}", args.params)))?;
    let trainer = Subject::find(&args.trainer)?;
    if kind_of(&trainer)? != Kind::Train {
        return Err(CommandError::user(format!("`--trainer`: expected a plugin of the kind `train`, found `{}`", args.trainer)));
    }
    let schema = trainer.component.plugin.as_ref().map_or_else(|| Value::Bool(true), |info| info.params_schema.clone());
    let trainer = Trainer { bytes: trainer.bytes, schema };
    let runtime = Runtime::new(code_dir().as_deref()).map_err(|error| CommandError::user(error.to_string()))?;
    let Subject { bytes, component, place, .. } = subject;
    let subject = sprag_conformance::Subject { kind, bytes, component, params };
    Kit::new(runtime, subject, trainer).map_err(|error| {
        let of = match place {
            Place::BuiltIn(name) => name.to_owned(),
            Place::File(path) => path.display().to_string(),
            Place::Registry(reference) => reference,
        };
        CommandError::user(format!("`{of}`: {error}"))
    })
}

/// A case for a person: what failed says what the plugin must do and what was found.
fn told(report: &CaseReport) -> Vec<String> {
    let time = format!("{DIM}{:>8.0} ms{DIM:#}", report.duration_ms);
    let line = |style: anstyle::Style, word: &str| format!("{style}{word:<7}{style:#} {:<18} {time}", report.case);
    let indented = |text: &str| text.lines().map(|line| format!("        {line}")).collect::<Vec<_>>();
    match &report.status {
        Status::Passed => vec![line(GOOD, "ok")],
        Status::Skipped(why) => vec![format!("{}  {DIM}{why}{DIM:#}", line(WARN, "skipped"))],
        Status::Failed(found) => {
            let must = format!("        it must {}", report.must);
            [line(BAD, "FAILED"), must].into_iter().chain(indented(found)).collect()
        }
    }
}

/// The report as JUnit XML: one suite with a test for each case.
fn junit(title: &str, kind: Kind, reports: &[CaseReport]) -> String {
    let mut suite = TestSuite::new(title);
    for report in reports {
        let status = match &report.status {
            Status::Passed => TestCaseStatus::success(),
            Status::Skipped(why) => {
                let mut status = TestCaseStatus::skipped();
                let _ = status.set_message(why.as_str());
                status
            }
            Status::Failed(found) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let _ = status.set_message(format!("it must {}", report.must)).set_description(found.as_str());
                status
            }
        };
        let mut case = TestCase::new(report.case.as_str(), status);
        let _ = case.set_classname(format!("conformance.{kind}"));
        let _ = case.set_time(std::time::Duration::from_secs_f64(report.duration_ms / 1000.0));
        suite.add_test_case(case);
    }
    let mut report = Report::new(format!("sprag plugin test {title}"));
    report.add_test_suite(suite);
    report.to_string().expect("the report holds text and numbers, which XML can hold")
}
