//! One file for each command: its arguments are in [`crate::args`], its work is below this crate.

pub mod approvals;
pub mod batch;
pub mod check;
pub mod compare;
pub mod completions;
pub mod destroy;
pub mod drift;
mod driving;
pub mod environments;
pub mod key;
mod keys;
pub mod lock;
pub mod model;
pub mod models;
pub mod new;
pub mod package;
pub mod plugins;
pub mod profile;
pub mod provision;
pub mod release;
pub mod releases;
pub mod rollback;
pub mod run;
pub mod runs;
pub mod schema;
pub mod score;
pub mod serve;
pub mod services;
pub mod show;

use std::path::{Path, PathBuf};

use sprag_lifecycle::{Project, ProjectError};
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
fn load(named: Option<&Path>, params: &[String]) -> Result<Project, CommandError> {
    Ok(Project::load(&project_dir(named)?, &sprag_builtin::PLUGINS, params)?)
}

/// Reads the project file alone, for a command that runs none of its stages.
pub(crate) fn manifest(named: Option<&Path>) -> Result<Manifest, CommandError> {
    let dir = project_dir(named)?;
    let path = dir.join("sprag.toml");
    let text = std::fs::read_to_string(&path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ProjectError::Missing { dir },
        _ => ProjectError::Read { path: path.clone(), source },
    })?;
    Ok(Manifest::parse(&text).map_err(|message| ProjectError::Parse { path, message })?)
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
