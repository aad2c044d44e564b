//! `sprag environments`

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use sprag_lifecycle::{Cancel, Project};
use sprag_release::look;
use sprag_runtime::{DeployState, Phase};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::release::{DeploymentEntry, DeploymentEvent};
use sprag_store::Store;

use super::driving;
use crate::args::{DriveArgs, EnvironmentsArgs};
use crate::console::{BAD, BOLD, Console, DIM, GOOD, WARN};
use crate::error::CommandError;
use crate::report::deployed;

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

/// What an environment's adapter sees there, beside what was recorded, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Live {
    name: String,
    /// What runs there by the record.
    now: Option<DeploymentEntry>,
    /// What the adapter sees; none where it failed.
    live: Option<DeployState>,
    /// Why there is nothing to see.
    error: Option<String>,
    /// How the two differ; none where they agree.
    difference: Option<String>,
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
    if args.live {
        return live(&project, Arc::new(store), args, console);
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

/// Shows what the adapters see. Where one fails, or sees something else than what was recorded, the exit code says so.
fn live(project: &Project, store: Arc<Store>, args: &EnvironmentsArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let runtime = super::run::tokio_runtime()?;
    let cancel = Cancel::default();
    {
        let _inside = runtime.enter();
        runtime.spawn(super::run::stop_on_signal(cancel.clone())?);
    }
    let drive = DriveArgs { json: args.json, ..DriveArgs::default() };
    let adapters = project.plan.environments.iter().map(|environment| &environment.deploy);
    let stages = driving::stages_with(project, store.clone(), driving::granted(adapters), &drive, &cancel, console)?;
    let mut all = vec![];
    for environment in &project.plan.environments {
        let name = environment.name.clone();
        let now = store.environment_state(&name)?.newest;
        let model = now.as_ref().map_or(project.manifest.model_name(), |entry| entry.version.name.as_str());
        let (live, error) = match runtime.block_on(look(&stages, environment, model)) {
            Ok(live) => (Some(live), None),
            Err(failure) => (None, Some(failure.to_record().message)),
        };
        let difference = live.as_ref().and_then(|live| difference(now.as_ref(), live));
        all.push(Live { name, now, live, error, difference });
    }
    if args.json {
        console.json(&all);
    }
    for Live { name, live, error, difference, .. } in all.iter().filter(|_| !args.json) {
        let state = live.as_ref().map(deployed::state).or_else(|| Some(format!("{BAD}error{BAD:#} {}", error.as_ref()?)));
        console.line(&format!("{BOLD}{name:<12}{BOLD:#} {}", state.unwrap_or_default()));
        if let Some(difference) = difference {
            console.line(&format!("  {WARN}differs from the record{WARN:#}: {difference}"));
        }
    }
    Ok(match all.iter().find(|live| live.error.is_some() || live.difference.is_some()) {
        None => exit_code::SUCCESS,
        Some(Live { error: Some(_), .. }) => exit_code::PLUGIN_FAILED,
        Some(_) => exit_code::BLOCKED,
    })
}

/// How what an adapter sees differs from what was recorded.
fn difference(recorded: Option<&DeploymentEntry>, live: &DeployState) -> Option<String> {
    let runs = |package: &str| live.releases.iter().any(|release| release.package == package && release.percent > 0);
    match (recorded, live.phase) {
        (None, Phase::Absent) => None,
        (None, _) => Some("expected nothing there, found a service".to_owned()),
        (Some(entry), Phase::Absent) => Some(format!("expected {}, found no service", entry.version)),
        (Some(entry), _) if !runs(&entry.package.digest) => {
            let found: Vec<_> = live.releases.iter().map(|release| release.package.as_str()).collect();
            let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
            Some(format!("expected the package {} of {}, found {found}", entry.package.digest, entry.version))
        }
        (Some(_), _) => None,
    }
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
        DeploymentEvent::Removed => DIM,
    };
    let at = entry.endpoint.as_ref().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
    let (event, package) = (entry.event.name(), &entry.package.digest);
    format!("{} {style}{event}{style:#}{at}  {DIM}{package} release {}{DIM:#}", entry.version, entry.release)
}
