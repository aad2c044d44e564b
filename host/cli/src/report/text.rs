//! Stages and runs as lines of text.

use anstyle::Style;
use sprag_schemas::batch::{BatchRecord, BatchSummary};
use sprag_schemas::record::{RunOutcome, RunRecord, Severity, StageRecord, StageStatus, TestOutcome};

use super::facts;
use super::number::{millis, short, signed};
use crate::console::{BAD, BOLD, DIM, GOOD, WARN};

/// The line of a stage that ended, and below it what it found and what went wrong.
pub(crate) fn stage(record: &StageRecord) -> Vec<String> {
    let style = status_style(record);
    let time = if record.cached_from.is_some() { "cached".to_owned() } else { millis(record.duration_ms) };
    let time = if record.status == StageStatus::Skipped { String::new() } else { time };
    let head = format!(
        "{style}{:<9}{style:#} {BOLD}{:<13}{BOLD:#} {DIM}{:<29} {time:>8}{DIM:#}  {}",
        record.status.name(),
        record.name,
        format!("{} {}", record.plugin.name, record.plugin.version),
        record.reason
    );
    let mut lines = vec![head.trim_end().to_owned()];
    for finding in record.report.findings.iter().filter(|finding| finding.severity != Severity::Note) {
        let (style, word) = if finding.severity == Severity::Error { (BAD, "error") } else { (WARN, "warning") };
        lines.push(format!("  {style}{word}{style:#}[{}]: {}", finding.code, finding.message));
    }
    for case in record.report.test_cases.iter().filter(|case| case.outcome == TestOutcome::Failed) {
        lines.push(format!("  {BAD}failed{BAD:#} {}: {}", case.name, case.message));
    }
    lines.extend(error(record));
    lines
}

/// What went wrong in a stage: the plugin's last words and the frames of its trap.
fn error(record: &StageRecord) -> Vec<String> {
    let Some(error) = &record.error else { return vec![] };
    let mut lines = vec![];
    if !record.report.stderr.trim().is_empty() {
        lines.push(format!("  {DIM}the last that {} wrote:{DIM:#}", record.plugin.name));
        let words: Vec<_> = record.report.stderr.trim().lines().collect();
        let from = words.len().saturating_sub(10);
        lines.extend(words[from..].iter().map(|line| format!("    {line}")));
    }
    if !error.frames.is_empty() {
        lines.push(format!("  {DIM}where:{DIM:#}"));
        lines.extend(error.frames.iter().take(8).map(|frame| format!("    {frame}")));
    }
    lines
}

/// The lines of a file that was scored, or failed to be.
pub(crate) fn batch(record: &BatchRecord) -> Vec<String> {
    let head = |style: Style, word: &str| format!("{style}{word:<9}{style:#} {BOLD}{:<13}{BOLD:#}", record.name);
    match (&record.summary, &record.error) {
        (Some(summary), _) => {
            let BatchSummary { model, input, output, rejects, seconds, .. } = summary;
            let time = millis(seconds * 1000.0);
            let mut lines = vec![format!(
                "{} {DIM}{:<29} {time:>8}{DIM:#}  {} rows: {} -> {}",
                head(GOOD, "scored"),
                model,
                output.rows,
                input.path,
                output.path
            )];
            if let Some(rejects) = rejects {
                lines.push(format!("  {WARN}{} rows refused{WARN:#}: {}", rejects.rows, rejects.path));
            }
            lines
        }
        (None, error) => {
            let message = error.as_ref().map_or("", |error| error.message.as_str());
            let mut lines = vec![format!("{} {message}", head(BAD, "failed"))];
            lines.extend(error.as_ref().and_then(|error| error.hint.as_ref()).map(|hint| format!("  {DIM}hint:{DIM:#} {hint}")));
            lines
        }
    }
}

fn status_style(record: &StageRecord) -> Style {
    match record.status {
        StageStatus::Passed => GOOD,
        StageStatus::Skipped => DIM,
        StageStatus::Blocked | StageStatus::Cancelled => WARN,
        StageStatus::Failed => BAD,
    }
}

pub(crate) fn outcome_style(outcome: RunOutcome) -> Style {
    match outcome {
        RunOutcome::Promoted | RunOutcome::Succeeded | RunOutcome::Kept => GOOD,
        RunOutcome::Running | RunOutcome::Blocked | RunOutcome::Cancelled | RunOutcome::Interrupted => WARN,
        RunOutcome::Error => BAD,
    }
}

/// The summary of a run that ended: what was decided and why, what was trained.
pub(crate) fn summary(record: &RunRecord) -> Vec<String> {
    let style = outcome_style(record.outcome);
    let mut lines = vec![format!("{style}{}{style:#}: {}", facts::verdict(record.outcome), record.reason)];
    let mut row = |name: &str, text: String| lines.push(format!("  {DIM}{name:<11}{DIM:#} {text}"));
    if let Some(trained) = facts::trained(record) {
        row("trained", trained);
    }
    if let Some(registered) = &record.registered {
        row("registered", registered.to_string());
    }
    if facts::is_all_cached(record) {
        row("work", "none: every stage's result was in the cache".to_owned());
    }
    row("run", record.id.clone());
    lines
}

/// Candidate against production, a line for each metric.
pub(crate) fn comparison(record: &RunRecord) -> Vec<String> {
    let compared = facts::compared(record);
    if compared.is_empty() {
        return vec![];
    }
    let production = record.production.as_ref().map_or_else(|| "production".to_owned(), ToString::to_string);
    let has_production = compared.iter().any(|metric| metric.production.is_some());
    let mut lines = vec![String::new()];
    lines.push(if has_production {
        format!("  {DIM}{:<20} {:>14} {production:>14} {:>14}{DIM:#}", "", "candidate", "difference")
    } else {
        format!("  {DIM}{:<20} {:>14}{DIM:#}", "", "candidate")
    });
    for metric in compared {
        let candidate = short(metric.candidate);
        lines.push(match metric.production {
            Some(value) => {
                format!("  {:<20} {candidate:>14} {:>14} {:>14}", metric.name, short(value), signed(metric.candidate - value))
            }
            None => format!("  {:<20} {candidate:>14}", metric.name),
        });
    }
    lines
}
