//! `sprag runs`

use std::path::Path;
use std::sync::Arc;

use sprag_lifecycle::{accept_lock, tell};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::record::{RunOutcome, StageStatus};

use crate::args::{Format, RunsArgs, RunsCommand};
use crate::console::{Console, DIM};
use crate::error::CommandError;
use crate::report;
use crate::report::text::outcome_style;

/// Lists the runs, or tells people of them.
///
/// # Errors
/// There is no store, or it cannot be read.
pub fn run(args: &RunsArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    if let Some(RunsCommand::Notify { run, json, .. }) = &args.command {
        return notify(run.as_deref(), *json, project, console);
    }
    let runs = super::open_store(project)?.runs(args.limit, None)?;
    if args.json {
        console.json(&runs);
        return Ok(exit_code::SUCCESS);
    }
    for run in runs {
        let style = outcome_style(run.outcome);
        let registered = run.registered.map(|version| format!("{version}  ")).unwrap_or_default();
        console.line(&format!(
            "{}  {style}{:<11}{style:#} {registered}{DIM}{}{DIM:#}",
            run.id,
            run.outcome.name(),
            first_line(&run.reason)
        ));
    }
    Ok(exit_code::SUCCESS)
}

/// Tells everyone under `[run.notify]` of one run, or of all that ended.
fn notify(run: Option<&str>, json: bool, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = Arc::new(super::open_store(project)?);
    let project = super::load(project, &[])?;
    if project.plan.notify.is_empty() {
        let error = CommandError::user("expected somebody who is told of runs, found no `[run.notify.NAME]` in sprag.toml");
        return Err(error.hint("docs/guides/neighbours.md shows some"));
    }
    accept_lock(&project, false)?;
    let runs = match run {
        Some(run) => vec![store.find_run(run)?],
        None => {
            let mut runs = store.runs(usize::MAX, None)?;
            runs.reverse();
            runs
        }
    };
    let options = super::running::options(console);
    let observer = if json { report::live::silent() } else { report::live::observer(Format::Text, false, *console) };
    let runtime = super::run::tokio_runtime()?;
    let mut is_told = true;
    for record in runs {
        if record.outcome == RunOutcome::Running {
            match run {
                Some(_) => {
                    return Err(CommandError::user(format!("expected a run that ended, found `{}`, which runs", record.id)));
                }
                None => continue,
            }
        }
        if !json {
            console.line(&format!("{}  {}", record.id, record.outcome.name()));
        }
        let record = runtime.block_on(tell(&project, &store, record, &options, &observer))?;
        let mut told = record.stages.iter().filter(|stage| project.plan.notify.iter().any(|told| told.name == stage.name));
        is_told &= told.all(|stage| stage.status == StageStatus::Passed);
        if json {
            console.json_line(&record);
        }
    }
    Ok(if is_told { exit_code::SUCCESS } else { exit_code::PLUGIN_FAILED })
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
