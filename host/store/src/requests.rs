//! The requests to run published pipelines: a queue that outlives its server.

use rusqlite::{Connection, OptionalExtension, params};
use sprag_schemas::pipeline::{Cause, RequestState, RunRequest};

use crate::database::{Durability, Fault};
use crate::{Store, StoreError, json};

/// What became of a request that was handed in.
#[derive(Debug, Clone, PartialEq)]
pub enum Enqueued {
    /// It waits for its turn.
    New(RunRequest),
    /// It was handed in before, under the same key.
    Known(RunRequest),
    /// One that waits already does the same, and answers for it too.
    Coalesced(RunRequest),
}

impl Enqueued {
    /// The request that stands for what was handed in.
    pub const fn request(&self) -> &RunRequest {
        match self {
            Self::New(request) | Self::Known(request) | Self::Coalesced(request) => request,
        }
    }
}

impl Store {
    /// Hands in a request, in one transaction that survives a power cut: none is lost, and none is there twice.
    ///
    /// At most `most` of a pipeline wait. Where `coalesces`, what a trigger of the project asks for is answered by a waiting request of the same trigger, version and parameters.
    ///
    /// # Errors
    ///
    /// The queue is full, another request has its key, or the database cannot be written.
    pub fn enqueue(&self, request: &RunRequest, most: u32, coalesces: bool) -> Result<Enqueued, StoreError> {
        self.database.write("enter the request", Durability::Power, |connection| {
            let name = &request.pipeline.name;
            if let Some(key) = &request.idempotency_key {
                let sql = "SELECT id, record FROM requests WHERE pipeline = ?1 AND key = ?2";
                if let Some(known) = records(connection, sql, params![name, key])?.pop() {
                    let is_same = known.params == request.params && known.tags == request.tags;
                    return if is_same && known.pipeline == request.pipeline {
                        Ok(Enqueued::Known(known))
                    } else {
                        Err(StoreError::OtherRequest { key: key.clone(), id: known.id }.into())
                    };
                }
            }
            let waiting = waiting(connection, name)?;
            let asks_the_same = |other: &&RunRequest| {
                other.pipeline == request.pipeline
                    && other.params == request.params
                    && other.trigger.trigger == request.trigger.trigger
                    && other.trigger.cause == request.trigger.cause
            };
            if coalesces
                && request.trigger.cause != Cause::Request
                && let Some(same) = waiting.iter().find(asks_the_same)
            {
                let mut same = same.clone();
                same.trigger.coalesced += 1;
                put(connection, &same)?;
                return Ok(Enqueued::Coalesced(same));
            }
            if waiting.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
                return Err(StoreError::QueueFull { pipeline: name.clone(), most }.into());
            }
            connection.execute(
                "INSERT INTO requests (id, pipeline, record) VALUES (?1, ?2, ?3)",
                params![request.id, name, json::encode(request)],
            )?;
            Ok(Enqueued::New(request.clone()))
        })
    }

    /// Takes the oldest waiting request, whose run is about to begin: its first under the request's own id, one after that under the id `fresh`, which no run has.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub fn take_request(&self, fresh: &str) -> Result<Option<RunRequest>, StoreError> {
        self.database.write("take a request", Durability::Power, |connection| {
            let sql = "SELECT id, record FROM requests WHERE state = 'queued' ORDER BY seq LIMIT 1";
            let Some(mut request) = records(connection, sql, [])?.pop() else { return Ok(None) };
            request.state = RequestState::Running;
            request.attempts += 1;
            request.run = Some(request.run.as_ref().map_or_else(|| request.id.clone(), |_| fresh.to_owned()));
            put(connection, &request)?;
            Ok(Some(request))
        })
    }

    /// Records how a request stands now. One that is over never changes.
    ///
    /// # Errors
    ///
    /// There is no such request, it is over, or the database cannot be written.
    pub fn update_request(&self, request: &RunRequest) -> Result<(), StoreError> {
        self.database.write("record the request", Durability::Power, |connection| put(connection, request))
    }

    /// Changes a request under the condition that it stands as expected; whether it did.
    ///
    /// # Errors
    ///
    /// There is no such request, or the database cannot be written.
    pub fn move_request(&self, id: &str, from: RequestState, to: RequestState) -> Result<bool, StoreError> {
        self.database.write("record the request", Durability::Power, |connection| {
            let found = records(connection, "SELECT id, record FROM requests WHERE id = ?1", [id])?.pop();
            let mut request = found.ok_or_else(|| StoreError::UnknownRequest { id: id.to_owned() })?;
            if request.state != from {
                return Ok(false);
            }
            request.state = to;
            put(connection, &request)?;
            Ok(true)
        })
    }

    /// The request of this id.
    ///
    /// # Errors
    ///
    /// The database or the record cannot be read.
    pub fn request(&self, id: &str) -> Result<Option<RunRequest>, StoreError> {
        self.database.read("read the request", |connection| {
            Ok(records(connection, "SELECT id, record FROM requests WHERE id = ?1", [id])?.pop())
        })
    }

    /// The requests that wait or are under way, oldest first.
    ///
    /// # Errors
    ///
    /// The database or a record cannot be read.
    pub fn open_requests(&self) -> Result<Vec<RunRequest>, StoreError> {
        self.database.read("read the requests", |connection| {
            records(connection, "SELECT id, record FROM requests WHERE state IN ('queued', 'running') ORDER BY seq", [])
        })
    }

    /// The run of the last request of a pipeline that led to a success.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn newest_success(&self, pipeline: &str) -> Result<Option<String>, StoreError> {
        self.database.read("read the requests", |connection| {
            let sql = "SELECT runs.id FROM requests JOIN runs ON runs.id = requests.record ->> '$.run'
                       WHERE requests.pipeline = ?1 AND requests.state = 'finished' AND runs.outcome IN ('promoted', 'kept', 'succeeded')
                       ORDER BY runs.seq DESC LIMIT 1";
            Ok(connection.query_row(sql, [pipeline], |row| row.get(0)).optional()?)
        })
    }

    /// What a trigger saw last.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn trigger_state(&self, pipeline: &str, name: &str) -> Result<Option<String>, StoreError> {
        self.database.read("read the state of a trigger", |connection| {
            let sql = "SELECT state FROM trigger_states WHERE pipeline = ?1 AND name = ?2";
            Ok(connection.query_row(sql, [pipeline, name], |row| row.get(0)).optional()?)
        })
    }

    /// Records what a trigger saw.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub fn put_trigger_state(&self, pipeline: &str, name: &str, state: &str) -> Result<(), StoreError> {
        self.database.write("record the state of a trigger", Durability::Process, |connection| {
            let sql = "INSERT INTO trigger_states (pipeline, name, state) VALUES (?1, ?2, ?3)
                       ON CONFLICT (pipeline, name) DO UPDATE SET state = excluded.state";
            connection.execute(sql, [pipeline, name, state])?;
            Ok(())
        })
    }
}

fn waiting(connection: &Connection, pipeline: &str) -> Result<Vec<RunRequest>, Fault> {
    records(connection, "SELECT id, record FROM requests WHERE state = 'queued' AND pipeline = ?1 ORDER BY seq", [pipeline])
}

fn put(connection: &Connection, request: &RunRequest) -> Result<(), Fault> {
    match connection.execute("UPDATE requests SET record = ?2 WHERE id = ?1", params![request.id, json::encode(request)])? {
        0 => Err(StoreError::UnknownRequest { id: request.id.clone() }.into()),
        _ => Ok(()),
    }
}

/// The records that a query for `id, record` gives.
fn records(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<RunRequest>, Fault> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = vec![];
    while let Some(row) = rows.next()? {
        let (id, text): (String, String) = (row.get(0)?, row.get(1)?);
        found.push(json::decode(&text, || format!("request `{id}`"))?);
    }
    Ok(found)
}
