//! The records of releases, and the approvals that were given for them.

use rusqlite::{Connection, OptionalExtension, params};
use sprag_schemas::approval::Approval;
use sprag_schemas::release::ReleaseRecord;

use crate::database::{Durability, Fault};
use crate::{Store, StoreError, json};

/// How many ids an error lists.
const LISTED: usize = 5;

/// A release as the store has it: the record, and the number of the state that it is in.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRelease {
    /// The record.
    pub record: ReleaseRecord,
    /// Grows with each update.
    pub revision: u64,
}

impl Store {
    /// Records a release that has begun.
    ///
    /// # Errors
    ///
    /// A release of this id is recorded already, a number in it is not finite, or the database cannot be written.
    pub fn start_release(&self, record: ReleaseRecord) -> Result<StoredRelease, StoreError> {
        check(&record)?;
        self.database.write("record the release", Durability::Power, |connection| {
            let sql = "INSERT INTO releases (id, record, revision) VALUES (?1, ?2, 1) ON CONFLICT (id) DO NOTHING";
            match connection.execute(sql, params![record.id, json::encode(&record)])? {
                0 => Err(StoreError::ReleaseExists { id: record.id.clone() }.into()),
                _ => Ok(()),
            }
        })?;
        Ok(StoredRelease { record, revision: 1 })
    }

    /// Records how far a release is, in a transaction that survives a power cut. Only whoever has seen the last state may write the next.
    ///
    /// # Errors
    ///
    /// Another process has changed the release since, a number in it is not finite, or the database cannot be written.
    pub fn update_release(&self, release: &mut StoredRelease) -> Result<(), StoreError> {
        check(&release.record)?;
        let (id, seen) = (release.record.id.clone(), release.revision.cast_signed());
        self.database.write("record the release", Durability::Power, |connection| {
            let sql = "UPDATE releases SET record = ?3, revision = revision + 1 WHERE id = ?1 AND revision = ?2";
            match connection.execute(sql, params![id, seen, json::encode(&release.record)])? {
                0 => Err(StoreError::ReleaseChanged { id: id.clone() }.into()),
                _ => Ok(()),
            }
        })?;
        release.revision += 1;
        Ok(())
    }

    /// The release that a person means: an id, the beginning or the end of just one, or `latest`.
    ///
    /// # Errors
    ///
    /// There is no such release, or there are several: the error lists ids.
    pub fn find_release(&self, text: &str) -> Result<StoredRelease, StoreError> {
        self.database.read("read the releases", |connection| {
            let mut found = if text == "latest" {
                releases(connection, "SELECT id, record, revision FROM releases ORDER BY seq DESC LIMIT 1", [])?
            } else {
                let exact = "SELECT id, record, revision FROM releases WHERE id = ?1";
                let part = "SELECT id, record, revision FROM releases
                            WHERE ?1 <> '' AND (substr(id, 1, length(?1)) = ?1 OR substr(id, -length(?1)) = ?1) ORDER BY seq DESC LIMIT 5";
                let found = releases(connection, exact, [text])?;
                if found.is_empty() { releases(connection, part, [text])? } else { found }
            };
            match found.len() {
                0 => Err(unknown(connection, text)?.into()),
                1 => Ok(found.remove(0)),
                _ => {
                    let matches = found.into_iter().map(|release| release.record.id).collect();
                    Err(StoreError::AmbiguousRelease { text: text.to_owned(), matches }.into())
                }
            }
        })
    }

    /// At most `limit` releases, newest first.
    ///
    /// # Errors
    ///
    /// The database or a record cannot be read.
    pub fn releases(&self, limit: usize) -> Result<Vec<StoredRelease>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.database.read("read the releases", |connection| {
            releases(connection, "SELECT id, record, revision FROM releases ORDER BY seq DESC LIMIT ?1", [limit])
        })
    }

    /// All releases that can go on, newest first.
    ///
    /// # Errors
    ///
    /// The database or a record cannot be read.
    pub fn open_releases(&self) -> Result<Vec<StoredRelease>, StoreError> {
        self.database.read("read the releases", |connection| {
            let sql = "SELECT id, record, revision FROM releases
                       WHERE outcome IN ('running', 'awaiting-approval', 'error', 'cancelled') ORDER BY seq DESC";
            releases(connection, sql, [])
        })
    }

    /// Keeps a signed approval with its release; whether it was new. The very same one is kept once. Whether it counts is for others to judge.
    ///
    /// # Errors
    ///
    /// There is no such release, or the database cannot be written.
    pub fn add_approval(&self, approval: &Approval) -> Result<bool, StoreError> {
        let release = &approval.ballot.statement.release;
        let text = json::encode(approval);
        self.database.write("record the approval", Durability::Power, |connection| {
            let known = "SELECT 1 FROM releases WHERE id = ?1";
            if connection.query_row(known, [release], |_| Ok(())).optional()?.is_none() {
                return Err(unknown(connection, release)?.into());
            }
            let same = "SELECT 1 FROM approvals WHERE release = ?1 AND approval = ?2";
            if connection.query_row(same, [release, &text], |_| Ok(())).optional()?.is_some() {
                return Ok(false);
            }
            connection.execute("INSERT INTO approvals (release, approval) VALUES (?1, ?2)", [release, &text])?;
            Ok(true)
        })
    }

    /// The approvals of a release, in the order in which they came.
    ///
    /// # Errors
    ///
    /// The database or an approval cannot be read.
    pub fn approvals(&self, release: &str) -> Result<Vec<Approval>, StoreError> {
        self.database.read("read the approvals", |connection| {
            let mut statement = connection.prepare("SELECT approval FROM approvals WHERE release = ?1 ORDER BY seq")?;
            let mut rows = statement.query([release])?;
            let mut approvals = vec![];
            while let Some(row) = rows.next()? {
                let text: String = row.get(0)?;
                approvals.push(json::decode(&text, || format!("an approval of the release `{release}`"))?);
            }
            Ok(approvals)
        })
    }
}

/// Refuses a record that could be written and never read again.
fn check(record: &ReleaseRecord) -> Result<(), StoreError> {
    record.steps.iter().try_for_each(|step| json::check_report(&step.name, &step.report))
}

fn releases(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<StoredRelease>, Fault> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = vec![];
    while let Some(row) = rows.next()? {
        let (id, text, revision): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let record = json::decode(&text, || format!("release `{id}`"))?;
        found.push(StoredRelease { record, revision: revision.cast_unsigned() });
    }
    Ok(found)
}

fn unknown(connection: &Connection, text: &str) -> Result<StoreError, Fault> {
    let mut statement = connection.prepare("SELECT id FROM releases ORDER BY seq DESC LIMIT ?1")?;
    let limit = i64::try_from(LISTED).unwrap_or(i64::MAX);
    let newest = statement.query_map([limit], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(StoreError::UnknownRelease { text: text.to_owned(), newest })
}
