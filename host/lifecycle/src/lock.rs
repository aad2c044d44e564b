//! `sprag.lock` on disk.

use std::io::Write;
use std::path::PathBuf;

use sprag_core::lock::{LockDiff, lockfile};
use sprag_schemas::lockfile::Lockfile;

use crate::project::{Project, ProjectError};

/// The name of the lockfile.
pub(crate) const FILE: &str = "sprag.lock";

/// How a project stands to its lockfile.
#[derive(Debug, PartialEq, Eq)]
pub enum LockStatus {
    /// There is none.
    Missing,
    /// It says what the project is.
    Current,
    /// It says something else.
    Differs(LockDiff),
}

/// Compares a project with its lockfile.
///
/// # Errors
/// The lockfile cannot be read.
pub fn lock_status(project: &Project) -> Result<LockStatus, ProjectError> {
    let path = path(project);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(LockStatus::Missing),
        Err(source) => return Err(ProjectError::Read { path, source }),
    };
    let locked = Lockfile::parse(&text).map_err(|message| ProjectError::Parse { path, message })?;
    let diff = LockDiff::between(&locked, &lockfile(&project.plan));
    Ok(if diff.is_empty() { LockStatus::Current } else { LockStatus::Differs(diff) })
}

/// Writes the lockfile of a project as it stands: under a temporary name, then renamed.
///
/// # Errors
/// The file cannot be written.
pub fn write_lock(project: &Project) -> Result<(), ProjectError> {
    let path = path(project);
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&project.root)?;
        file.write_all(lockfile(&project.plan).to_text().as_bytes())?;
        #[cfg(unix)]
        {
            // A temporary file is for its owner alone; a project file is for whoever may read the project.
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|source| ProjectError::Read { path: path.clone(), source })
}

fn path(project: &Project) -> PathBuf {
    project.root.join(FILE)
}
