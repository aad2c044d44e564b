//! Keeps an MLflow tracking server up to date: each run with its parameters, metrics, data and files; the candidate as a model that MLflow loads itself; a version
//! of the registered model for each version that is registered here; and an alias for each environment that a release arrived in.
//!
//! MLflow is told and never asked: what is registered or released is decided here. Telling again changes nothing, so that it may be done at any time for runs of long ago.

mod event;
mod mlmodel;
mod run;

use std::collections::BTreeMap;

use serde::Deserialize;
use sprag_mlflow::{Access, MlflowError, Place, RunInfo, Server, Tag};
use sprag_sdk::http::{Client, Network};
use sprag_sdk::{Failure, Host, Notifier, Session, read_all};

use crate::event::{Event, File, Released, RunEnded};

/// The tag that finds a run again.
const RUN: &str = "sprag.run";
/// The tag that finds a version again.
const VERSION: &str = "sprag.version";
/// The folder of a run's files that holds its model.
const MODEL: &str = "model";

/// The parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub struct Params {
    /// The tracking server, such as `https://mlflow.example.com`: the stage must be granted its origin.
    url: String,
    /// The secret with a bearer token.
    #[serde(default)]
    token: Option<String>,
    /// The secret with a whole `authorization` header, such as `Basic bWw6c2VjcmV0`.
    #[serde(default)]
    authorization: Option<String>,
    /// The experiment. Default: the project's name.
    #[serde(default)]
    experiment: Option<String>,
    /// The registered model. Default: the name that the model has here.
    #[serde(default)]
    model: Option<String>,
    /// Whether files go along: the model, and what the stages left. Without them no version is registered either.
    #[serde(default = "yes")]
    files: bool,
    /// Larger files stay here, with a warning. In bytes.
    #[serde(default = "most")]
    largest_file: u64,
    /// The alias for each environment that a release arrives in. Default: the environment's name.
    #[serde(default)]
    aliases: BTreeMap<String, String>,
}

const fn yes() -> bool {
    true
}

const fn most() -> u64 {
    64 << 20
}

/// The plugin.
pub struct NotifyMlflow;

impl Notifier for NotifyMlflow {
    type Params = Params;
    type Event = Event;

    fn notify(session: &Session, params: Params, event: Event) -> Result<(), Failure> {
        let network = Network::new();
        let access = Access { token: params.token.clone(), authorization: params.authorization.clone() };
        let server = Server::new(&network, session, &params.url, &access)?;
        let read = |file: &File| match session.input(&file.input) {
            Some(reader) => Ok(read_all(&reader)?),
            None => Err(Failure::internal(format!("expected the input `{}`, found none", file.input))),
        };
        tell(&server, session, &params, &event, &read)
    }
}

/// Tells the server what happened.
fn tell<C: Client>(
    server: &Server<'_, C>,
    host: &impl Host,
    params: &Params,
    event: &Event,
    read: &dyn Fn(&File) -> Result<Vec<u8>, Failure>,
) -> Result<(), Failure> {
    match event {
        Event::Run(event) => {
            let run = told_run(server, params, event)?;
            if params.files {
                put_files(server, host, params, event, &run, read)?;
            }
            server.end_run(&run.run_id, run::status(&event.run), run::ended_at(&event.run)?)?;
            host.log("MLflow has the run", &[("mlflow-run", &run.run_id)]);
            Ok(())
        }
        Event::Released(released) => told_release(server, host, params, released),
        Event::Other(name) => {
            host.log(&format!("MLflow has no place for `{name}`"), &[]);
            Ok(())
        }
    }
}

