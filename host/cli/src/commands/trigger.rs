//! `sprag trigger`

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};
use sprag_lifecycle::{Cancel, origin};
use sprag_pipelines::{Wish, check_key, execute, recover, request, take, trigger};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::manifest::Manifest;
use sprag_schemas::pipeline::{Cause, Publication, RequestState, RunRequest, TriggerRecord};
use sprag_schemas::record::RunRecord;
use sprag_store::{Enqueued, Store};

use super::run::{stop_on_signal, tokio_runtime};
use crate::args::{Format, TriggerArgs};
use crate::console::Console;
use crate::error::CommandError;
use crate::report;

/// How often it is looked whether a server has run the request.
const LOOK: Duration = Duration::from_millis(100);

/// Runs a published pipeline: by the server of the project where there is one, else here.
///
/// # Errors
/// There is no such pipeline, a parameter or a tag is none, or the request cannot be handed in. How its run ended is the exit code.
pub fn run(args: &TriggerArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    if let (Some(server), Some(pipeline)) = (&args.server, &args.pipeline) {
        args.key.as_deref().map_or(Ok(()), check_key).map_err(CommandError::user)?;
        let wish = Wish { params: params(&args.params)?, tags: tags(&args.tags)?, idempotency_key: args.key.clone() };
        return super::remote::trigger(server, named(pipeline)?, &wish, args, console);
    }
    let home = super::project_dir(project)?;
    let store = super::publish::open_store(Some(&home))?;
    let publication = find(args, &home, &store)?;
    args.key.as_deref().map_or(Ok(()), check_key).map_err(CommandError::user)?;
    let wish = Wish { params: params(&args.params)?, tags: tags(&args.tags)?, idempotency_key: args.key.clone() };
    let by = origin(&home).by;
    let traceparent = super::telemetry::traceparent(console);
    let cause = TriggerRecord { traceparent, ..trigger(Cause::Request, None, &by) };
    let wanted = request(&store, &publication, cause, wish)?;
    let most = most(&store, &publication)?;
    let entered = store.enqueue(&wanted, most, false)?;
    if let Enqueued::Known(known) = &entered {
        return told(known, "was requested under this key before", &store, args, console);
    }
    let id = entered.request().id.clone();
    let server = match store.try_lock_server(&format!("sprag trigger, {id}"))? {
        Err(busy) if args.no_wait => {
            let by = busy.holder.map(|holder| format!(" ({holder})")).unwrap_or_default();
            return told(entered.request(), &format!("was handed to the server{by}"), &store, args, console);
        }
        Err(_) => return wait(&id, &store, args, console),
        Ok(lock) => lock,
    };
    recover(&store, &server)?;
    here(&id, &home, &store, args, console)
}

/// Runs what waits, in its order, until the request was run.
fn here(id: &str, home: &Path, store: &Store, args: &TriggerArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let options = super::running::options(console);
    let format = if args.json { Format::Json } else { Format::Text };
    let runtime = tokio_runtime()?;
    let cancel = Cancel::default();
    {
        let _inside = runtime.enter();
        runtime.spawn(stop_on_signal(cancel.clone())?);
    }
    while let Some(taken) = take(store)? {
        let is_ours = taken.id == id;
        let observer = report::live::observer(format, args.verbose, *console);
        let open = |digest: &_, overrides: &[String]| {
            super::with_surroundings(|surroundings| sprag_pipelines::open(home, store, digest, surroundings, overrides))
        };
        let (request, record) = runtime.block_on(execute(store, taken, open, &options, observer, cancel.clone(), &|| false))?;
        if is_ours {
            return ended(&request, record.as_ref());
        }
        if cancel.is_requested() {
            return Ok(exit_code::CANCELLED);
        }
    }
    Err(CommandError::internal(format!("the request `{id}` is not among those that wait any more")))
}

