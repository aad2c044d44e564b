//! What a plugin did, in terms that cases are written in.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use sprag_runtime::{Finished, StageFailure};
use sprag_schemas::record::StageReport;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// With a result.
    Ok,
    /// With the failure `bad-input`.
    BadInput,
    /// With the failure `bad-params`.
    BadParams,
    /// With the failure `unsupported`.
    Unsupported,
    /// With the failure `retry`.
    Retry,
    /// With the failure `internal`.
    Internal,
    /// It passed a limit.
    Limit,
    /// It was cancelled.
    Cancelled,
    /// It trapped.
    Trap,
    /// It broke the contract.
    Contract,
    /// The host failed.
    Host,
}

impl Outcome {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BadInput => "bad-input",
            Self::BadParams => "bad-params",
            Self::Unsupported => "unsupported",
            Self::Retry => "retry",
            Self::Internal => "internal",
            Self::Limit => "limit",
            Self::Cancelled => "cancelled",
            Self::Trap => "trap",
            Self::Contract => "contract",
            Self::Host => "host",
        }
    }

    /// Whether the plugin itself said that it cannot.
    pub(crate) const fn is_said(self) -> bool {
        matches!(self, Self::BadInput | Self::BadParams | Self::Unsupported | Self::Retry | Self::Internal)
    }

    /// The outcome of a failure.
    pub(crate) fn of(failure: &StageFailure) -> Self {
        match failure {
            StageFailure::Plugin { kind, .. } => match *kind {
                "bad input" => Self::BadInput,
                "bad parameters" => Self::BadParams,
                "not supported" => Self::Unsupported,
                "try again" => Self::Retry,
                _ => Self::Internal,
            },
            StageFailure::Trap { .. } => Self::Trap,
            StageFailure::Limit(_) => Self::Limit,
            StageFailure::Contract(_) => Self::Contract,
            StageFailure::Cancelled => Self::Cancelled,
            StageFailure::Host(_) => Self::Host,
        }
    }
}

/// One call of a plugin.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) outcome: Outcome,
    /// The failure's words; empty with a result.
    pub(crate) message: String,
    /// The result's one word, where it is one: a verdict, a decision, a ruling.
    pub(crate) answer: Option<String>,
    /// The whole result, as text that is equal where results are.
    pub(crate) result: String,
    /// What it reported.
    pub(crate) report: StageReport,
}

impl Observed {
    /// What came of a call.
    pub(crate) fn new<T: Debug>(finished: Finished<T>, answer: impl FnOnce(&T) -> Option<String>) -> (Self, Option<T>) {
        let Finished { report, result } = finished;
        match result {
            Ok(value) => {
                let (answer, result) = (answer(&value), format!("{value:?}"));
                (Self { outcome: Outcome::Ok, message: String::new(), answer, result, report }, Some(value))
            }
            Err(failure) => {
                let (outcome, message) = (Outcome::of(&failure), failure.to_string());
                (Self { outcome, message, answer: None, result: String::new(), report }, None)
            }
        }
    }

    /// Everything that must be the same when the same is done again: all but log lines and what was printed.
    pub(crate) fn print(&self) -> String {
        let StageReport { metrics, findings, artifacts, test_cases, .. } = &self.report;
        format!("{:?} {:?} {} {metrics:?} {findings:?} {artifacts:?} {test_cases:?}", self.outcome, self.message, self.result)
    }

    /// How it ended, for a person.
    pub(crate) fn told(&self) -> String {
        match (self.outcome, &self.answer) {
            (Outcome::Ok, Some(answer)) => format!("it answered `{answer}`"),
            (Outcome::Ok, None) => "it succeeded".to_owned(),
            (Outcome::Trap | Outcome::Contract | Outcome::Host | Outcome::Limit | Outcome::Cancelled, _) => {
                let words = self.report.stderr.trim();
                let words = if words.is_empty() { String::new() } else { format!("\n{words}") };
                format!("{}{words}", self.message)
            }
            _ => self.message.clone(),
        }
    }
}
