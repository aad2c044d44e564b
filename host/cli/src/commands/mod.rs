//! One file for each command: its arguments are in [`crate::args`], its work is below this crate.

pub mod approvals;
pub mod audit;
pub mod batch;
pub mod check;
pub mod ci;
pub mod compare;
pub mod completions;
mod confined;
pub mod destroy;
pub mod drift;
mod driving;
pub mod environments;
pub mod key;
mod keys;
mod listing;
pub mod lock;
mod login;
pub mod model;
pub mod models;
pub mod new;
pub mod package;
pub mod plugin;
pub mod plugins;
pub mod policy;
pub mod profile;
pub mod provision;
pub mod publish;
pub mod python;
pub mod release;
pub mod releases;
mod remote;
pub mod report;
pub mod rollback;
pub mod run;
mod running;
pub mod runs;
pub mod schema;
pub mod score;
pub mod serve;
pub mod server;
pub mod services;
pub mod show;
mod surroundings;
pub mod swap;
mod telemetry;
pub mod token;
pub mod trigger;

use std::path::{Path, PathBuf};

use sprag_lifecycle::{Project, ProjectError, Surroundings};
use sprag_plugins::Plugins;
use sprag_schemas::manifest::Manifest;
use sprag_store::Store;

use crate::error::CommandError;

/// The project's folder: the one that was named, else the nearest upwards with a project file.
pub(crate) fn project_dir(named: Option<&Path>) -> Result<PathBuf, CommandError> {
    if let Some(dir) = named {
        return Ok(dir.to_owned());
    }
    let here = std::env::current_dir().map_err(|error| CommandError::io("find", Path::new("."), &error))?;
    let found = here.ancestors().find(|dir| dir.join("sprag.toml").is_file());
    Ok(found.map_or_else(|| here.clone(), Path::to_owned))
}

/// Reads the project.
pub(crate) fn load(named: Option<&Path>, params: &[String]) -> Result<Project, CommandError> {
    let dir = project_dir(named)?;
    Ok(with_surroundings(|surroundings| Project::load(&dir, surroundings, params))?)
}

/// Reads the project whatever the policies say of it.
fn load_unjudged(named: Option<&Path>) -> Result<Project, CommandError> {
    let dir = project_dir(named)?;
    Ok(with_surroundings(|surroundings| Project::load_unjudged(&dir, surroundings))?)
}

/// Does something with what the machine and the user have.
fn with_surroundings<T>(work: impl FnOnce(Surroundings<'_>) -> T) -> T {
    with_plugins(&surroundings::plugins(), work)
}

/// The same with plugins that are looked for in another way than usual.
fn with_plugins<T>(plugins: &Plugins, work: impl FnOnce(Surroundings<'_>) -> T) -> T {
    let policies = surroundings::policies();
    work(Surroundings { built_ins: &sprag_builtin::PLUGINS, policies: &policies, plugins })
}

/// Refuses a scorer that a policy of the machine, the user or the project revoked: what was registered before it was is not served after.
pub(crate) fn refuse_revoked(named: Option<&Path>, scorer: &str) -> Result<(), CommandError> {
    let root = project_dir(named)?;
    let policies = if root.join("sprag.toml").is_file() {
        sprag_lifecycle::policies(&root, &manifest(named)?, &surroundings::policies())?
    } else {
        sprag_lifecycle::read_policies(&surroundings::policies())?
    };
    Ok(sprag_lifecycle::refuse_revoked(&policies, scorer)?)
}

/// Reads the project file alone, for a command that runs none of its stages.
pub(crate) fn manifest(named: Option<&Path>) -> Result<Manifest, CommandError> {
    let dir = project_dir(named)?;
    let text = sprag_lifecycle::read_file(&dir)?;
    Ok(Manifest::parse(&text).map_err(|message| ProjectError::Parse { path: dir.join("sprag.toml"), message })?)
}

/// The version that a person means, with the model's name: `@alias` and a number alone are those of the project's model.
pub(crate) fn full_name(text: &str, project: Option<&Path>) -> Result<String, CommandError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        alias if alias.starts_with('@') => Ok(format!("{}{alias}", manifest(project)?.model_name())),
        number if is_number => Ok(format!("{}@{number}", manifest(project)?.model_name())),
        text => Ok(text.to_owned()),
    }
}

/// Opens the project's store, which a command that only reads does not make.
pub(crate) fn open_store(named: Option<&Path>) -> Result<Store, CommandError> {
    let dir = project_dir(named)?;
    let store = Store::open_existing(&dir.join(".sprag"))?;
    store.ok_or_else(|| {
        CommandError::user(format!("expected the runs of a project in `{}`, found none", dir.display()))
            .hint("`sprag run` makes the first")
    })
}
