//! The records of runs.

use rusqlite::{Connection, OptionalExtension, params};
use sprag_schemas::record::{RunOutcome, RunRecord};

use crate::cache::put_entries;
use crate::database::{Durability, Fault};
use crate::{CacheEntry, RunLock, Store, StoreError, blobs, json};

/// How many ids an error lists.
const LISTED: usize = 5;

impl Store {
    /// Records a run that has begun.
    ///
    /// # Errors
    ///
    /// A run of this id is recorded already, or the database cannot be written.
    pub fn start_run(&self, record: &RunRecord) -> Result<(), StoreError> {
        check(record)?;
        self.database.write("record the run", Durability::Process, |connection| {
            let sql = "INSERT INTO runs (id, record) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
            match connection.execute(sql, params![record.id, json::encode(record)])? {
                0 => Err(StoreError::RunExists { id: record.id.clone() }.into()),
                _ => Ok(()),
            }
        })
    }

    /// Records how far a run is, with what its finished stages leave in the cache, in one transaction: after each stage, so that a
    /// killed run loses at most the stage that it was in.
    ///
    /// # Errors
    ///
    /// The run was never started, or the database cannot be written.
    pub fn update_run(&self, record: &RunRecord, cache: &[CacheEntry]) -> Result<(), StoreError> {
        self.put_run(record, cache, Durability::Process)
    }

    /// Records how a run ended, with what it leaves in the cache, in one transaction that survives a power cut.
    ///
    /// # Errors
    ///
    /// The run was never started, or the database cannot be written.
    pub fn finish_run(&self, record: &RunRecord, cache: &[CacheEntry]) -> Result<(), StoreError> {
        self.put_run(record, cache, Durability::Power)
    }

    fn put_run(&self, record: &RunRecord, cache: &[CacheEntry], durability: Durability) -> Result<(), StoreError> {
        check(record)?;
        cache.iter().try_for_each(|entry| json::check_report(&entry.stage, &entry.report))?;
        self.database.write("record the run", durability, |connection| {
            match update(connection, record)? {
                0 => return Err(unknown(connection, &record.id)?.into()),
                _ => put_entries(connection, cache)?,
            }
            Ok(())
        })
    }

    /// Tidies up after killed runs: each run that is still recorded as running becomes [`RunOutcome::Interrupted`], ended at `at`
    /// (RFC 3339), and the temporary files that nobody writes any more are removed. Gives the ids of those runs, oldest first.
    ///
    /// Called with the project's lock held and before [`Store::start_run`], when no run can be running.
    ///
    /// # Errors
    ///
    /// The database or the temporary folder cannot be written.
    pub fn recover(&self, at: &str, _lock: &RunLock) -> Result<Vec<String>, StoreError> {
        blobs::clear_tmp(&self.layout)?;
        let unfinished = "SELECT id, record FROM runs WHERE outcome = 'running' ORDER BY seq";
        let killed = self.database.read("read the runs", |connection| records(connection, unfinished, []))?;
        if killed.is_empty() {
            return Ok(Vec::new());
        }
        self.database.write("record the interrupted runs", Durability::Process, |connection| {
            for mut record in killed.iter().cloned() {
                record.outcome = RunOutcome::Interrupted;
                record.finished_at = Some(at.to_owned());
                record.reason = "the process ended without a word: it was killed, or the machine stopped".to_owned();
                update(connection, &record)?;
            }
            Ok(())
        })?;
        Ok(killed.into_iter().map(|record| record.id).collect())
    }

    /// The run of exactly this id.
    ///
    /// # Errors
    ///
    /// The database or the record cannot be read.
    pub fn run(&self, id: &str) -> Result<Option<RunRecord>, StoreError> {
        self.database.read("read the run", |connection| run(connection, id))
    }

    /// The run that a person means: an id, the beginning or the end of just one, or `latest`.
    ///
    /// # Errors
    ///
    /// There is no such run, or there are several: the error lists ids.
    pub fn find_run(&self, text: &str) -> Result<RunRecord, StoreError> {
        self.database.read("read the runs", |connection| {
            if text == "latest" {
                let newest = "SELECT id, record FROM runs ORDER BY seq DESC LIMIT 1";
                return Ok(records(connection, newest, [])?.pop().ok_or(StoreError::NoRuns)?);
            }
            if let Some(record) = run(connection, text)? {
                return Ok(record);
            }
            let sql = "SELECT id FROM runs WHERE ?1 <> '' AND (substr(id, 1, length(?1)) = ?1 OR substr(id, -length(?1)) = ?1)
                       ORDER BY seq DESC LIMIT ?2";
            let mut statement = connection.prepare(sql)?;
            let limit = i64::try_from(LISTED).unwrap_or(i64::MAX);
            let matches: Vec<String> = statement.query_map(params![text, limit], |row| row.get(0))?.collect::<Result<_, _>>()?;
            match matches.as_slice() {
                [] => Err(unknown(connection, text)?.into()),
                [id] => Ok(run(connection, id)?.ok_or(StoreError::NoRuns)?),
                _ => Err(StoreError::AmbiguousRun { text: text.to_owned(), matches }.into()),
            }
        })
    }

