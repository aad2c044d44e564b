//! `sprag provision`

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use sprag_lifecycle::{Cancel, accept_lock};
use sprag_runtime::{Action, Change, ProvisionTask};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_store::Store;

use super::driving;
use crate::args::{DriveArgs, ProvisionArgs};
use crate::console::{BAD, BOLD, Console, DIM, GOOD, WARN};
use crate::error::CommandError;

/// What a stage made or would make, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Provisioned {
    stage: String,
    changes: Vec<ShownChange>,
}

/// One change, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ShownChange {
    action: &'static str,
    subject: String,
    detail: String,
}

/// Runs the stages under `[provision]`, or shows what they would do.
///
/// # Errors
/// There is no such stage, a secret is missing, or a stage failed.
pub fn run(args: &ProvisionArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let project = super::load(project, &[])?;
    accept_lock(&project, false)?;
    let short = |name: &str| name.trim_start_matches("provision.").to_owned();
    let known: Vec<_> = project.plan.provision.iter().map(|stage| short(&stage.name)).collect();
    if let Some(wrong) = args.names.iter().find(|name| !known.contains(name)) {
        let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(CommandError::user(format!("expected a stage under `[provision]` ({known}), found `{wrong}`")));
    }
    let chosen = project.plan.provision.iter().filter(|stage| args.names.is_empty() || args.names.contains(&short(&stage.name)));
    let chosen: Vec<_> = chosen.collect();
    if chosen.is_empty() {
        console.note("the project has no stage under `[provision]`");
    }
    let runtime = super::run::tokio_runtime()?;
    let cancel = Cancel::default();
    {
        let _inside = runtime.enter();
        runtime.spawn(super::run::stop_on_signal(cancel.clone())?);
    }
    let drive = DriveArgs { json: args.json, verbose: args.verbose, ..DriveArgs::default() };
    let store = Arc::new(Store::open(&project.store_dir())?);
    let names = driving::granted(chosen.iter().copied());
    let stages = driving::stages_with(&project, store, names, &drive, &cancel, console)?;
    let task = if args.plan { ProvisionTask::Plan } else { ProvisionTask::Apply };
    let mut all = vec![];
    for stage in chosen {
        let finished = runtime.block_on(stages.provision(stage, task));
        let changes = match finished.result {
            Ok(changes) => changes,
            Err(failure) => return Err(CommandError::stage(&stage.name, &failure)),
        };
        if !args.json {
            console.line(&format!("{BOLD}{}{BOLD:#}  {}", stage.name, summary(&changes, args.plan)));
            changes.iter().for_each(|change| console.line(&line(change)));
        }
        let shown =
            changes.into_iter().map(|Change { action, subject, detail }| ShownChange { action: action.name(), subject, detail });
        all.push(Provisioned { stage: stage.name.clone(), changes: shown.collect() });
    }
    if args.json {
        console.json(&all);
    }
    Ok(exit_code::SUCCESS)
}

fn summary(changes: &[Change], is_plan: bool) -> String {
    let count = changes.iter().filter(|change| change.action != Action::Keep).count();
    match (count, is_plan) {
        (0, _) => "everything is as it should be".to_owned(),
        (1, true) => "1 thing would change".to_owned(),
        (count, true) => format!("{count} things would change"),
        (1, false) => "1 thing changed".to_owned(),
        (count, false) => format!("{count} things changed"),
    }
}

fn line(change: &Change) -> String {
    let (sign, style) = match change.action {
        Action::Create => ('+', GOOD),
        Action::Update => ('~', WARN),
        Action::Delete => ('-', BAD),
        Action::Keep => ('=', DIM),
    };
    format!("  {style}{sign} {}{style:#}  {}", change.subject, change.detail)
}
