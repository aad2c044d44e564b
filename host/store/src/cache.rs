//! The cache: what a stage made of its inputs, by the digest of those inputs.
//!
//! Everything in it can be made again, so that whatever is wrong with an entry makes it a miss, never an error.

use std::fs;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sprag_core::digest::Digest;
use sprag_schemas::record::{StageReport, StageStatus, Tier};

use crate::database::Durability;
use crate::{Store, StoreError, json};

/// What a stage made of its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CacheEntry {
    /// The digest of the stage's inputs.
    pub key: Digest,
    /// The run that did the work.
    pub run_id: String,
    /// The stage's name in that run.
    pub stage: String,
    /// How the stage ended.
    pub status: StageStatus,
    /// Why, as one sentence.
    pub reason: String,
    /// What it reported and made.
    pub report: StageReport,
    /// How reproducible it is.
    pub tier: Tier,
}

impl Store {
    /// What is in the cache for these inputs. An entry whose artifacts or model state are no longer in the store, or that cannot be
    /// read, is dropped and counts as none.
    ///
    /// # Errors
    ///
    /// The database cannot be read or written.
    pub fn cached(&self, key: &Digest) -> Result<Option<CacheEntry>, StoreError> {
        let text: Option<String> = self.database.read("read the cache", |connection| {
            let sql = "SELECT entry FROM cache WHERE key = ?1";
            Ok(connection.query_row(sql, [key.as_bytes()], |row| row.get(0)).optional()?)
        })?;
        let Some(text) = text else { return Ok(None) };
        let entry = json::decode(&text, String::new).ok();
        match entry.filter(|entry: &CacheEntry| entry.key == *key && self.has_all(&entry.report)) {
            Some(entry) => Ok(Some(entry)),
            None => self.database.write("drop a cache entry", Durability::Process, |connection| {
                connection.execute("DELETE FROM cache WHERE key = ?1 AND entry = ?2", params![key.as_bytes(), text])?;
                Ok(None)
            }),
        }
    }

    /// Whether all content that a report names is here, in its right size.
    fn has_all(&self, report: &StageReport) -> bool {
        let has = |digest: &str, bytes: u64| {
            let path = digest.parse().map(|digest| self.blob_path(&digest));
            path.is_ok_and(|path| fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == bytes))
        };
        report.artifacts.iter().all(|artifact| has(&artifact.digest, artifact.bytes))
            && report.model.iter().all(|model| has(&model.state, model.state_bytes))
    }
}

/// Puts entries into the cache; a later entry for the same inputs replaces an earlier one.
pub(crate) fn put_entries(connection: &Connection, entries: &[CacheEntry]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("INSERT OR REPLACE INTO cache (key, entry) VALUES (?1, ?2)")?;
    for entry in entries {
        statement.execute(params![entry.key.as_bytes(), json::encode(entry)])?;
    }
    Ok(())
}
