//! What happens in a run, as it happens: the lines of `--format json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::BatchRecord;
use crate::manifest::Kind;
use crate::record::{Finding, LogLine, Metric, RunOutcome, RunRecord, StageRecord};

/// One event of a run. Each is one line of JSON, told apart by `event`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Event {
    /// The run waits for another run of the project to end.
    Waiting {
        /// The run that holds the project, where it is known.
        holder: Option<String>,
    },
    /// The run began.
    RunStarted {
        /// The run's id.
        run: String,
        /// The project's name.
        project: String,
        /// The stages that may run, in order.
        stages: Vec<String>,
    },
    /// A component is being compiled, once for this version of sprag and this machine.
    Compiling {
        /// The plugin as the project names it.
        plugin: String,
    },
    /// A stage began.
    StageStarted {
        /// The stage's name.
        stage: String,
        /// Its kind.
        kind: Kind,
        /// The plugin as the project names it.
        plugin: String,
    },
    /// A stage wrote a log line.
    Log {
        /// The stage's name.
        stage: String,
        /// The line.
        line: LogLine,
    },
    /// A stage measured something.
    Metric {
        /// The stage's name.
        stage: String,
        /// The measurement.
        metric: Metric,
    },
    /// A stage found something.
    Finding {
        /// The stage's name.
        stage: String,
        /// The finding.
        finding: Finding,
    },
    /// A stage said how far it is.
    Progress {
        /// The stage's name.
        stage: String,
        /// Units done.
        done: u64,
        /// Units in all, where they are known.
        total: Option<u64>,
    },
    /// A stage ended, was taken from the cache, or was skipped.
    StageFinished {
        /// The stage's record.
        record: Box<StageRecord>,
    },
    /// A file of the project was scored, or failed to be.
    BatchFinished {
        /// What was done.
        record: Box<BatchRecord>,
    },
    /// The run ended.
    RunFinished {
        /// How.
        outcome: RunOutcome,
        /// The exit code of the process.
        exit_code: u8,
        /// The whole record.
        record: Box<RunRecord>,
    },
}
