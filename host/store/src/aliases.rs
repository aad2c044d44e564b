//! Aliases: names such as `production` that point at one version of a model, with a history that is only ever added to.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use sprag_schemas::record::AliasEntry;

use crate::database::Durability;
use crate::registry::{known_latest, number};
use crate::{Store, StoreError};

/// An alias that is set together with the registration of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlias {
    /// The alias, such as `production`.
    pub alias: String,
    /// The version that it is to point at; none for the one that is being registered.
    pub version: Option<u64>,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl NewAlias {
    /// The entry of the history.
    pub(crate) fn entry(self, name: String, version: u64, run_id: String) -> AliasEntry {
        let Self { alias, at, by, reason, version: _ } = self;
        AliasEntry { name, alias, version, at, by, reason, run_id: Some(run_id) }
    }
}

impl Store {
    /// Points an alias at a version, which is one more entry in its history.
    ///
    /// # Errors
    ///
    /// The alias cannot be called so, there is no such version, or the database cannot be written.
    pub fn set_alias(&self, entry: &AliasEntry) -> Result<(), StoreError> {
        check_alias(&entry.alias)?;
        self.database.write("set the alias", Durability::Power, |connection| {
            let latest = known_latest(connection, &entry.name)?;
            if entry.version == 0 || entry.version > latest {
                return Err(StoreError::UnknownVersion { name: entry.name.clone(), version: entry.version, latest }.into());
            }
            Ok(append(connection, entry)?)
        })
    }

    /// The number of the version that an alias points at.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn alias(&self, name: &str, alias: &str) -> Result<Option<u64>, StoreError> {
        self.database.read("read the aliases", |connection| {
            let sql = "SELECT version FROM alias_log WHERE name = ?1 AND alias = ?2 ORDER BY seq DESC LIMIT 1";
            Ok(connection.query_row(sql, [name, alias], number).optional()?)
        })
    }

    /// All aliases of a model and the numbers of the versions that they point at.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn aliases_of(&self, name: &str) -> Result<BTreeMap<String, u64>, StoreError> {
        self.database.read("read the aliases", |connection| Ok(of_model(connection, name)?))
    }

    /// Where an alias has pointed, newest first; empty where there never was such an alias.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn alias_history(&self, name: &str, alias: &str) -> Result<Vec<AliasEntry>, StoreError> {
        self.database.read("read the aliases", |connection| {
            let sql = "SELECT version, at, by, reason, run_id FROM alias_log WHERE name = ?1 AND alias = ?2 ORDER BY seq DESC";
            let mut statement = connection.prepare(sql)?;
            let entries = statement.query_map([name, alias], |row| {
                Ok(AliasEntry {
                    name: name.to_owned(),
                    alias: alias.to_owned(),
                    version: number(row)?,
                    at: row.get(1)?,
                    by: row.get(2)?,
                    reason: row.get(3)?,
                    run_id: row.get(4)?,
                })
            })?;
            Ok(entries.collect::<Result<_, _>>()?)
        })
    }
}

/// Refuses what could not be told from a number, and `latest`, which always means the newest version.
pub(crate) fn check_alias(alias: &str) -> Result<(), StoreError> {
    let letters = alias.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let good = letters && alias.starts_with(|c: char| c.is_ascii_lowercase()) && alias != "latest";
    if good { Ok(()) } else { Err(StoreError::BadAlias { alias: alias.to_owned() }) }
}

/// Adds an entry to the history.
pub(crate) fn append(connection: &Connection, entry: &AliasEntry) -> Result<(), rusqlite::Error> {
    let AliasEntry { name, alias, version, at, by, reason, run_id } = entry;
    let sql = "INSERT INTO alias_log (name, alias, version, at, by, reason, run_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    connection.execute(sql, params![name, alias, version.cast_signed(), at, by, reason, run_id])?;
    Ok(())
}

/// Where each alias of a model points.
pub(crate) fn of_model(connection: &Connection, name: &str) -> Result<BTreeMap<String, u64>, rusqlite::Error> {
    // Of the columns beside `max`, SQLite gives the row that has the maximum.
    let mut statement = connection.prepare("SELECT version, alias, max(seq) FROM alias_log WHERE name = ?1 GROUP BY alias")?;
    statement.query_map([name], |row| Ok((row.get(1)?, number(row)?)))?.collect()
}
