//! The locks of a project's environments.

use std::collections::BTreeMap;
use std::path::Path;

use sprag_confine::{Lock, LockError};
use sprag_core::digest::Digest;
use sprag_schemas::manifest::Python;

/// What is wrong with a lock.
#[derive(Debug, thiserror::Error)]
pub enum LockFault {
    /// It cannot be read.
    #[error("environment `{name}`: failed to read `{path}`: {source}")]
    Read {
        /// The environment.
        name: String,
        /// The file, as the project names it.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is no lock.
    #[error("environment `{name}`: `{path}`, {error}")]
    Parse {
        /// The environment.
        name: String,
        /// The file, as the project names it.
        path: String,
        /// The first fault.
        error: LockError,
    },
}

impl LockFault {
    /// The environment.
    pub fn name(&self) -> &str {
        match self {
            Self::Read { name, .. } | Self::Parse { name, .. } => name,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> String {
        let path = match self {
            Self::Read { path, .. } | Self::Parse { path, .. } => path,
        };
        format!(
            "write it by `uv pip compile --generate-hashes --output-file {path} requirements.in`, or by pip-tools' `pip-compile --generate-hashes`"
        )
    }
}

/// The digests of the locks, by the names of their environments. Comments, order and line breaks are not in them.
///
/// # Errors
/// Every lock that cannot be read, or is none.
pub fn locks(root: &Path, environments: &BTreeMap<String, Python>) -> Result<BTreeMap<String, Digest>, Vec<LockFault>> {
    let mut faults = vec![];
    let mut digests = BTreeMap::new();
    for (name, settings) in environments {
        match read(root, name, settings) {
            Ok(lock) => drop(digests.insert(name.clone(), digest(&lock))),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(digests) } else { Err(faults) }
}

/// Reads the lock of one environment.
pub(crate) fn read(root: &Path, name: &str, settings: &Python) -> Result<Lock, LockFault> {
    let (name, path) = (name.to_owned(), settings.lock.clone());
    let text = std::fs::read_to_string(root.join(&path));
    let text = text.map_err(|source| LockFault::Read { name: name.clone(), path: path.clone(), source })?;
    Lock::parse(&text).map_err(|mut errors| LockFault::Parse { name, path, error: errors.remove(0) })
}

pub(crate) fn digest(lock: &Lock) -> Digest {
    format!("sha256:{}", lock.digest()).parse().expect("a lock's digest is SHA-256 in hexadecimal")
}
