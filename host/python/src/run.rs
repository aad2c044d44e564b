//! Runs what a stage asks for in an environment that it is granted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sprag_confine::{
    Event, Input, InputSource, Job, Limit, Limits, NetworkGrant, Outcome, ProcessError as Refused, Program, Stream,
};
use sprag_core::digest::Digest;
use sprag_runtime::Pending;
use sprag_runtime::blobs::ReadAt;
use sprag_runtime::process::{
    ProcessEnding, ProcessError, ProcessFinished, ProcessInput, ProcessJob, ProcessOutput, ProcessWatch, Processes,
};
use sprag_schemas::record::{LogLevel, LogLine};

use crate::files::{self, LeftFile};
use crate::prepare::{Prepared, Ready, ReadyEnvironment, Supervised};
use crate::record::record;
use crate::{sandbox, table};

/// The most time that a script has to end when it is asked to.
const GRACE: Duration = Duration::from_secs(1);

impl Processes for Prepared {
    fn run(&self, job: ProcessJob, watch: Arc<dyn ProcessWatch>) -> Pending<Result<ProcessFinished, ProcessError>> {
        let ready = self.0.clone();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || {
                let (name, environment) = ready.find(job.environment.as_deref())?;
                match environment {
                    ReadyEnvironment::Supervised(supervised) => run(&ready, name, supervised, job, watch.as_ref()),
                    ReadyEnvironment::Hermetic(sandbox) => sandbox::run(name, sandbox, job, &watch),
                }
            })
            .await;
            done.unwrap_or_else(|error| Err(ProcessError::Io(format!("failed to run the process: {error}"))))
        })
    }
}

fn run(
    ready: &Ready,
    name: &str,
    environment: &Supervised,
    job: ProcessJob,
    watch: &dyn ProcessWatch,
) -> Result<ProcessFinished, ProcessError> {
    let staging = tempfile::Builder::new().prefix("sprag-job-").tempdir().map_err(io("make a temporary folder"))?;
    let staged = stage(staging.path(), job.inputs)?;
    let limits = &job.limits;
    // Within the stage's own time, and within that of a stage that was asked to stop, so that there is someone to hear how it ended.
    let grace = (job.time / 8).min(GRACE);
    let job = Job {
        program: Program::Script(job.script),
        arguments: vec![],
        inputs: staged.inputs,
        seed: job.seed,
        threads: environment.threads,
        limits: Limits {
            time: job.time - grace,
            grace,
            memory: limits.memory,
            disk: limits.disk,
            processes: u64::from(limits.processes),
            output_bytes: limits.artifacts.saturating_add(limits.model),
            kept: usize::try_from(limits.stderr).unwrap_or(usize::MAX),
            told: limits.logs,
            ..Limits::default()
        },
        network: if ready.is_network_granted { NetworkGrant::Open } else { NetworkGrant::Closed },
        demand: environment.demand,
        folder: std::env::temp_dir(),
    };
    let outcome = ready.supervisor.run(&environment.environment, &job, &|event| tell(watch, event), &|| watch.is_over());
    let outcome = Arc::new(outcome.map_err(refused)?);
    let (mut outputs, mut digests) = (vec![], BTreeMap::new());
    for output in &outcome.outputs {
        let bytes = LeftFile::open(&output.path, output.size, outcome.clone()).map_err(io("read what the process left"))?;
        digests.insert(output.name.clone(), files::digest(&bytes).map_err(io("read what the process left"))?.to_string());
        outputs.push(ProcessOutput { name: output.name.clone(), bytes: Arc::new(bytes) });
    }
    let Program::Script(script) = &job.program else { unreachable!("a script was put there above") };
    let record = record(name, &environment.environment, script, staged.digests, digests, &outcome);
    Ok(ProcessFinished { ending: ending(&outcome), outputs, stderr: outcome.stderr.text(), record })
}

impl Ready {
    /// The environment of this name, or the only one.
    fn find(&self, name: Option<&str>) -> Result<(&str, &ReadyEnvironment), ProcessError> {
        let mut all = self.environments.iter().map(|(name, environment)| (name.as_str(), environment));
        let known = || self.environments.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        match name {
            Some(name) => all.find(|(known, _)| *known == name).ok_or_else(|| {
                let known = if self.environments.is_empty() { "none".to_owned() } else { known() };
                ProcessError::Denied(format!(
                    "asked for the environment `{name}`; granted are {known}; add it to `processes` of the stage's grants in sprag.toml"
                ))
            }),
            None => match (all.next(), all.next()) {
                (Some(only), None) => Ok(only),
                (None, _) => Err(ProcessError::Denied(
                    "asked for a process, which no grant of this stage allows; add `processes = [\"NAME\"]` to its grants in sprag.toml"
                        .to_owned(),
                )),
                (Some(_), Some(_)) => {
                    Err(ProcessError::BadJob(format!("expected the name of one of the granted environments ({}), found none", known())))
                }
            },
        }
    }
}

