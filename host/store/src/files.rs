//! The digests of files outside the store, remembered so that an unchanged large file is not read again.
//!
//! A file counts as unchanged while its size, times, inode and device stay the same. As in git, a file that was changed less than two
//! seconds before it was digested is not trusted, since a second change within the same tick of the file system's clock would not
//! show; and a file that changed while it was digested is not remembered. "Now" is the file system's own clock, as a new file in
//! the store's temporary folder shows it.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{OptionalExtension, params};
use sprag_core::digest::Digest;

use crate::database::Durability;
use crate::{Store, StoreError};

/// How long before it was digested a file must have come to rest.
const SETTLED: Duration = Duration::from_secs(2);

/// The stamps, before they were digested, of settled files that were looked up and not remembered.
#[derive(Debug, Default)]
pub(crate) struct SeenFiles(Mutex<HashMap<PathBuf, String>>);

impl Store {
    /// The digest of this file's bytes, if it is the same file as when its digest was remembered. A file that cannot be examined is
    /// not remembered: whoever reads it says why.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn remembered_digest(&self, path: &Path) -> Result<Option<Digest>, StoreError> {
        let Ok(path) = path.canonicalize() else { return Ok(None) };
        let Some((stamp, changed)) = stamp(&path) else { return Ok(None) };
        let digest: Option<[u8; 32]> = self.database.read("read the file digests", |connection| {
            let sql = "SELECT digest FROM file_digests WHERE path = ?1 AND stamp = ?2";
            let params = params![path.as_os_str().as_encoded_bytes(), stamp];
            Ok(connection.query_row(sql, params, |row| row.get(0)).optional()?)
        })?;
        // A file from the future has not settled.
        if digest.is_none() && self.now()?.duration_since(changed).is_ok_and(|age| age >= SETTLED) {
            self.seen_files.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path, stamp);
        }
        Ok(digest.map(Digest::from_bytes))
    }

    /// Remembers the digest of a file that [`Store::remembered_digest`] did not know and that was read since. Gives whether it is
    /// remembered: not when the file was never looked up, has changed since, or had changed just before.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub fn remember_digest(&self, path: &Path, digest: &Digest) -> Result<bool, StoreError> {
        let Ok(path) = path.canonicalize() else { return Ok(false) };
        let before = self.seen_files.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&path);
        let unchanged = |before: &String| stamp(&path).is_some_and(|(now, _)| now == *before);
        let Some(stamp) = before.filter(unchanged) else { return Ok(false) };
        self.database.write("remember a file digest", Durability::Process, |connection| {
            let sql = "INSERT OR REPLACE INTO file_digests (path, stamp, digest) VALUES (?1, ?2, ?3)";
            let path = path.as_os_str().as_encoded_bytes();
            connection.execute(sql, params![path, stamp, digest.as_bytes()])?;
            Ok(true)
        })
    }

    /// The time by the file system's own clock.
    fn now(&self) -> Result<SystemTime, StoreError> {
        let tmp = self.layout.tmp();
        let now = tempfile::tempfile_in(&tmp).and_then(|file| file.metadata()?.modified());
        now.map_err(|source| StoreError::io("write a file in", &tmp, source))
    }
}

/// What the file system says of a file, as one text, and when the file last changed; none where it is no file or cannot be examined.
fn stamp(path: &Path) -> Option<(String, SystemTime)> {
    let metadata = fs::metadata(path).ok()?;
    if metadata.is_file() { describe(&metadata) } else { None }
}

/// A file's size, times in nanoseconds, inode and device, and the later of its times.
#[cfg(unix)]
fn describe(metadata: &Metadata) -> Option<(String, SystemTime)> {
    use std::os::unix::fs::MetadataExt as _;
    let modified = metadata.modified().ok()?;
    let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let written = nanos(metadata.mtime(), metadata.mtime_nsec());
    // The time of the last change of anything about the file, which no program can set back.
    let changed = nanos(metadata.ctime(), metadata.ctime_nsec());
    let text = format!("{} {written} {changed} {} {}", metadata.len(), metadata.ino(), metadata.dev());
    let since_epoch = Duration::from_nanos(u64::try_from(changed).ok()?);
    Some((text, modified.max(UNIX_EPOCH + since_epoch)))
}

/// A file's size and time of change in nanoseconds.
#[cfg(not(unix))]
fn describe(metadata: &Metadata) -> Option<(String, SystemTime)> {
    let modified = metadata.modified().ok()?;
    let nanos = modified.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    Some((format!("{} {nanos}", metadata.len()), modified))
}
