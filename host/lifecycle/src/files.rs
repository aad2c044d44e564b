//! The files of a project that the program itself writes.

use std::io::Write;
use std::path::Path;

use crate::project::ProjectError;

/// Writes a text file of the project whole or not at all: under a temporary name, then renamed.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<(), ProjectError> {
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        #[cfg(unix)]
        {
            // A temporary file is for its owner alone; a project file is for whoever may read the project.
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(path).map_or(0o644, |metadata| metadata.permissions().mode());
            file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|source| ProjectError::Write { path: path.to_owned(), source })
}
