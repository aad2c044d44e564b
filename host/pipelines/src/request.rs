//! Requests to run a published pipeline: how they are made, run and taken up again.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sprag_core::digest::Digest;
use sprag_lifecycle::{Cancel, Observer, Project, Requested, RunError, RunOptions, new_run_id, now, run, with_causes};
use sprag_schemas::pipeline::{Cause, PipelineRef, Publication, RequestState, RunRequest, TriggerRecord};
use sprag_schemas::record::{RunOutcome, RunRecord};
use sprag_store::{RunLock, Store, StoreError};

use crate::PipelineError;

/// How often a request is begun whose server is killed meanwhile.
const MOST_ATTEMPTS: u32 = 3;

/// How the keys begin that triggers and forms ask under: nobody else may, or could keep a trigger from starting what it should.
pub const RESERVED: &str = "sprag:";

/// Insists that a key of whoever asks is none of those that are reserved.
///
/// # Errors
/// It is.
pub fn check_key(key: &str) -> Result<(), String> {
    if key.starts_with(RESERVED) {
        return Err(format!("expected an idempotency key that does not begin with `{RESERVED}`, found `{key}`"));
    }
    Ok(())
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wish {
    /// Parameters in place of the pipeline's own: `STAGE.NAME` and a value.
    pub params: Map<String, Value>,
    /// Words to find the run by.
    pub tags: BTreeMap<String, String>,
    /// The key of whoever asks: the same key again is the same request.
    pub idempotency_key: Option<String>,
}

/// A request for a version of a pipeline, not yet handed in.
///
/// # Errors
/// The store cannot be read.
pub fn request(store: &Store, publication: &Publication, trigger: TriggerRecord, wish: Wish) -> Result<RunRequest, RunError> {
    Ok(RunRequest {
        id: new_request_id(store)?,
        pipeline: PipelineRef {
            name: publication.pipeline.clone(),
            version: publication.version,
            digest: publication.digest.clone(),
        },
        trigger,
        params: wish.params,
        tags: wish.tags,
        idempotency_key: wish.idempotency_key,
        state: RequestState::Queued,
        run: None,
        attempts: 0,
        error: None,
    })
}

/// What asks, now.
pub fn trigger(cause: Cause, name: Option<&str>, by: &str) -> TriggerRecord {
    TriggerRecord { cause, trigger: name.map(str::to_owned), by: by.to_owned(), at: now(), coalesced: 1, traceparent: None }
}

/// Takes the oldest waiting request of a store, to run it.
///
/// # Errors
/// The store cannot be read or written.
pub fn take(store: &Store) -> Result<Option<RunRequest>, RunError> {
    Ok(store.take_request(&new_request_id(store)?)?)
}

/// An id that neither a request nor a run of the store has.
fn new_request_id(store: &Store) -> Result<String, RunError> {
    loop {
        let id = new_run_id(store)?;
        if store.request(&id)?.is_none() {
            return Ok(id);
        }
    }
}

/// The overrides that the parameters of a request are, as `--param` has them.
pub fn overrides(params: &Map<String, Value>) -> Vec<String> {
    params.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// Runs a request that was taken, and records how it ended.
///
/// `open` gives the project of a bundle with overrides. What ends the request without a run is in the request's record, and none is given then. A run that was cancelled because whoever runs
/// it is about to end waits for its turn again.
///
/// # Errors
/// The store cannot be written: how the request stands is then found when it is opened again.
pub async fn execute(
    store: &Store,
    mut request: RunRequest,
    open: impl FnOnce(&Digest, &[String]) -> Result<Project, PipelineError>,
    options: &RunOptions,
    observer: Observer,
    cancel: Cancel,
    is_stopping: &(dyn Fn() -> bool + Sync),
) -> Result<(RunRequest, Option<RunRecord>), StoreError> {
    let ended = attempt(&request, open, options, observer, cancel).await;
    let record = match ended {
        Ok(record) if record.outcome == RunOutcome::Cancelled && is_stopping() => {
            request.state = RequestState::Queued;
            request.attempts -= 1;
            Some(record)
        }
        Ok(record) => {
            request.state = RequestState::Finished;
            Some(record)
        }
        Err(message) => {
            // A run that was recorded, and could not go on, ended all the same.
            let recorded = request.run.as_deref().map(|run| store.run(run)).transpose()?.flatten();
            request.state = if recorded.is_some() { RequestState::Finished } else { RequestState::Failed };
            request.error = Some(message);
            recorded
        }
    };
    store.update_request(&request)?;
    Ok((request, record))
}

async fn attempt(
    request: &RunRequest,
    open: impl FnOnce(&Digest, &[String]) -> Result<Project, PipelineError>,
    options: &RunOptions,
    observer: Observer,
    cancel: Cancel,
) -> Result<RunRecord, String> {
    let run_id = request.run.clone().unwrap_or_else(|| request.id.clone());
    let digest = request.pipeline.digest.parse().map_err(|_| format!("`{}` is no digest", request.pipeline.digest))?;
    let project = open(&digest, &overrides(&request.params)).map_err(|error| with_causes(&error))?;
    let options = RunOptions {
        locked: true,
        requested: Some(Requested {
            run: run_id,
            pipeline: request.pipeline.clone(),
            trigger: request.trigger.clone(),
            tags: request.tags.clone(),
        }),
        ..options.clone()
    };
    run(&project, &options, observer, cancel).await.map_err(|error| with_causes(&error))
}

/// What became of requests that were under way when their server ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Those that wait again.
    pub again: Vec<String>,
    /// Those whose run had ended.
    pub finished: Vec<String>,
    /// Those that were begun too often.
    pub given_up: Vec<String>,
}

/// Takes up what a server left that was killed: a request whose run ended is finished, one whose run did not is run again, where the cache has what its stages did.
///
/// # Errors
/// The store cannot be read or written.
pub fn recover(store: &Store, _server: &RunLock) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered::default();
    for mut request in store.open_requests()?.into_iter().filter(|request| request.state == RequestState::Running) {
        let run = request.run.as_deref().map(|run| store.run(run)).transpose()?.flatten();
        let is_over = run.is_some_and(|run| !matches!(run.outcome, RunOutcome::Running | RunOutcome::Interrupted));
        let list = if is_over {
            request.state = RequestState::Finished;
            &mut recovered.finished
        } else if request.attempts < MOST_ATTEMPTS {
            request.state = RequestState::Queued;
            &mut recovered.again
        } else {
            request.state = RequestState::Failed;
            request.error = Some(format!("it was begun {} times, and the server was killed each time", request.attempts));
            &mut recovered.given_up
        };
        list.push(request.id.clone());
        store.update_request(&request)?;
    }
    Ok(recovered)
}
