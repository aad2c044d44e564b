//! `sprag destroy`

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use sprag_lifecycle::{Cancel, now, origin};
use sprag_release::{environment_of, look, remove};
use sprag_runtime::{Change, DeployState};
use sprag_schemas::exit_code::{self, ExitCode};

use super::driving;
use crate::args::{DestroyArgs, DriveArgs};
use crate::console::{BOLD, Console};
use crate::error::CommandError;
use crate::report::{change, deployed};

/// What was removed, as JSON; without `--yes` what is there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Destroyed<'a> {
    environment: &'a str,
    /// How it stood before.
    live: DeployState,
    /// What was removed; none where nothing was asked for.
    changes: Option<Vec<Change>>,
}

/// Removes what runs in an environment, or shows it.
///
/// # Errors
/// There is no such environment, a secret is missing, a release is at work there, or the adapter failed.
pub fn run(args: &DestroyArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = Arc::new(super::open_store(project)?);
    let project = super::load(project, &[])?;
    let name = environment_of(&project, &args.place)?;
    let environment = project.plan.environment(name).expect("it was found there");
    let runtime = super::run::tokio_runtime()?;
    let cancel = Cancel::default();
    {
        let _inside = runtime.enter();
        runtime.spawn(super::run::stop_on_signal(cancel.clone())?);
    }
    let drive = DriveArgs { json: args.json, verbose: args.verbose, ..DriveArgs::default() };
    let names = driving::granted([&environment.deploy].into_iter());
    let stages = driving::stages_with(&project, store.clone(), names, &drive, &cancel, console)?;
    let standing = store.environment_state(name)?.newest;
    let model = standing.as_ref().map_or(project.manifest.model_name(), |entry| entry.version.name.as_str());
    let seen = runtime.block_on(look(&stages, environment, model));
    let live = seen.map_err(|failure| CommandError::stage(&environment.deploy.name, &failure))?;
    if !args.json {
        console.line(&format!("{BOLD}{name}{BOLD:#} {}", deployed::state(&live)));
    }
    let mut destroyed = Destroyed { environment: name, live, changes: None };
    if args.yes {
        let (by, at) = (origin(&project.root).by, now());
        let removed = remove(&project, &store, &stages, environment, (&by, &args.reason, &at));
        let changes = runtime.block_on(removed)?;
        if !args.json {
            console.line(&change::summary(&changes, false));
            changes.iter().for_each(|change| console.line(&change::line(change)));
        }
        destroyed.changes = Some(changes);
    } else {
        console.note("nothing was removed; `--yes` removes it");
    }
    if args.json {
        console.json(&destroyed);
    }
    Ok(exit_code::SUCCESS)
}