/// Waits for the server to run the request.
fn wait(id: &str, store: &Store, args: &TriggerArgs, console: &Console) -> Result<ExitCode, CommandError> {
    console.note(&format!("{id} was handed to the server of this project; Ctrl-C leaves it there"));
    loop {
        let request = store.request(id)?.ok_or_else(|| CommandError::internal(format!("the request `{id}` is gone")))?;
        if request.state.is_over() {
            let record = request.run.as_deref().map(|run| store.run(run)).transpose()?.flatten();
            match &record {
                Some(record) if args.json => console.json(record),
                Some(record) => report::text::summary(record).iter().for_each(|line| console.line(line)),
                None => {}
            }
            return ended(&request, record.as_ref());
        }
        std::thread::sleep(LOOK);
    }
}

/// Says how a request stands that this command does not wait for.
fn told(request: &RunRequest, how: &str, store: &Store, args: &TriggerArgs, console: &Console) -> Result<ExitCode, CommandError> {
    if args.json {
        console.json(request);
    } else {
        let outcome = request.run.as_deref().map(|run| store.run(run)).transpose()?.flatten();
        let state = outcome.map_or(request.state.name(), |record| record.outcome.name());
        console.line(&format!("{}  {state}", request.id));
        console.note(&format!("it {how}"));
    }
    Ok(exit_code::SUCCESS)
}

fn ended(request: &RunRequest, record: Option<&RunRecord>) -> Result<ExitCode, CommandError> {
    match record {
        Some(record) => Ok(sprag_lifecycle::exit_code(record)),
        None if request.state == RequestState::Cancelled => Ok(exit_code::CANCELLED),
        None => Err(CommandError::user(request.error.clone().unwrap_or_else(|| "the request ended without a run".to_owned()))),
    }
}

/// How many requests of a pipeline may wait.
fn most(store: &Store, publication: &Publication) -> Result<u32, CommandError> {
    Ok(sprag_pipelines::manifest(store, publication)?.pipeline.queue)
}

/// The version that is meant.
fn find(args: &TriggerArgs, home: &Path, store: &Store) -> Result<Publication, CommandError> {
    let text = match &args.pipeline {
        Some(text) => text.clone(),
        None => own_name(home)?,
    };
    let (name, version) = named(&text)?;
    Ok(store.publication(name, version)?)
}

/// `NAME` or `NAME@VERSION`.
fn named(text: &str) -> Result<(&str, Option<u64>), CommandError> {
    let Some((name, version)) = text.split_once('@') else { return Ok((text, None)) };
    let wrong = |_| CommandError::user(format!("expected a version such as `{name}@1`, found `{text}`"));
    Ok((name, Some(version.parse().map_err(wrong)?)))
}

fn own_name(home: &Path) -> Result<String, CommandError> {
    let text = sprag_lifecycle::read_file(home)?;
    let parsed = Manifest::parse(&text).map_err(|message| CommandError::user(format!("sprag.toml: {message}")))?;
    Ok(parsed.project.name)
}

/// `STAGE.NAME=VALUE` as names and values, where a value is JSON or else a text.
fn params(texts: &[String]) -> Result<Map<String, Value>, CommandError> {
    let mut found = Map::new();
    for text in texts {
        let (name, value) = pair(text, "--param", "STAGE.NAME=VALUE")?;
        if !name.contains('.') {
            return Err(CommandError::user(format!("`--param {text}`: expected `STAGE.NAME=VALUE`, found no `.`")));
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        found.insert(name.to_owned(), value);
    }
    Ok(found)
}

fn tags(texts: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    let pairs = texts.iter().map(|text| pair(text, "--tag", "NAME=TEXT"));
    pairs.map(|pair| pair.map(|(name, text)| (name.to_owned(), text.to_owned()))).collect()
}

fn pair<'a>(text: &'a str, flag: &str, form: &str) -> Result<(&'a str, &'a str), CommandError> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| CommandError::user(format!("`{flag} {text}`: expected `{form}`, found no name or no `=`")))
}
