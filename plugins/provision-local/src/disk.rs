//! The granted folders, as the plugin asks for them: a seam, so that native tests need no host.

use sprag_sdk::folders::{self, Entry, FolderError};

/// Who has folders.
pub(crate) trait Disk {
    /// What is at a path.
    fn look(&self, folder: &str, path: &str) -> Result<Option<Entry>, FolderError>;
    /// Makes a folder.
    fn make(&self, folder: &str, path: &str) -> Result<bool, FolderError>;
    /// A file's bytes.
    fn read(&self, folder: &str, path: &str) -> Result<Option<Vec<u8>>, FolderError>;
    /// Writes a file.
    fn write(&self, folder: &str, path: &str, bytes: &[u8]) -> Result<(), FolderError>;
}

/// The machine that the host runs on.
pub(crate) struct ThisMachine;

impl Disk for ThisMachine {
    fn look(&self, folder: &str, path: &str) -> Result<Option<Entry>, FolderError> {
        folders::look(folder, path)
    }

    fn make(&self, folder: &str, path: &str) -> Result<bool, FolderError> {
        folders::make(folder, path)
    }

    fn read(&self, folder: &str, path: &str) -> Result<Option<Vec<u8>>, FolderError> {
        folders::read(folder, path)
    }

    fn write(&self, folder: &str, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
        folders::write(folder, path, bytes)
    }
}
