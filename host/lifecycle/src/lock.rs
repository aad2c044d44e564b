//! `sprag.lock` on disk, and the lock that lets one run at a time into a project.

use std::path::Path;
use std::time::Duration;

use sprag_core::lock::{LockDiff, lockfile};
use sprag_runtime::Cancel;
use sprag_schemas::event::Event;
use sprag_schemas::lockfile::Lockfile;
use sprag_store::{RunLock, Store};

use crate::RunError;
use crate::files::write_whole;
use crate::project::{Project, ProjectError};
use crate::run::{Observer, RunOptions};

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
    let Some(locked) = read_lock(&project.root)? else { return Ok(LockStatus::Missing) };
    let diff = LockDiff::between(&locked, &lockfile(&project.plan, &project.manifests));
    Ok(if diff.is_empty() { LockStatus::Current } else { LockStatus::Differs(diff) })
}

/// Reads the lockfile in a project's folder; none where there is none.
///
/// # Errors
/// It cannot be read.
pub fn read_lock(root: &Path) -> Result<Option<Lockfile>, ProjectError> {
    let path = root.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ProjectError::Read { path, source }),
    };
    Lockfile::parse(&text).map(Some).map_err(|message| ProjectError::Parse { path, message })
}

/// Writes the lockfile of a project as it stands: under a temporary name, then renamed.
///
/// # Errors
/// The file cannot be written.
pub fn write_lock(project: &Project) -> Result<(), ProjectError> {
    write_whole(&project.root.join(FILE), &lockfile(&project.plan, &project.manifests).to_text())
}

/// Insists that a project is what its lockfile says: `--locked`.
///
/// # Errors
/// There is no lockfile, it cannot be read, or the project differs from it in any way.
pub fn require_lock(project: &Project) -> Result<(), RunError> {
    let (summary, lines) = match lock_status(project)? {
        LockStatus::Current => return Ok(()),
        LockStatus::Missing => ("`--locked` was given and there is no `sprag.lock`", vec![]),
        LockStatus::Differs(diff) => {
            let lines = diff.widened.into_iter().chain(diff.changed).collect();
            ("`--locked` was given and the project differs from `sprag.lock`", lines)
        }
    };
    Err(RunError::Lock { summary, lines })
}

/// Settles the lockfile before a run or a release: held to where `locked`, else written anew, unless a component has more rights than it accepts.
///
/// # Errors
/// The project differs in a way that must be accepted first, or the lockfile cannot be read or written.
pub fn accept_lock(project: &Project, locked: bool) -> Result<(), RunError> {
    if locked {
        return require_lock(project);
    }
    match lock_status(project)? {
        LockStatus::Current => Ok(()),
        LockStatus::Differs(diff) if !diff.widened.is_empty() => {
            Err(RunError::Lock { summary: "a component has more rights than `sprag.lock` accepts", lines: diff.widened })
        }
        LockStatus::Missing | LockStatus::Differs(_) => Ok(write_lock(project)?),
    }
}

/// Takes the project's lock, waiting for another run to end.
pub(crate) async fn take_lock(
    store: &Store,
    id: &str,
    options: &RunOptions,
    observer: &Observer,
    cancel: &Cancel,
) -> Result<RunLock, RunError> {
    let mut is_told = false;
    loop {
        match store.try_lock(id)? {
            Ok(lock) => return Ok(lock),
            Err(busy) if options.no_wait => return Err(RunError::Busy { holder: busy.holder }),
            Err(busy) if !is_told => {
                observer(Event::Waiting { holder: busy.holder });
                is_told = true;
            }
            Err(_) => {}
        }
        if cancel.is_requested() {
            return Err(RunError::Cancelled);
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
