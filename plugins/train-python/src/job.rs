//! Runs the script, and reads what it left.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use sprag_sdk::processes::{Ending, Finished, Job, ProcessError};
use sprag_sdk::{CHUNK, Failure, Measurement, Reader, Session, Table, artifacts, read_all};

use crate::Params;

/// What calls the project's function.
const DRIVER: &str = include_str!("python/driver.py");

/// The modules that it imports, by their names beside the project's own.
const MODULES: [(&str, &str); 2] =
    [("sprag_tables.py", include_str!("python/sprag_tables.py")), ("sprag_onnx.py", include_str!("python/sprag_onnx.py"))];

/// The exit code of the driver where it wrote down what went wrong.
const FAILED: i32 = 3;

/// What a script made.
pub(crate) struct Made {
    /// The model's bytes.
    pub(crate) model: Vec<u8>,
    /// What the model says of the first rows of the training, by its own account.
    pub(crate) expected: Vec<f64>,
    /// How many rows those are.
    pub(crate) rows: usize,
}

/// Trains, and gives what was made.
pub(crate) fn run(session: &Session, params: &Params, training: &Table, validation: Option<&Table>) -> Result<Made, Failure> {
    let job = Job::new(params.environment.as_deref(), DRIVER);
    for (name, text) in MODULES {
        job.give_bytes(name, text.as_bytes());
    }
    for name in [&params.script].into_iter().chain(&params.modules) {
        job.give_blob(name, &input(session, name)?);
    }
    let about = json!({
        "script": params.script,
        "function": params.function,
        "params": params.params,
        "seed": session.seed(),
        "validation": validation.is_some(),
    });
    job.give_bytes("job.json", about.to_string().as_bytes());
    job.give_table("training", training);
    if let Some(validation) = validation {
        job.give_table("validation", validation);
    }
    let finished = job.run().map_err(refused)?;
    succeeded(&job, &finished, params)?;
    let model = left(&job, "model.onnx")?;
    let result: Succeeded = read_json(&job, "result.json")?;
    let rows = result.checked;
    let expected = if rows == 0 { vec![] } else { left(&job, "expected.bin")? };
    let number = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("each chunk has eight bytes"));
    let expected = expected.chunks_exact(8).map(number).collect();
    tell(session, &job, &finished, result)?;
    Ok(Made { model, expected, rows })
}

/// A file of the project that the stage is given.
fn input(session: &Session, name: &str) -> Result<Reader, Failure> {
    if !name.ends_with(".py") || name.starts_with("sprag_") || name == "job.json" {
        return Err(Failure::bad_params(format!(
            "expected the name of a Python module that does not begin with `sprag_`, found `{name}`"
        )));
    }
    session.input(name).ok_or_else(|| {
        Failure::bad_params(format!(
            "expected the stage's input `{name}`, found none; add `inputs = {{ \"{name}\" = \"{name}\" }}` to the stage"
        ))
    })
}

fn refused(error: ProcessError) -> Failure {
    match error {
        ProcessError::Denied(message) | ProcessError::BadJob(message) => Failure::bad_params(message),
        ProcessError::Unconfined(message) => Failure::unsupported(message),
        ProcessError::Io(message) => Failure::internal(message),
    }
}

/// What the driver wrote down of a failure.
#[derive(Debug, Deserialize)]
struct Failed {
    kind: String,
    message: String,
}

fn succeeded(job: &Job, finished: &Finished, params: &Params) -> Result<(), Failure> {
    let script = &params.script;
    match finished.ending {
        Ending::Exited(0) => Ok(()),
        Ending::Exited(FAILED) => {
            let failed: Failed = read_json(job, "failure.json")?;
            Err(match failed.kind.as_str() {
                "bad-input" => Failure::bad_input(failed.message),
                "bad-params" => Failure::bad_params(failed.message),
                "unsupported" => Failure::unsupported(failed.message),
                _ => Failure::internal(failed.message),
            })
        }
        Ending::Exited(code) => {
            Err(Failure::internal(format!("`{script}` ended its process with exit code {code}; its last words are below")))
        }
        Ending::Signalled(signal) => Err(Failure::internal(format!(
            "`{script}` was ended by signal {signal}: a crash in compiled code, mostly; its last words are below"
        ))),
    }
}

/// What the driver wrote down of a success.
#[derive(Debug, Deserialize)]
struct Succeeded {
    metrics: Vec<Metric>,
    model: String,
    versions: BTreeMap<String, String>,
    checked: usize,
}

#[derive(Debug, Deserialize)]
struct Metric {
    name: String,
    value: Option<f64>,
    step: Option<u64>,
    split: Option<String>,
}

/// Passes on metrics and artifacts.
fn tell(session: &Session, job: &Job, finished: &Finished, made: Succeeded) -> Result<(), Failure> {
    let versions: Vec<_> = made.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    sprag_sdk::info!(session, "trained {} with {}", made.model, versions.join(", "));
    let metrics = made.metrics.into_iter().map(|metric| {
        let Metric { name, value, step, split } = metric;
        // JSON of Python has NaN, which this reader takes as none: the host then says which metric is not finite.
        Measurement { name, value: value.unwrap_or(f64::NAN), step, split: split.or_else(|| Some("training".to_owned())) }
    });
    session.measure(&metrics.collect::<Vec<_>>());
    for output in &finished.outputs {
        let Some(name) = output.name.strip_prefix("artifacts/") else { continue };
        if name.contains('/') {
            return Err(Failure::internal(format!("expected artifacts in no folder of their own, found `{name}`")));
        }
        let reader = job.open(&output.name).ok_or_else(|| missing(&output.name))?;
        copy(&reader, &artifacts::create(name, media_type(name))?)?;
    }
    Ok(())
}

fn copy(from: &Reader, to: &sprag_sdk::Writer) -> Result<(), Failure> {
    let mut offset = 0;
    while offset < from.len() {
        let bytes = from.read(offset, CHUNK)?;
        offset += bytes.len() as u64;
        to.write(&bytes)?;
    }
    Ok(())
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("html") => "text/html",
        Some("json") => "application/json",
        Some("csv") => "text/csv",
        Some("txt" | "md") => "text/plain",
        _ => "application/octet-stream",
    }
}

fn left(job: &Job, name: &str) -> Result<Vec<u8>, Failure> {
    Ok(read_all(&job.open(name).ok_or_else(|| missing(name))?)?)
}

fn missing(name: &str) -> Failure {
    Failure::internal(format!("expected the script to leave `out/{name}`, found none"))
}

fn read_json<T: for<'de> Deserialize<'de>>(job: &Job, name: &str) -> Result<T, Failure> {
    serde_json::from_slice(&left(job, name)?).map_err(|error| Failure::internal(format!("`out/{name}`: {error}")))
}