    /// At most `limit` runs, newest first, from the newest or from the one before the run `before`.
    ///
    /// # Errors
    ///
    /// There is no run `before`, or the database or a record cannot be read.
    pub fn runs(&self, limit: usize, before: Option<&str>) -> Result<Vec<RunRecord>, StoreError> {
        self.database.read("read the runs", |connection| {
            let end: i64 = match before {
                None => i64::MAX,
                Some(id) => {
                    let seq = connection.query_row("SELECT seq FROM runs WHERE id = ?1", [id], |row| row.get(0)).optional()?;
                    match seq {
                        Some(seq) => seq,
                        None => return Err(unknown(connection, id)?.into()),
                    }
                }
            };
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            records(connection, "SELECT id, record FROM runs WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2", params![end, limit])
        })
    }

    /// At most `limit` runs, newest first by their start: those before the start and id `before`, of one project, of one outcome, where these are given.
    ///
    /// # Errors
    ///
    /// The database or a record cannot be read.
    pub fn runs_before(
        &self,
        limit: usize,
        before: Option<(&str, &str)>,
        project: Option<&str>,
        outcome: Option<RunOutcome>,
    ) -> Result<Vec<RunRecord>, StoreError> {
        self.database.read("read the runs", |connection| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            // Without a row that all others come before, the index would not be used.
            let (started, id) = before.unwrap_or(("9999", ""));
            let sql = "SELECT id, record FROM runs
                       WHERE (started, id) < (?1, ?2) AND (?3 IS NULL OR record ->> '$.project' = ?3) AND (?4 IS NULL OR outcome = ?4)
                       ORDER BY started DESC, id DESC LIMIT ?5";
            records(connection, sql, params![started, id, project, outcome.map(RunOutcome::name), limit])
        })
    }

    /// How many runs of each project ended how.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn count_runs(&self) -> Result<Vec<(String, String, u64)>, StoreError> {
        self.database.read("count the runs", |connection| {
            let sql = "SELECT record ->> '$.project', outcome, count(*) FROM runs GROUP BY 1, 2 ORDER BY 1, 2";
            let mut statement = connection.prepare(sql)?;
            let counts = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.cast_unsigned())))?;
            Ok(counts.collect::<Result<_, _>>()?)
        })
    }
}

/// Refuses a record that could be written and never read again.
fn check(record: &RunRecord) -> Result<(), StoreError> {
    for stage in &record.stages {
        json::check_report(&stage.name, &stage.report)?;
        json::check_finite(stage.duration_ms, || format!("the duration of stage `{}`", stage.name))?;
    }
    Ok(())
}

fn run(connection: &Connection, id: &str) -> Result<Option<RunRecord>, Fault> {
    Ok(records(connection, "SELECT id, record FROM runs WHERE id = ?1", [id])?.pop())
}

/// Overwrites a run's record; gives the number of runs changed.
fn update(connection: &Connection, record: &RunRecord) -> rusqlite::Result<usize> {
    connection.execute("UPDATE runs SET record = ?2 WHERE id = ?1", params![record.id, json::encode(record)])
}

/// The records that a query for `id, record` gives.
fn records(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<RunRecord>, Fault> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, text) = (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str());
        let (id, text) = (id.map_err(rusqlite::Error::from)?, text.map_err(rusqlite::Error::from)?);
        records.push(json::decode(text, || format!("run `{id}`"))?);
    }
    Ok(records)
}

/// The error for an id that no run has, with the ids that have the most characters in common with it, place by place.
fn unknown(connection: &Connection, text: &str) -> Result<StoreError, Fault> {
    let mut statement = connection.prepare("SELECT id FROM runs ORDER BY seq DESC")?;
    let mut near: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let shared = |id: &String| id.bytes().zip(text.bytes()).filter(|(a, b)| a == b).count();
    near.sort_by_key(|id| std::cmp::Reverse(shared(id)));
    near.truncate(LISTED);
    Ok(StoreError::UnknownRun { text: text.to_owned(), near })
}
