//! The versions of published pipelines.

use rusqlite::{Connection, OptionalExtension, params};
use sprag_schemas::pipeline::Publication;

use crate::database::{Durability, Fault};
use crate::{Store, StoreError, json};

impl Store {
    /// Enters a bundle as the next version of its pipeline, on disk when this returns; `publication` says the rest. A bundle that is a version already stays that one, and is given back with
    /// `false`. Everything that the bundle names must be in the store.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub fn publish(&self, publication: &Publication) -> Result<(Publication, bool), StoreError> {
        self.database.write("publish the pipeline", Durability::Power, |connection| {
            let same = "SELECT record FROM publications WHERE pipeline = ?1 AND digest = ?2";
            let known: Option<String> =
                connection.query_row(same, params![publication.pipeline, publication.digest], |row| row.get(0)).optional()?;
            if let Some(text) = known {
                return Ok((json::decode(&text, || what(&publication.pipeline))?, false));
            }
            let newest = "SELECT coalesce(max(version), 0) FROM publications WHERE pipeline = ?1";
            let newest: i64 = connection.query_row(newest, [&publication.pipeline], |row| row.get(0))?;
            let version = newest + 1;
            let entered = Publication { version: version.cast_unsigned(), ..publication.clone() };
            connection.execute(
                "INSERT INTO publications (pipeline, version, digest, record) VALUES (?1, ?2, ?3, ?4)",
                params![entered.pipeline, version, entered.digest, json::encode(&entered)],
            )?;
            Ok((entered, true))
        })
    }

    /// The versions of a pipeline, or of all, newest first within each.
    ///
    /// # Errors
    ///
    /// The database or a record cannot be read.
    pub fn publications(&self, pipeline: Option<&str>) -> Result<Vec<Publication>, StoreError> {
        let sql = "SELECT pipeline, record FROM publications WHERE ?1 IS NULL OR pipeline = ?1 ORDER BY pipeline, version DESC";
        self.database.read("read the published pipelines", |connection| records(connection, sql, [pipeline]))
    }

    /// The newest version of each pipeline.
    ///
    /// # Errors
    ///
    /// The database or a record cannot be read.
    pub fn newest_publications(&self) -> Result<Vec<Publication>, StoreError> {
        let sql = "SELECT pipeline, record, max(version) FROM publications GROUP BY pipeline ORDER BY pipeline";
        self.database.read("read the published pipelines", |connection| records(connection, sql, []))
    }

    /// One version of a pipeline, or its newest.
    ///
    /// # Errors
    ///
    /// There is no such pipeline or version: the error lists those that there are.
    pub fn publication(&self, pipeline: &str, version: Option<u64>) -> Result<Publication, StoreError> {
        self.database.read("read the published pipelines", |connection| {
            let newest = "SELECT pipeline, record FROM publications WHERE pipeline = ?1 ORDER BY version DESC LIMIT 1";
            let Some(newest) = records(connection, newest, [pipeline])?.pop() else {
                let mut statement = connection.prepare("SELECT DISTINCT pipeline FROM publications ORDER BY pipeline")?;
                let known = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
                return Err(StoreError::UnknownPipeline { name: pipeline.to_owned(), known }.into());
            };
            let Some(wanted) = version.filter(|wanted| *wanted != newest.version) else { return Ok(newest) };
            let one = "SELECT pipeline, record FROM publications WHERE pipeline = ?1 AND version = ?2";
            // A number that SQLite has no room for is none of a version.
            let number = i64::try_from(wanted).unwrap_or(0);
            let unknown =
                StoreError::UnknownPipelineVersion { name: pipeline.to_owned(), version: wanted, newest: newest.version };
            Ok(records(connection, one, params![pipeline, number])?.pop().ok_or(unknown)?)
        })
    }
}

/// The records that a query for `pipeline, record` gives.
fn records(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Publication>, Fault> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = vec![];
    while let Some(row) = rows.next()? {
        let (name, text): (String, String) = (row.get(0)?, row.get(1)?);
        found.push(json::decode(&text, || what(&name))?);
    }
    Ok(found)
}

fn what(pipeline: &str) -> String {
    format!("a version of the pipeline `{pipeline}`")
}