/// The run at the server, with all that is no file.
fn told_run<C: Client>(server: &Server<'_, C>, params: &Params, event: &RunEnded) -> Result<RunInfo, Failure> {
    let run = &event.run;
    let experiment = server.experiment(params.experiment.as_deref().unwrap_or(&event.project))?;
    let mark = Tag::new(RUN, &run.id);
    let known = server.run_with(&experiment, &mark)?;
    let info = match known {
        Some(info) => info,
        // The mark is there from the beginning: whoever is stopped in between finds the run again.
        None => server.start_run(&experiment, &run.id, run::started_at(run)?, &[mark])?,
    };
    server.log(&info.run_id, &run::params(run), &run::metrics(run)?, &run::tags(event))?;
    let data = run::data(run);
    if !data.is_empty() {
        server.log_data(&info.run_id, &data)?;
    }
    Ok(info)
}

/// The files, the model among them, and the version that the run registered.
fn put_files<C: Client>(
    server: &Server<'_, C>,
    host: &impl Host,
    params: &Params,
    event: &RunEnded,
    info: &RunInfo,
    read: &dyn Fn(&File) -> Result<Vec<u8>, Failure>,
) -> Result<(), Failure> {
    let place = Place::parse(&info.artifact_uri)?;
    let mut has_model = false;
    for file in &event.files {
        if file.bytes > params.largest_file {
            host.warn(&format!(
                "`{}` has {} bytes and stays here: `largest_file` is {}",
                file.input, file.bytes, params.largest_file
            ));
            continue;
        }
        match (&file.name, &event.run.candidate) {
            (Some(name), _) => server.put_file(&place, &format!("{}/{name}", file.stage), &file.media_type, read(file)?)?,
            (None, Some(model)) => {
                let name = mlmodel::data_name(model);
                server.put_file(&place, &format!("{MODEL}/{name}"), &file.media_type, read(file)?)?;
                let text = mlmodel::mlmodel(model, &info.run_id, &event.run.started_at);
                server.put_file(&place, &format!("{MODEL}/MLmodel"), "application/json", text.clone().into_bytes())?;
                server.log_model(&info.run_id, &text)?;
                has_model = true;
            }
            (None, None) => {}
        }
    }
    let Some(version) = event.run.registered.as_ref().filter(|_| has_model) else { return Ok(()) };
    let name = params.model.as_deref().unwrap_or(&version.name);
    let mark = Tag::new(VERSION, version.version.to_string());
    server.registered_model(name)?;
    if server.version_with(name, &mark)?.is_none() {
        let tags = [mark, Tag::new(RUN, &event.run.id)];
        let source = format!("{}/{MODEL}", info.artifact_uri.trim_end_matches('/'));
        let made = server.add_version(name, &source, &info.run_id, &tags)?;
        host.log(&format!("MLflow has `{name}` version {}", made.version), &[]);
    }
    Ok(())
}

/// The alias of an environment.
fn told_release<C: Client>(
    server: &Server<'_, C>,
    host: &impl Host,
    params: &Params,
    released: &Released,
) -> Result<(), Failure> {
    let Released { environment, version } = released;
    let name = params.model.as_deref().unwrap_or(&version.name);
    let found = match server.version_with(name, &Tag::new(VERSION, version.version.to_string())) {
        Err(MlflowError::Refused { code, .. }) if code == "RESOURCE_DOES_NOT_EXIST" => None,
        other => other?,
    };
    let Some(found) = found else {
        return Err(Failure::bad_params(format!(
            "expected MLflow to have a version of `{name}` with the tag `{VERSION}` {}, found none; `sprag runs notify RUN` tells it of the run that registered the version",
            version.version
        )));
    };
    let alias = params.aliases.get(environment).unwrap_or(environment);
    server.set_alias(name, alias, &found.version)?;
    host.log(&format!("MLflow's `{name}` version {} is `{alias}`", found.version), &[]);
    Ok(())
}

sprag_sdk::notifier!(NotifyMlflow);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_committed() {
        let derived = schemars::schema_for!(Params).to_value();
        sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <NotifyMlflow as sprag_sdk::Plugin>::JSON, &derived);
    }
}
