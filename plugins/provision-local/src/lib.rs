//! Makes a workspace in a folder of this machine: what an Azure ML workspace is to a project in the cloud, a folder is to one on a laptop or a shared disk.
//!
//! It holds a file that says whose workspace it is, and the folders that the project works with. It removes nothing and changes no file of anybody else.

mod disk;

use serde::{Deserialize, Serialize};
use sprag_sdk::folders::{Entry, FolderError};
use sprag_sdk::{Action, Change, Failure, Provisioner, Session};

use crate::disk::{Disk, ThisMachine};

/// The file that says whose workspace a folder is.
const CARD: &str = "workspace.json";

/// The value of [`Card::format`].
const FORMAT: &str = "sprag-workspace/1";

/// The parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The workspace's folder, as the stage's grants name it under `folders`.
    #[cfg_attr(test, schemars(length(min = 1)))]
    folder: String,
    /// The workspace's name: a folder that is another's workspace is left alone.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: String,
    /// What the workspace is for, in one sentence.
    #[serde(default)]
    description: String,
    /// The folders in it: names joined by `/`.
    #[serde(default = "usual_folders")]
    folders: Vec<String>,
}

fn usual_folders() -> Vec<String> {
    ["data", "models", "scored"].map(str::to_owned).to_vec()
}

/// `workspace.json`
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Card {
    format: String,
    name: String,
    #[serde(default)]
    description: String,
}

/// The plugin.
pub struct ProvisionLocal;

impl Provisioner for ProvisionLocal {
    type Params = Params;

    fn plan(_: &Session, params: Params) -> Result<Vec<Change>, Failure> {
        changes(&ThisMachine, &params)
    }

    fn apply(session: &Session, params: Params) -> Result<Vec<Change>, Failure> {
        let changes = apply(&ThisMachine, &params)?;
        sprag_sdk::info!(session, "the workspace `{}` is in `{}`", params.name, params.folder);
        Ok(changes)
    }
}

/// What would be done: the folder, those in it, and the file that names it.
fn changes(disk: &impl Disk, params: &Params) -> Result<Vec<Change>, Failure> {
    let mut changes = vec![folder_change(disk, params, "")?];
    for path in &params.folders {
        if path.is_empty() || path == CARD {
            return Err(Failure::bad_params(format!("expected the names of folders in `folders`, found `{path}`")));
        }
        changes.push(folder_change(disk, params, path)?);
    }
    changes.push(card_change(disk, params)?);
    Ok(changes)
}

/// Does what is to be done. The card comes last: a folder that has one is whole.
fn apply(disk: &impl Disk, params: &Params) -> Result<Vec<Change>, Failure> {
    let changes = changes(disk, params)?;
    let paths = [""].into_iter().chain(params.folders.iter().map(String::as_str));
    for (path, change) in paths.zip(&changes) {
        if change.action != Action::Keep {
            disk.make(&params.folder, path).map_err(failure)?;
        }
    }
    if changes.last().is_some_and(|card| card.action != Action::Keep) {
        let text = serde_json::to_string_pretty(&card(params)).map_err(|error| Failure::internal(error.to_string()))?;
        disk.write(&params.folder, CARD, format!("{text}\n").as_bytes()).map_err(failure)?;
    }
    Ok(changes)
}

fn folder_change(disk: &impl Disk, params: &Params, path: &str) -> Result<Change, Failure> {
    let subject = format!("folder {}", shown(params, path));
    match disk.look(&params.folder, path).map_err(failure)? {
        None => Ok(Change { action: Action::Create, subject, detail: "is missing".to_owned() }),
        Some(Entry::Folder) => Ok(Change { action: Action::Keep, subject, detail: "is there".to_owned() }),
        Some(Entry::File | Entry::Other) => Err(Failure::bad_params(format!(
            "expected a folder or nothing at `{}`, found something else; move it away or name another folder",
            shown(params, path)
        ))),
    }
}

fn card_change(disk: &impl Disk, params: &Params) -> Result<Change, Failure> {
    let place = shown(params, CARD);
    let subject = format!("file {place}");
    let Some(bytes) = disk.read(&params.folder, CARD).map_err(failure)? else {
        let detail = format!("names the workspace `{}`", params.name);
        return Ok(Change { action: Action::Create, subject, detail });
    };
    let foreign = |found: &str| {
        let name = &params.name;
        Failure::bad_params(format!("expected `{place}` to name the workspace `{name}`, found {found}; name another folder"))
    };
    let found: Card = serde_json::from_slice(&bytes).map_err(|_| foreign("another kind of file"))?;
    if found.format != FORMAT {
        return Err(foreign(&format!("the format `{}`", found.format)));
    }
    if found.name != params.name {
        return Err(foreign(&format!("`{}`", found.name)));
    }
    let (action, detail) = if found == card(params) {
        (Action::Keep, format!("names the workspace `{}`", params.name))
    } else {
        (Action::Update, format!("description `{}` -> `{}`", found.description, params.description))
    };
    Ok(Change { action, subject, detail })
}

fn card(params: &Params) -> Card {
    Card { format: FORMAT.to_owned(), name: params.name.clone(), description: params.description.clone() }
}

/// A path as a person finds it.
fn shown(params: &Params, path: &str) -> String {
    if path.is_empty() { params.folder.clone() } else { format!("{}/{path}", params.folder.trim_end_matches('/')) }
}

fn failure(error: FolderError) -> Failure {
    match error {
        FolderError::Denied(message) | FolderError::BadPath(message) => Failure::bad_params(message),
        FolderError::Io(message) => Failure::internal(message),
    }
}

sprag_sdk::provisioner!(ProvisionLocal);

#[cfg(test)]
mod tests;
