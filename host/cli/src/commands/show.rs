//! `sprag show`

use std::path::Path;

use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::record::RunRecord;

use crate::args::ShowArgs;
use crate::console::{Console, DIM};
use crate::error::CommandError;
use crate::report::number::short;
use crate::report::{facts, text};

/// Shows one run.
///
/// # Errors
/// There is no such run.
pub fn run(args: &ShowArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let record = super::open_store(project)?.find_run(&args.run)?;
    if args.json {
        console.json(&record);
        return Ok(exit_code::SUCCESS);
    }
    for line in lines(&record) {
        console.line(&line);
    }
    Ok(exit_code::SUCCESS)
}

fn lines(record: &RunRecord) -> Vec<String> {
    let mut lines = text::summary(record);
    let mut row = |name: &str, value: &str| lines.push(format!("  {DIM}{name:<11}{DIM:#} {value}"));
    row("started", &format!("{} by {}", record.started_at, record.origin.by));
    if let Some(data) = &record.data {
        let rows = data.rows.map(|rows| format!(", {rows} rows")).unwrap_or_default();
        row("data", &format!("{} {}{rows}", data.path, data.file_digest));
    }
    if let Some(commit) = &record.origin.git_commit {
        row("commit", &format!("{commit}{}", if record.origin.git_dirty == Some(true) { " and changes" } else { "" }));
    }
    lines.extend(text::comparison(record));
    for stage in &record.stages {
        lines.push(String::new());
        lines.extend(text::stage(stage));
        for metric in stage.report.metrics.iter().filter(|metric| metric.step.is_none()) {
            lines.push(format!("  {:<30} {:>14}", facts::metric_name(metric), short(metric.value)));
        }
        for artifact in &stage.report.artifacts {
            lines.push(format!(
                "  {DIM}artifact{DIM:#} {} ({}, {} bytes) {}",
                artifact.name, artifact.media_type, artifact.bytes, artifact.digest
            ));
        }
    }
    lines
}