/// Inputs that are ready to be put before a process.
pub(crate) struct Staged {
    pub(crate) inputs: Vec<Input>,
    /// The digests of what they are made from, by the names that the stage gave.
    pub(crate) digests: BTreeMap<String, String>,
}

pub(crate) fn stage(dir: &Path, given: Vec<(String, ProcessInput)>) -> Result<Staged, ProcessError> {
    let mut staged = Staged { inputs: vec![], digests: BTreeMap::new() };
    let mut taken = BTreeSet::new();
    for (name, input) in given {
        let (digest, files) = match input {
            ProcessInput::Bytes(bytes) => {
                let digest = Digest::of(&bytes);
                (digest, vec![Input { name: name.clone(), source: InputSource::Bytes(Arc::unwrap_or_clone(bytes)) }])
            }
            ProcessInput::Blob(blob) => {
                let digest = files::digest(blob.bytes.as_ref()).map_err(io("read an input"))?;
                let path = dir.join(format!("blob-{}", staged.inputs.len()));
                write(&path, blob.bytes.as_ref()).map_err(io("write an input"))?;
                (digest, vec![Input { name: name.clone(), source: InputSource::File(path) }])
            }
            ProcessInput::Table(table) => {
                let folder = dir.join(format!("table-{}", staged.inputs.len()));
                std::fs::create_dir(&folder).map_err(io("write a table"))?;
                let written = table::write(&folder, &name, &table).map_err(|error| ProcessError::Io(error.to_string()))?;
                let file = |name: String| Input { source: InputSource::File(folder.join(&name)), name };
                (table.digest(), written.into_iter().map(file).collect())
            }
        };
        for file in &files {
            if !taken.insert(file.name.clone()) {
                return Err(ProcessError::BadJob(format!("expected each input once, found `{}` twice", file.name)));
            }
        }
        staged.digests.insert(name, digest.to_string());
        staged.inputs.extend(files);
    }
    Ok(staged)
}

fn write(path: &Path, bytes: &dyn ReadAt) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    files::copy(bytes, |chunk| file.write_all(chunk))
}

/// Lines of the process are lines of the run's log.
fn tell(watch: &dyn ProcessWatch, event: Event) {
    let line = |level, message: String, fields: &[(&str, &str)]| {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        watch.told(LogLine { level, message, fields });
    };
    match event {
        Event::Line(Stream::Stdout, text) => line(LogLevel::Info, text, &[("stream", "stdout")]),
        Event::Line(Stream::Stderr, text) => line(LogLevel::Info, text, &[("stream", "stderr")]),
        Event::Silenced(_) => line(LogLevel::Warn, "the process writes more than is kept; the rest is dropped".to_owned(), &[]),
        Event::Killed => line(LogLevel::Warn, "the process did not end when it was asked to, and was killed".to_owned(), &[]),
        Event::Confined(_) | Event::Asked => {}
    }
}

fn ending(outcome: &Outcome) -> ProcessEnding {
    use sprag_confine::Ended;
    if outcome.was_cancelled {
        return ProcessEnding::Cancelled;
    }
    match (outcome.limit, outcome.ended) {
        (Some(limit), _) => ProcessEnding::Limit(match limit {
            Limit::Time | Limit::Cpu => "time",
            Limit::Memory => "memory",
            Limit::Disk | Limit::Files => "disk",
            Limit::Processes => "processes",
        }),
        // A regular end that left something that is no file is none: what it left must not be taken for whole.
        (None, Ended::Exited(0)) if !outcome.refused.is_empty() => {
            let first = &outcome.refused[0];
            ProcessEnding::Refused(format!("`out/{}`: {}", first.name, first.reason))
        }
        (None, Ended::Exited(code)) => ProcessEnding::Exited(code),
        (None, Ended::Signalled(signal)) => ProcessEnding::Signalled(signal),
    }
}

fn refused(error: Refused) -> ProcessError {
    let message = error.to_string();
    let hint = error.hint();
    match error {
        Refused::InputName(_) | Refused::InputTwice(_) | Refused::NoProgram(_) => ProcessError::BadJob(message),
        Refused::Unconfined { .. } => ProcessError::Unconfined(format!(
            "{message}; {}, or set `confinement = \"best-effort\"` of the environment",
            hint.unwrap_or_default()
        )),
        Refused::Confine { .. } => ProcessError::Unconfined(format!("{message}; {}", hint.unwrap_or_default())),
        Refused::Stopped => ProcessError::Stopped,
        Refused::Path(_) | Refused::Start { .. } | Refused::Io { .. } => ProcessError::Io(message),
    }
}

pub(crate) fn io(what: &'static str) -> impl Fn(std::io::Error) -> ProcessError {
    move |error| ProcessError::Io(format!("failed to {what}: {error}"))
}
