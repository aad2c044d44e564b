//! The folders of a store.
//!
//! | Path | What it is |
//! | --- | --- |
//! | `store.db` | SQLite: runs, cache, registry, remembered digests |
//! | `blobs/sha256/ab/ab12...` | content, by the SHA-256 of its bytes |
//! | `tmp/` | content that is being written |
//! | `run.lock` | held by the run in progress |
//! | `locks/` | held by the release in progress, and for each environment by the release that works on it |
//! | `drift/` | what services saw, a folder for each model: see `drift.rs` |
//! | `.gitignore` | keeps all of it out of git |

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sprag_core::digest::Digest;

use crate::StoreError;

/// Where everything in a store is.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
}

impl Layout {
    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("store.db")
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(crate) fn run_lock(&self) -> PathBuf {
        self.root.join("run.lock")
    }

    /// The lock of something that has a name of its own.
    pub(crate) fn lock(&self, name: &str) -> PathBuf {
        self.root.join("locks").join(format!("{name}.lock"))
    }

    pub(crate) fn drift(&self) -> PathBuf {
        self.root.join("drift")
    }

    pub(crate) fn gitignore(&self) -> PathBuf {
        self.root.join(".gitignore")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs").join("sha256")
    }

    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.blobs().join(&hex[..2]).join(hex)
    }

    /// Makes the folders that are missing.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        for folder in [self.blobs(), self.tmp()] {
            fs::create_dir_all(&folder).map_err(|source| StoreError::io("create", &folder, source))?;
        }
        let gitignore = self.gitignore();
        let ignored = fs::metadata(&gitignore).is_ok_and(|metadata| metadata.len() > 0);
        if !ignored {
            fs::write(&gitignore, "*\n").map_err(|source| StoreError::io("write", &gitignore, source))?;
        }
        Ok(())
    }
}

/// Makes new names in a folder survive a power cut. Systems that cannot open a folder do so by themselves.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let sync = || -> io::Result<()> { if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) } };
    sync().map_err(|source| StoreError::io("flush", folder, source))
}
