//! The model registry: immutable, numbered versions, each with its lineage.
//!
//! Numbers are dense, from 1. A run registers at most one version of a model, so that running its last stage again cannot make a second.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use sprag_schemas::record::{Lineage, ModelRecord, ModelVersion, VersionRef};

use crate::aliases::{self, NewAlias};
use crate::database::{Durability, Fault};
use crate::{Store, StoreError, json};

/// A version to be registered. The registry gives it its number.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVersion {
    /// The model's name.
    pub name: String,
    /// The model.
    pub model: ModelRecord,
    /// When (RFC 3339, UTC).
    pub created_at: String,
    /// What it comes from; its `run_id` is the run that registers it.
    pub lineage: Lineage,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Metrics, all finite.
    pub metrics: BTreeMap<String, f64>,
}

/// What came of registering a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddVersion {
    /// It has this number now.
    Added(u64),
    /// The run registered a version of this model before, with this number; nothing was changed.
    AlreadyRegistered(u64),
}

/// A registered model in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSummary {
    /// The model's name.
    pub name: String,
    /// How many versions it has.
    pub versions: u64,
    /// The number of the newest.
    pub latest: u64,
    /// Where its aliases point.
    pub aliases: BTreeMap<String, u64>,
}

impl Store {
    /// Registers a version under the model's next number.
    ///
    /// # Errors
    ///
    /// The model cannot be called so, a metric is not finite, or the database cannot be written.
    pub fn add_version(&self, new: NewVersion) -> Result<AddVersion, StoreError> {
        self.register(new, vec![])
    }

    /// Registers a version and sets aliases, in one transaction: there is never one without the others. Where the run has
    /// registered a version of this model before, neither changes.
    ///
    /// # Errors
    ///
    /// The model or the alias cannot be called so, a metric is not finite, or the database cannot be written.
    pub fn register(&self, new: NewVersion, aliases: Vec<NewAlias>) -> Result<AddVersion, StoreError> {
        check_name(&new.name)?;
        aliases.iter().try_for_each(|new| aliases::check_alias(&new.alias))?;
        new.metrics.iter().try_for_each(|(name, value)| json::check_finite(*value, || format!("the metric `{name}`")))?;
        let mut record = ModelVersion {
            version: VersionRef { name: new.name, version: 0 },
            model: new.model,
            created_at: new.created_at,
            lineage: new.lineage,
            tags: new.tags,
            metrics: new.metrics,
        };
        self.database.write("register the version", Durability::Power, |connection| {
            let name = record.version.name.clone();
            let run_id = record.lineage.run_id.clone();
            let sql = "SELECT version FROM versions WHERE name = ?1 AND run_id = ?2";
            if let Some(number) = connection.query_row(sql, [&name, &run_id], number).optional()? {
                return Ok(AddVersion::AlreadyRegistered(number));
            }
            let next = latest(connection, &name)?.unwrap_or(0) + 1;
            record.version.version = next;
            let sql = "INSERT INTO versions (name, version, run_id, record) VALUES (?1, ?2, ?3, ?4)";
            connection.execute(sql, params![name, next.cast_signed(), run_id, json::encode(&record)])?;
            for alias in aliases {
                let version = alias.version.unwrap_or(next);
                if version == 0 || version > next {
                    return Err(StoreError::UnknownVersion { name, version, latest: next }.into());
                }
                aliases::append(connection, &alias.entry(name.clone(), version, run_id.clone()))?;
            }
            Ok(AddVersion::Added(next))
        })
    }

    /// The version of this name and number.
    ///
    /// # Errors
    ///
    /// The database or the record cannot be read.
    pub fn version(&self, name: &str, version: u64) -> Result<Option<ModelVersion>, StoreError> {
        self.database.read("read the registry", |connection| read_version(connection, name, version))
    }

