//! A release, for a person: its steps as they end, how it stands, and what it would change.

use anstyle::Style;
use sprag_release::{Preview, approve_with};
use sprag_schemas::record::Severity;
use sprag_schemas::release::{ReleaseOutcome, ReleaseRecord, StepRecord, StepStatus};

use super::change;
use crate::console::{BAD, BOLD, DIM, GOOD, WARN};

pub(crate) fn outcome_style(outcome: ReleaseOutcome) -> Style {
    match outcome {
        ReleaseOutcome::Released => GOOD,
        ReleaseOutcome::Running | ReleaseOutcome::AwaitingApproval | ReleaseOutcome::Blocked | ReleaseOutcome::Cancelled => WARN,
        ReleaseOutcome::RolledBack | ReleaseOutcome::Error => BAD,
    }
}

fn status_style(status: StepStatus) -> Style {
    match status {
        StepStatus::Passed => GOOD,
        StepStatus::Skipped | StepStatus::Pending => DIM,
        StepStatus::Running | StepStatus::Waiting | StepStatus::Blocked => WARN,
        StepStatus::Failed => BAD,
    }
}

/// A step that ended.
pub(crate) fn step(step: &StepRecord) -> Vec<String> {
    let style = status_style(step.status);
    let plugin = step.plugin.as_ref().map(|plugin| format!("{} {}", plugin.name, plugin.version)).unwrap_or_default();
    let head = format!(
        "{style}{:<9}{style:#} {BOLD}{:<25}{BOLD:#} {DIM}{plugin:<25}{DIM:#} {}",
        step.status.name(),
        step.name,
        step.reason
    );
    let mut lines = vec![head.trim_end().to_owned()];
    for finding in step.report.findings.iter().filter(|finding| finding.severity != Severity::Note) {
        let (style, word) = if finding.severity == Severity::Error { (BAD, "error") } else { (WARN, "warning") };
        lines.push(format!("  {style}{word}{style:#}[{}]: {}", finding.code, finding.message));
    }
    if let Some(error) = &step.error {
        let words: Vec<_> = step.report.stderr.trim().lines().collect();
        let from = words.len().saturating_sub(10);
        lines.extend(words[from..].iter().map(|line| format!("    {line}")));
        lines.extend(error.frames.iter().take(8).map(|frame| format!("    {frame}")));
    }
    lines
}

/// How a release stands, and what to do next.
pub(crate) fn summary(record: &ReleaseRecord) -> Vec<String> {
    let style = outcome_style(record.outcome);
    let mut lines = vec![String::new(), format!("{style}{}{style:#}: {}", record.outcome.name(), record.reason)];
    let mut row = |name: &str, text: &str| lines.push(format!("  {DIM}{name:<11}{DIM:#} {text}"));
    if let Some(package) = &record.package {
        row("package", &package.digest);
        if let Some(image) = &package.image {
            row("image", image);
        }
    }
    if let Some(reason) = &record.emergency {
        row("emergency", reason);
    } else if let Some(reason) = &record.why {
        row("why", reason);
    }
    row("release", &record.id);
    match record.outcome {
        ReleaseOutcome::AwaitingApproval => {
            row("look", "sprag approvals");
            let waits = record.steps.iter().find(|step| step.status == StepStatus::Waiting);
            if let Some(statement) = waits.and_then(|step| step.statement.as_ref()) {
                row("approve", &approve_with(&record.id, statement));
            }
            row("go on", &format!("sprag resume {}", record.id));
        }
        ReleaseOutcome::Error | ReleaseOutcome::Cancelled | ReleaseOutcome::Running => {
            row("go on", &format!("sprag resume {}", record.id));
        }
        ReleaseOutcome::Released | ReleaseOutcome::Blocked | ReleaseOutcome::RolledBack => {}
    }
    lines
}

/// A release with all its steps.
pub(crate) fn whole(record: &ReleaseRecord) -> Vec<String> {
    let mut lines = vec![format!("{BOLD}{}{BOLD:#} to {} {DIM}release {}{DIM:#}", record.version, record.to, record.id)];
    lines.extend(record.steps.iter().flat_map(step));
    lines.extend(summary(record));
    lines.push(format!("  {DIM}{:<11}{DIM:#} {} by {}", "started", record.started_at, record.origin.by));
    lines
}

/// What a release would change.
pub(crate) fn plan(plan: &Preview) -> Vec<String> {
    let mut lines = vec![format!("{BOLD}{}{BOLD:#} {DIM}{}{DIM:#}", plan.version, plan.package)];
    for environment in &plan.environments {
        let now = environment.replaces.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
        lines.push(format!("\n{BOLD}{}{BOLD:#} {DIM}runs {now}{DIM:#}", environment.name));
        lines.extend(environment.changes.iter().map(change::line));
        if let Some(error) = &environment.error {
            lines.push(format!("  {BAD}error{BAD:#} {error}"));
        }
    }
    lines
}
