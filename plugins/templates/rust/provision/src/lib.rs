//! Makes the folders of a workspace on this machine.

use serde::Deserialize;
use sprag_sdk::folders::{self, Entry, FolderError};
use sprag_sdk::{Action, Change, Failure, Provisioner, Session};

/// The parameters. `params.schema.json` says the same to sprag.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The workspace, as the stage's grants name it under `folders`.
    folder: String,
    /// The folders in it.
    #[serde(default = "usual")]
    folders: Vec<String>,
}

fn usual() -> Vec<String> {
    ["data", "models"].map(str::to_owned).to_vec()
}

/// The plugin.
pub struct Provision;

impl Provisioner for Provision {
    type Params = Params;

    fn plan(_: &Session, params: Params) -> Result<Vec<Change>, Failure> {
        changes(&params, |path| {
            folders::look(&params.folder, path).map_err(failure)
        })
    }

    fn apply(session: &Session, params: Params) -> Result<Vec<Change>, Failure> {
        let changes = Self::plan(
            session,
            Params {
                folder: params.folder.clone(),
                folders: params.folders.clone(),
            },
        )?;
        for path in &params.folders {
            folders::make(&params.folder, path).map_err(failure)?;
        }
        Ok(changes)
    }
}

/// What would be made: what is there already stays as it is. What is at a path is asked of `look`.
fn changes(
    params: &Params,
    look: impl Fn(&str) -> Result<Option<Entry>, Failure>,
) -> Result<Vec<Change>, Failure> {
    let change = |path: &String| {
        let subject = format!("folder {}/{path}", params.folder.trim_end_matches('/'));
        let (action, detail) = match look(path)? {
            None => (Action::Create, "is missing"),
            Some(Entry::Folder) => (Action::Keep, "is there"),
            Some(_) => {
                return Err(Failure::bad_params(format!(
                    "expected nothing or a {subject}, found a file"
                )));
            }
        };
        Ok(Change {
            action,
            subject,
            detail: detail.to_owned(),
        })
    };
    params.folders.iter().map(change).collect()
}

fn failure(error: FolderError) -> Failure {
    match error {
        FolderError::Denied(message) | FolderError::BadPath(message) => {
            Failure::bad_params(message)
        }
        FolderError::Io(message) => Failure::internal(message),
    }
}

sprag_sdk::provisioner!(Provision);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_made() {
        let params = Params {
            folder: "../workspace".to_owned(),
            folders: usual(),
        };
        let look = |path: &str| Ok((path == "data").then_some(Entry::Folder));
        let changes = changes(&params, look).unwrap();
        let actions: Vec<_> = changes
            .iter()
            .map(|change| (change.action, change.subject.as_str()))
            .collect();
        assert_eq!(
            actions,
            [
                (Action::Keep, "folder ../workspace/data"),
                (Action::Create, "folder ../workspace/models")
            ]
        );
    }

    #[test]
    fn a_file_in_the_way_is_left_alone() {
        let params = Params {
            folder: "w".to_owned(),
            folders: vec!["data".to_owned()],
        };
        assert!(changes(&params, |_| Ok(Some(Entry::File))).is_err());
    }
}
