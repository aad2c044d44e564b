//! What the program said and how it ended.

use std::process::Output;

use serde::de::DeserializeOwned;
use sprag_schemas::event::Event;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::record::{RunRecord, StageRecord, StageStatus};

use super::redact::Redactor;

/// How a call of the program ended.
#[derive(Debug)]
#[must_use = "hold it against something"]
pub(crate) struct Outcome {
    /// The exit code; none where a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    redactor: Redactor,
}

impl Outcome {
    pub(super) fn new(output: Output, redactor: Redactor) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr), redactor }
    }

    /// Insists on an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: ExitCode) -> Self {
        assert_eq!(self.code, Some(i32::from(code.code)), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Insists on success.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.exits(exit_code::SUCCESS)
    }

    /// Insists that the command itself failed and printed no result, and gives exit code and error, redacted.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        assert_eq!(self.stdout, "", "stderr:\n{}", self.stderr);
        format!("exit code {}\n{}", self.code.unwrap_or(-1), self.redactor.text(&self.stderr))
    }

    /// Standard output, redacted.
    pub(crate) fn text(&self) -> String {
        self.redactor.text(&self.stdout)
    }

    /// A text of a file that it wrote, redacted.
    pub(crate) fn redacted(&self, text: &str) -> String {
        self.redactor.text(text)
    }

    /// Exit code, what each stage came to and the summary; the metrics that a stage tells on its way are left out.
    pub(crate) fn told(&self) -> String {
        let is_metric =
            |line: &&str| line.starts_with("  ") && line.split_once(": ").is_some_and(|(stage, _)| is_stage(stage.trim()));
        let lines: Vec<_> = self.stdout.lines().skip(1).filter(|line| !is_metric(line)).collect();
        let mut text = format!("exit code {}\n{}\n", self.code.unwrap_or(-1), lines.join("\n"));
        if !self.stderr.is_empty() {
            text = format!("{text}--- standard error\n{}", self.stderr);
        }
        self.redactor.text(&text)
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// Standard output as events.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Event> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let events: Vec<_> = self.stdout.lines().map(parse).collect();
        assert!(!events.is_empty(), "no event; standard error:\n{}", self.stderr);
        events
    }
}

fn is_stage(word: &str) -> bool {
    sprag_schemas::manifest::Kind::from_name(word).is_some()
}

/// The record of a stage.
#[track_caller]
pub(crate) fn stage<'a>(record: &'a RunRecord, name: &str) -> &'a StageRecord {
    record.stages.iter().find(|stage| stage.name == name).unwrap_or_else(|| panic!("no stage `{name}`: {record:?}"))
}

/// The names of the stages that did work.
pub(crate) fn ran(record: &RunRecord) -> Vec<&str> {
    let did_work = |stage: &&StageRecord| stage.status != StageStatus::Skipped && stage.cached_from.is_none();
    record.stages.iter().filter(did_work).map(|stage| stage.name.as_str()).collect()
}

/// A metric of the evaluation.
#[track_caller]
pub(crate) fn metric(record: &RunRecord, split: &str, name: &str) -> f64 {
    let mut metrics = stage(record, "evaluate").report.metrics.iter();
    let found = metrics.find(|metric| metric.name == name && metric.split.as_deref() == Some(split));
    found.unwrap_or_else(|| panic!("no {split} {name}: {record:?}")).value
}
