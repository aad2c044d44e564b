//! `sprag release` and `sprag resume`

use std::path::Path;
use std::sync::Arc;

use sprag_lifecycle::{Cancel, Project, accept_lock};
use sprag_release::{ReleaseRequest, preview, start_release};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::record::ModelVersion;
use sprag_store::Store;

use super::driving;
use crate::args::{DriveArgs, ReleaseArgs, ResumeArgs};
use crate::console::{BOLD, Console, DIM};
use crate::error::CommandError;
use crate::report;

/// Releases a version, or shows what would change.
///
/// # Errors
/// The release could not begin, go on or be recorded. How it stands is the exit code.
pub fn run(args: &ReleaseArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = Arc::new(super::open_store(project)?);
    let project = super::load(project, &[])?;
    accept_lock(&project, args.locked)?;
    let version = find(&project, &store, args.model.as_deref())?;
    if args.plan {
        return plan(&project, store, &version, args, console);
    }
    released(&project, store, &version, (args.to.as_deref(), args.share), &args.drive, console)
}

/// Releases a version to an environment, and perhaps to a share of its requests.
pub(super) fn released(
    project: &Project,
    store: Arc<Store>,
    version: &ModelVersion,
    (to, share): (Option<&str>, Option<u32>),
    args: &DriveArgs,
    console: &Console,
) -> Result<ExitCode, CommandError> {
    let (why, known_as) = (args.reason.clone(), driving::known_as(project, args)?);
    let release = start_release(project, &store, version, &ReleaseRequest { to, share, why, known_as })?.record;
    if !args.json {
        console.line(&format!("{BOLD}{}{BOLD:#} to {} {DIM}release {}{DIM:#}", release.version, release.to, release.id));
    }
    driving::drive(project, store, &release.id, args, console)
}

/// Goes on with a release.
///
/// # Errors
/// There is no such release, it has ended, or it could not go on.
pub fn resume(args: &ResumeArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = Arc::new(super::open_store(project)?);
    let project = super::load(project, &[])?;
    accept_lock(&project, false)?;
    let release = store.find_release(&args.release)?.record;
    if !args.drive.json {
        console.line(&format!("{BOLD}{}{BOLD:#} to {} {DIM}release {}{DIM:#}", release.version, release.to, release.id));
    }
    driving::drive(&project, store, &release.id, &args.drive, console)
}

/// The version that a person means, or the newest.
pub(super) fn find(project: &Project, store: &Store, text: Option<&str>) -> Result<ModelVersion, CommandError> {
    let text = match text {
        None => project.manifest.model_name().to_owned(),
        Some(text) => super::full_name(text, Some(&project.root))?,
    };
    Ok(store.find_version(&text)?)
}

fn plan(
    project: &Project,
    store: Arc<Store>,
    version: &ModelVersion,
    args: &ReleaseArgs,
    console: &Console,
) -> Result<ExitCode, CommandError> {
    let runtime = super::run::tokio_runtime()?;
    let environments = &project.plan.environments;
    let last = environments.iter().position(|environment| Some(environment.name.as_str()) == args.to.as_deref());
    let route = &environments[..last.map_or(environments.len(), |last| last + 1)];
    let keys = route.iter().filter_map(|environment| project.manifest.environments[&environment.name].key.as_deref());
    let names = driving::granted(route.iter().map(|environment| &environment.deploy)).chain(keys);
    let stages = driving::stages_with(project, store.clone(), names, &args.drive, &Cancel::default(), console)?;
    let planned = runtime.block_on(preview(project, &store, &stages, version, args.to.as_deref()))?;
    if args.drive.json {
        console.json(&planned);
    } else {
        report::release::plan(&planned).iter().for_each(|line| console.line(line));
    }
    let is_whole = planned.environments.iter().all(|environment| environment.error.is_none());
    Ok(if is_whole { exit_code::SUCCESS } else { exit_code::PLUGIN_FAILED })
}
