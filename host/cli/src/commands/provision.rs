//! `sprag provision`

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use sprag_lifecycle::{Cancel, accept_lock};
use sprag_runtime::{Change, ProvisionTask};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_store::Store;

use super::driving;
use crate::args::{DriveArgs, ProvisionArgs};
use crate::console::{BOLD, Console};
use crate::error::CommandError;
use crate::report::change;

/// What a stage made or would make, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Provisioned {
    stage: String,
    changes: Vec<Change>,
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
            console.line(&format!("{BOLD}{}{BOLD:#}  {}", stage.name, change::summary(&changes, args.plan)));
            changes.iter().for_each(|change| console.line(&change::line(change)));
        }
        all.push(Provisioned { stage: stage.name.clone(), changes });
    }
    if args.json {
        console.json(&all);
    }
    Ok(exit_code::SUCCESS)
}
