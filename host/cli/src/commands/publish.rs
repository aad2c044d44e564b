//! `sprag publish` and `sprag pipelines`

use std::path::Path;

use serde::Serialize;
use sprag_pipelines::{PipelineError, Published};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::pipeline::{Publication, RunRequest};
use sprag_store::Store;

use crate::args::{PipelinesArgs, PublishArgs};
use crate::console::{BOLD, Console, DIM, GOOD};
use crate::error::CommandError;

/// What `sprag publish --json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    #[serde(flatten)]
    publication: Publication,
    is_new: bool,
}

/// Publishes the project as the next version of its pipeline.
///
/// # Errors
/// The project is not what its lockfile says, or a file of it cannot be in a bundle.
pub fn run(args: &PublishArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let project = super::load(project, &[])?;
    let store = Store::open(&project.store_dir())?;
    let Published { publication, is_new, bundle } = sprag_pipelines::publish(&project, &store, args.locked)?;
    if args.json {
        console.json(&Report { publication, is_new });
        return Ok(exit_code::SUCCESS);
    }
    let Publication { pipeline, version, digest, .. } = &publication;
    if is_new {
        console.line(&format!("{GOOD}published:{GOOD:#} {BOLD}{pipeline}@{version}{BOLD:#}"));
    } else {
        console.line(&format!("{BOLD}{pipeline}@{version}{BOLD:#} is this very project already: nothing was changed"));
    }
    let bytes: u64 = bundle.files.values().map(|file| file.size).sum();
    console.line(&format!("  {digest}"));
    let (files, components) = (bundle.files.len(), bundle.components.len());
    console.line(&format!("  {DIM}{files} files, {components} components, {bytes} bytes{DIM:#}"));
    console.note(&format!("run it by `sprag trigger {pipeline}`, or by a server: `sprag server`"));
    Ok(exit_code::SUCCESS)
}

/// What `sprag pipelines --json` prints.
#[derive(Debug, Serialize)]
struct Listing {
    versions: Vec<Publication>,
    requests: Vec<RunRequest>,
}

/// Opens the store that pipelines are published to.
pub(super) fn open_store(project: Option<&Path>) -> Result<Store, CommandError> {
    let home = super::project_dir(project)?;
    let store = Store::open_existing(&home.join(".sprag"))?;
    let none = || format!("expected published pipelines in `{}`, found none", home.display());
    store.ok_or_else(|| CommandError::user(none()).hint("`sprag publish` publishes the project"))
}

/// Lists the published pipelines.
///
/// # Errors
/// There is no store, or no pipeline of that name.
pub fn list(args: &PipelinesArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = open_store(project)?;
    if let Some(name) = &args.name {
        store.publication(name, None)?;
    }
    let versions = store.publications(args.name.as_deref())?;
    let is_asked = |request: &RunRequest| args.name.as_ref().is_none_or(|name| request.pipeline.name == *name);
    let requests: Vec<_> = store.open_requests()?.into_iter().filter(is_asked).collect();
    if args.json {
        console.json(&Listing { versions, requests });
        return Ok(exit_code::SUCCESS);
    }
    if versions.is_empty() {
        console.note("nothing is published yet: `sprag publish` does");
    }
    for Publication { pipeline, version, digest, published_at, by, git_commit } in &versions {
        let commit = git_commit.as_deref().map(|commit| format!("  {}", &commit[..commit.len().min(12)])).unwrap_or_default();
        let short = digest.get(..19).unwrap_or(digest);
        console.line(&format!("{BOLD}{pipeline}@{version}{BOLD:#}  {short}  {DIM}{published_at}  {by}{commit}{DIM:#}"));
    }
    for request in &requests {
        let RunRequest { id, pipeline, trigger, state, .. } = request;
        console.line(&format!("{}  {}@{}  {}: {}", id, pipeline.name, pipeline.version, state.name(), trigger.by));
    }
    Ok(exit_code::SUCCESS)
}

impl From<PipelineError> for CommandError {
    fn from(error: PipelineError) -> Self {
        match error {
            PipelineError::Lock(error) => error.into(),
            PipelineError::Project(error) => error.into(),
            PipelineError::Store(error) => error.into(),
            error => Self { hints: error.hints(), ..Self::user(error.to_string()) },
        }
    }
}
