//! The folder of one service: what should be, what is, and whose it is.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::keys::Mark;
use crate::process::ProcessId;

/// What a service should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Wanted {
    /// Counts the changes.
    pub(crate) generation: u64,
    /// Whether it should run at all.
    pub(crate) is_running: bool,
    /// The arguments of `sprag` that say what is served, without where.
    pub(crate) arguments: Vec<String>,
    /// The packages with their shares, as they were asked for.
    pub(crate) shares: Vec<(String, u32)>,
    /// The port; 0 for any free one.
    pub(crate) port: u16,
    /// The bearer keys that it gets from variables, by what can be known of them without their values.
    #[serde(default)]
    pub(crate) keys: Vec<Mark>,
}

/// What the supervisor says of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Found {
    /// The last change that the supervisor acted upon, well or not.
    pub(crate) generation: u64,
    /// Why that change did not come about; what ran before still runs.
    pub(crate) refused: Option<String>,
    /// The packages that are served.
    pub(crate) shares: Vec<(String, u32)>,
    /// The port; 0 where there is none yet.
    pub(crate) port: u16,
    /// Whether it answers.
    pub(crate) is_ready: bool,
    /// How often it was started again after it ended.
    pub(crate) restarts: u32,
    /// The process that answers.
    pub(crate) server: Option<ProcessId>,
}

/// Why a folder could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file could not be read or written.
    #[error("failed to use `{}`: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what a supervisor or a command wrote.
    #[error("expected the state of a service in `{}`, found something else: {message}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

/// The folder of one service.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    /// What whoever changes the service holds while it does: beside the folder, since the folder goes with the service.
    turns: PathBuf,
}

/// The bytes of the log that errors show.
const TAIL: u64 = 2000;

/// The size from which a log makes room for a new one.
const LOG: u64 = 16 << 20;

impl Folder {
    /// The folder of the service of a name, in the folder of a store (`.sprag`).
    pub fn of(store: &Path, name: &str) -> Self {
        Self { path: store.join("services").join(name), turns: store.join("locks").join(format!("service-{name}.lock")) }
    }

    /// The names of all services that have a folder, sorted.
    ///
    /// # Errors
    /// The folder of services cannot be read.
    pub fn names(store: &Path) -> Result<Vec<String>, FolderError> {
        let path = store.join("services");
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
            Err(source) => return Err(FolderError::Io { path, source }),
        };
        let mut names = vec![];
        for entry in entries {
            let entry = entry.map_err(|source| FolderError::Io { path: path.clone(), source })?;
            names.extend(entry.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    /// The service's name.
    pub(crate) fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The turn to change the service; none where another process has it.
    pub(crate) fn turn(&self) -> Result<Option<File>, FolderError> {
        let failed = |source| FolderError::Io { path: self.turns.clone(), source };
        let open = || -> std::io::Result<File> {
            std::fs::create_dir_all(self.turns.parent().unwrap_or(&self.turns))?;
            File::options().create(true).append(true).open(&self.turns)
        };
        let file = open().map_err(failed)?;
        Ok(is_free(&file).map_err(failed)?.then_some(file))
    }

    pub(crate) fn create(&self) -> Result<(), FolderError> {
        std::fs::create_dir_all(&self.path).map_err(|source| self.failed("", source))
    }

    /// The lock that the supervisor holds as long as it lives; none where another process holds it.
    pub(crate) fn lock(&self) -> Result<Option<File>, FolderError> {
        let open = File::options().create(true).append(true).open(self.path.join("lock"));
        let file = open.map_err(|source| self.failed("lock", source))?;
        Ok(is_free(&file).map_err(|source| self.failed("lock", source))?.then_some(file))
    }

    /// Whether a supervisor is there.
    pub(crate) fn is_supervised(&self) -> Result<bool, FolderError> {
        match File::open(self.path.join("lock")) {
            Ok(file) => Ok(!is_free(&file).map_err(|source| self.failed("lock", source))?),
            // The folder may be on its way out.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(self.failed("lock", source)),
        }
    }

    pub(crate) fn wanted(&self) -> Result<Option<Wanted>, FolderError> {
        self.read("wanted.json")
    }

    pub(crate) fn want(&self, wanted: &Wanted) -> Result<(), FolderError> {
        self.write("wanted.json", wanted)
    }

    pub(crate) fn found(&self) -> Result<Option<Found>, FolderError> {
        self.read("found.json")
    }

    pub(crate) fn tell(&self, found: &Found) -> Result<(), FolderError> {
        self.write("found.json", found)
    }

    /// The pipe through which the supervisor gets the values of keys.
    pub(crate) fn inbox(&self) -> PathBuf {
        self.path.join("keys")
    }

    /// Whether somebody removed it.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.path.try_exists(), Ok(false))
    }

    /// Where a server of a generation says that it answers.
    pub(crate) fn ready_file(&self, attempt: u64) -> PathBuf {
        self.path.join(format!("ready-{attempt}"))
    }

    /// The log, to append to. A large one makes room first.
    pub(crate) fn log(&self) -> Result<File, FolderError> {
        let path = self.path.join("log");
        if std::fs::metadata(&path).is_ok_and(|data| data.len() > LOG) {
            std::fs::rename(&path, self.path.join("log.1")).map_err(|source| self.failed("log.1", source))?;
        }
        File::options().create(true).append(true).open(&path).map_err(|source| self.failed("log", source))
    }

    /// The last of the log.
    pub(crate) fn log_tail(&self) -> String {
        let read = || -> std::io::Result<String> {
            let mut file = File::open(self.path.join("log"))?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
            let mut bytes = vec![];
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let text = read().unwrap_or_default();
        // The first line is cut where the log is longer.
        let whole = if text.len() as u64 == TAIL { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
        whole.trim().to_owned()
    }

    /// Removes the folder of a service that ended.
    pub(crate) fn remove(&self) -> Result<(), FolderError> {
        match std::fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(self.failed("", error)),
            _ => Ok(()),
        }
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, FolderError> {
        let path = self.path.join(name);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FolderError::Io { path, source }),
        };
        let value = serde_json::from_str(&text).map_err(|error| FolderError::Damaged { path, message: error.to_string() })?;
        Ok(Some(value))
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), FolderError> {
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            serde_json::to_writer_pretty(&mut file, value)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(self.path.join(name)).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| self.failed(name, source))
    }

    fn failed(&self, name: &str, source: std::io::Error) -> FolderError {
        FolderError::Io { path: self.path.join(name), source }
    }
}

/// Takes the lock of a file for as long as it is open, unless another process has it.
fn is_free(file: &File) -> std::io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(source),
    }
}
