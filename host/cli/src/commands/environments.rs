//! `sprag environments`

use std::path::Path;

use serde::Serialize;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::release::{DeploymentEntry, DeploymentEvent};
use sprag_store::Store;

use crate::args::EnvironmentsArgs;
use crate::console::{BAD, BOLD, Console, DIM, GOOD, WARN};
use crate::error::CommandError;

/// What runs in an environment, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Environment {
    name: String,
    /// What runs there, tried or not.
    now: Option<DeploymentEntry>,
    /// What last passed its test there.
    verified: Option<DeploymentEntry>,
}

/// Shows what runs where, or the history of one environment.
///
/// # Errors
/// There is no project, no store or no such environment, or they cannot be read.
pub fn run(args: &EnvironmentsArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = super::open_store(project)?;
    let project = super::load(project, &[])?;
    let planned: Vec<_> = project.plan.environments.iter().map(|environment| environment.name.clone()).collect();
    if let Some(name) = &args.environment {
        let history = store.deployments(name)?;
        if history.is_empty() && !planned.contains(name) {
            let known = planned.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(CommandError::user(format!("expected an environment of the project ({known}), found `{name}`")));
        }
        if args.json {
            console.json(&history);
        } else {
            history.iter().for_each(|entry| console.line(&entry_line(entry)));
        }
        return Ok(exit_code::SUCCESS);
    }
    // Those that the project no longer has may still run.
    let gone = store.environments()?.into_iter().filter(|name| !planned.contains(name));
    let names: Vec<_> = planned.iter().cloned().chain(gone).collect();
    let all = names.into_iter().map(|name| state(&store, name)).collect::<Result<Vec<_>, _>>()?;
    if args.json {
        console.json(&all);
        return Ok(exit_code::SUCCESS);
    }
    if all.is_empty() {
        console.note("the project has no environments");
    }
    for Environment { name, now, .. } in all {
        match now {
            Some(entry) => console.line(&format!("{BOLD}{name:<12}{BOLD:#} {}", what_line(&entry))),
            None => console.line(&format!("{BOLD}{name:<12}{BOLD:#} {DIM}nothing was deployed yet{DIM:#}")),
        }
    }
    Ok(exit_code::SUCCESS)
}

fn state(store: &Store, name: String) -> Result<Environment, CommandError> {
    let state = store.environment_state(&name)?;
    Ok(Environment { name, now: state.newest, verified: state.verified })
}

fn entry_line(entry: &DeploymentEntry) -> String {
    format!("{}  {}  by {}  {DIM}{}{DIM:#}", entry.at, what_line(entry), entry.by, entry.reason)
}

fn what_line(entry: &DeploymentEntry) -> String {
    let style = match entry.event {
        DeploymentEvent::Deployed => WARN,
        DeploymentEvent::Verified => GOOD,
        DeploymentEvent::Failed => BAD,
    };
    let at = entry.endpoint.as_ref().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
    let (event, package) = (entry.event.name(), &entry.package.digest);
    format!("{} {style}{event}{style:#}{at}  {DIM}{package} release {}{DIM:#}", entry.version, entry.release)
}
