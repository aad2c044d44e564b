//! The project's lock: one run at a time.
//!
//! The operating system holds it and releases it when its holder ends, however that ends. What the file says is only for people.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};

use crate::{Store, StoreError};

/// The right to run. Released when it is dropped, and by the operating system when the process dies.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

/// Another run holds the project.
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
        let path = self.layout.run_lock();
        let failed = |source| StoreError::io("lock", &path, source);
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
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
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Closing the file releases the lock. A name that stays is overwritten by the next holder.
        let _ = self.file.set_len(0);
    }
}
