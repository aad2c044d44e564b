//! `sprag:run/folders`

use std::sync::Arc;

use crate::bindings::sprag::run::folders as wit;
use crate::outside::{FolderEntry, FolderError, Folders};
use crate::state::StageState;

impl wit::Host for StageState {
    fn look(&mut self, folder: String, path: String) -> wasmtime::Result<Result<Option<wit::Entry>, wit::FolderError>> {
        let found = self.folders(&folder).and_then(|folders| folders.look(&folder, &path));
        let to_wit = |entry| match entry {
            FolderEntry::Folder => wit::Entry::Folder,
            FolderEntry::File => wit::Entry::File,
            FolderEntry::Other => wit::Entry::Other,
        };
        Ok(found.map(|entry| entry.map(to_wit)).map_err(error_to_wit))
    }

    fn make(&mut self, folder: String, path: String) -> wasmtime::Result<Result<bool, wit::FolderError>> {
        Ok(self.folders(&folder).and_then(|folders| folders.make(&folder, &path)).map_err(error_to_wit))
    }

    fn read(&mut self, folder: String, path: String) -> wasmtime::Result<Result<Option<Vec<u8>>, wit::FolderError>> {
        Ok(self.folders(&folder).and_then(|folders| folders.read(&folder, &path)).map_err(error_to_wit))
    }

    fn write(&mut self, folder: String, path: String, bytes: Vec<u8>) -> wasmtime::Result<Result<(), wit::FolderError>> {
        Ok(self.folders(&folder).and_then(|folders| folders.write(&folder, &path, &bytes)).map_err(error_to_wit))
    }
}

impl StageState {
    fn folders(&self, folder: &str) -> Result<Arc<dyn Folders>, FolderError> {
        self.call.folders.clone().ok_or_else(|| {
            FolderError::Denied(format!(
                "asked for the folder `{folder}`, which no grant of this stage allows; add `folders = [\"{folder}\"]` to its grants in sprag.toml"
            ))
        })
    }
}

fn error_to_wit(error: FolderError) -> wit::FolderError {
    match error {
        FolderError::Denied(message) => wit::FolderError::Denied(message),
        FolderError::BadPath(message) => wit::FolderError::BadPath(message),
        FolderError::Io(message) => wit::FolderError::Io(message),
    }
}