    /// All versions of a model, oldest first; none where no such model is registered.
    ///
    /// # Errors
    ///
    /// The database or a record cannot be read.
    pub fn versions(&self, name: &str) -> Result<Vec<ModelVersion>, StoreError> {
        self.database.read("read the registry", |connection| {
            records(connection, "SELECT version, record FROM versions WHERE name = ?1 ORDER BY version", [name])
        })
    }

    /// All registered models, by name.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn models(&self) -> Result<Vec<ModelSummary>, StoreError> {
        self.database.read("read the registry", |connection| {
            let sql = "SELECT name, count(*), max(version) FROM versions GROUP BY name ORDER BY name";
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            let mut models = Vec::new();
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                let (versions, latest): (i64, i64) = (row.get(1)?, row.get(2)?);
                let aliases = aliases::of_model(connection, &name)?;
                let (versions, latest) = (versions.cast_unsigned(), latest.cast_unsigned());
                models.push(ModelSummary { name, versions, latest, aliases });
            }
            Ok(models)
        })
    }

    /// The version that a person means: `name@3`, `name@production`, or the newest as `name` or `name@latest`.
    ///
    /// # Errors
    ///
    /// There is no such model, version or alias: the error lists those that there are.
    pub fn find_version(&self, text: &str) -> Result<ModelVersion, StoreError> {
        let (name, which) = text.split_once('@').unwrap_or((text, "latest"));
        self.database.read("read the registry", |connection| {
            let latest = known_latest(connection, name)?;
            let version = if which == "latest" {
                latest
            } else if let Ok(number) = which.parse() {
                number
            } else {
                let known = aliases::of_model(connection, name)?;
                *known.get(which).ok_or_else(|| StoreError::UnknownAlias {
                    name: name.to_owned(),
                    alias: which.to_owned(),
                    known: known.keys().cloned().collect(),
                })?
            };
            let missing = || StoreError::UnknownVersion { name: name.to_owned(), version, latest };
            Ok(read_version(connection, name, version)?.ok_or_else(missing)?)
        })
    }
}

/// Refuses names that could not be told from `name@version` or not be seen.
fn check_name(name: &str) -> Result<(), StoreError> {
    let bad = name.is_empty() || name.trim() != name || name.contains(|c: char| c == '@' || c.is_control());
    if bad { Err(StoreError::BadModelName { name: name.to_owned() }) } else { Ok(()) }
}

/// The number of the model's newest version; the error for an unknown model lists the known ones.
pub(crate) fn known_latest(connection: &Connection, name: &str) -> Result<u64, Fault> {
    if let Some(latest) = latest(connection, name)? {
        return Ok(latest);
    }
    let mut statement = connection.prepare("SELECT DISTINCT name FROM versions ORDER BY name")?;
    let known = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Err(StoreError::UnknownModel { name: name.to_owned(), known }.into())
}

fn latest(connection: &Connection, name: &str) -> rusqlite::Result<Option<u64>> {
    let sql = "SELECT version FROM versions WHERE name = ?1 ORDER BY version DESC LIMIT 1";
    connection.query_row(sql, [name], number).optional()
}

/// A version's number from the first column.
pub(crate) fn number(row: &rusqlite::Row<'_>) -> rusqlite::Result<u64> {
    row.get::<_, i64>(0).map(i64::cast_unsigned)
}

fn read_version(connection: &Connection, name: &str, version: u64) -> Result<Option<ModelVersion>, Fault> {
    // Beyond what SQLite can hold there is no version.
    let Ok(number) = i64::try_from(version) else { return Ok(None) };
    let sql = "SELECT version, record FROM versions WHERE name = ?1 AND version = ?2";
    Ok(records(connection, sql, params![name, number])?.pop())
}

/// The records that a query for `version, record` gives.
fn records(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<ModelVersion>, Fault> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let (number, text) = (number(row)?, row.get::<_, String>(1)?);
        records.push(json::decode(&text, || format!("version {number} of a model"))?);
    }
    Ok(records)
}
