//! Locks: one run of the project at a time, one process at a release, one release at an environment.
//!
//! The operating system holds it and releases it when its holder ends, however that ends. What the file says is only for people.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::{Store, StoreError};

/// The right to run, or to work on one thing. Released when it is dropped, and by the operating system when the process dies.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

/// Another holds what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy {
    /// Whoever holds it, as given to [`Store::try_lock`]; none in the moment before the holder has written it.
    pub holder: Option<String>,
    /// The holder's process id on the holder's machine.
    pub pid: Option<u32>,
}

impl Store {
    /// Takes the project's lock for `holder`, the run's id, or says who has it. Does not wait.
    ///
    /// # Errors
    ///
    /// The lock file cannot be opened or written, or the file system has no locks.
    pub fn try_lock(&self, holder: &str) -> Result<Result<RunLock, Busy>, StoreError> {
        take(&self.layout.run_lock(), holder)
    }

    /// Takes the lock of a release for this process, or says that another process drives it. Does not wait.
    ///
    /// # Errors
    ///
    /// The lock file cannot be opened or written, or the file system has no locks.
    pub fn try_lock_release(&self, release: &str) -> Result<Result<RunLock, Busy>, StoreError> {
        self.try_named_lock(&format!("release-{release}"), release)
    }

    /// Takes the lock of an environment for a release, or says which release has it. Does not wait.
    ///
    /// # Errors
    ///
    /// The lock file cannot be opened or written, or the file system has no locks.
    pub fn try_lock_environment(&self, environment: &str, release: &str) -> Result<Result<RunLock, Busy>, StoreError> {
        self.try_named_lock(&format!("environment-{environment}"), release)
    }

    /// Takes the right to run what is requested of this store, or says which server has it. Does not wait.
    ///
    /// # Errors
    ///
    /// The lock file cannot be opened or written, or the file system has no locks.
    pub fn try_lock_server(&self, server: &str) -> Result<Result<RunLock, Busy>, StoreError> {
        self.try_named_lock("server", server)
    }

    fn try_named_lock(&self, name: &str, holder: &str) -> Result<Result<RunLock, Busy>, StoreError> {
        let path = self.layout.lock(name);
        let folder = path.parent().expect("a lock lies in a folder below the root");
        std::fs::create_dir_all(folder).map_err(|source| StoreError::io("create", folder, source))?;
        take(&path, holder)
    }
}

fn take(path: &Path, holder: &str) -> Result<Result<RunLock, Busy>, StoreError> {
    let failed = |source| StoreError::io("lock", path, source);
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(failed)?;
            let mut lines = text.lines();
            let holder = lines.next().map(str::to_owned);
            return Ok(Err(Busy { holder, pid: lines.next().and_then(|pid| pid.parse().ok()) }));
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // A killed holder left its name.
    file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
    let text = format!("{holder}\n{}\n", std::process::id());
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(Ok(RunLock { file }))
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Closing the file releases the lock. A name that stays is overwritten by the next holder.
        let _ = self.file.set_len(0);
    }
}
