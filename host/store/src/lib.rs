//! The store of one project: what was run, what came out, and which models are registered.
//!
//! Content lives in files named by their SHA-256, and SQLite names that content, never the other way round: whatever a committed
//! record names was flushed to disk before. `kill -9` at any moment leaves either all of a transaction or nothing.
//!
//! A run is kept as one JSON record, with no second copy of its stages or metrics in tables of their own: one truth, one row to write
//! after each stage, and SQLite's own JSON functions answer questions across runs (`json_each(record, '$.stages')`).
//! Transactions on runs and the cache survive the end of the process; the end of a run and everything in the registry survive a
//! power cut, too.
//!
//! What it does not do: read a clock (callers pass times as RFC 3339 text), decide anything about models, or delete content.
//!
//! ```
//! use sprag_store::Store;
//!
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(&folder.path().join(".sprag"))?;
//! let digest = store.put_bytes(b"some weights")?;
//! assert_eq!(store.read_blob(&digest)?, b"some weights");
//! assert!(store.models()?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aliases;
mod audit;
mod blobs;
mod cache;
mod database;
mod deployments;
mod drift;
mod error;
mod files;
mod json;
mod layout;
mod lock;
mod migrations;
mod publications;
mod registry;
mod releases;
mod requests;
mod runs;

use std::path::Path;

pub use crate::aliases::NewAlias;
pub use crate::audit::NewAuditEntry;
pub use crate::blobs::BlobWriter;
pub use crate::cache::CacheEntry;
pub use crate::deployments::EnvironmentState;
pub use crate::drift::{DriftFolder, SEEN_FORMAT, Seen};
pub use crate::error::StoreError;
pub use crate::lock::{Busy, RunLock};
pub use crate::registry::{AddVersion, ModelSummary, NewVersion};
pub use crate::releases::StoredRelease;
pub use crate::requests::Enqueued;

/// The store of one project. It may be shared between threads, and several processes may have it open at once.
#[derive(Debug)]
pub struct Store {
    layout: layout::Layout,
    database: database::Database,
    seen_files: files::SeenFiles,
}

impl Store {
    /// Opens the store in the folder `root`, usually `.sprag`, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// The folder cannot be written, the disk is full, the database is damaged or not sprag's, or a later sprag wrote it.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let layout = layout::Layout { root: root.to_owned() };
        layout.create()?;
        let database = database::Database::open(layout.database(), &layout.gitignore())?;
        Ok(Self { layout, database, seen_files: files::SeenFiles::default() })
    }

    /// Opens the store in the folder `root`; none where there is no store, and nothing is made then.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open_existing(root: &Path) -> Result<Option<Self>, StoreError> {
        let database = layout::Layout { root: root.to_owned() }.database();
        match database.try_exists() {
            Ok(true) => Self::open(root).map(Some),
            Ok(false) => Ok(None),
            Err(source) => Err(StoreError::io("look for", &database, source)),
        }
    }

    /// The folder that the store is in.
    pub fn root(&self) -> &Path {
        &self.layout.root
    }
}
