//! A run or a release as a CI system takes it.

use std::io::Write;
use std::path::Path;

use sprag_ci::{Level, Note, System, Told, annotation, notes, outputs, told};
use sprag_schemas::record::RunRecord;
use sprag_schemas::release::{ReleaseOutcome, ReleaseRecord};

use crate::console::Console;
use crate::error::CommandError;

/// While it lives, GitHub takes no line for a command: plugins have their words in the log.
pub(crate) struct Quiet {
    console: Console,
    token: Option<String>,
}

impl Quiet {
    /// Begins it, where the system has that.
    pub(crate) fn begin(system: Option<System>, console: &Console) -> Result<Self, CommandError> {
        let failed = |error: std::io::Error| CommandError::internal(format!("failed to draw a token: {error}"));
        let token = match system {
            Some(System::Github) => Some(sprag_server::token::random::<18>().map_err(failed)?),
            _ => None,
        };
        if let Some(token) = &token {
            console.command(&format!("::stop-commands::{token}"));
        }
        Ok(Self { console: *console, token })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            self.console.command(&format!("::{token}::"));
        }
    }
}

/// Tells what came of a run.
pub(crate) fn run(record: &RunRecord, system: System, summary: Option<&Path>, console: &Console) -> Result<(), CommandError> {
    for note in notes(record) {
        annotation(system, &note).iter().for_each(|line| console.command(line));
    }
    for one in told(system, &outputs(record)) {
        tell(&one, console)?;
    }
    let text = super::markdown::summary(record);
    match (system, summary) {
        (System::Github, _) => tell(&Told::Append { variable: "GITHUB_STEP_SUMMARY", text }, console)?,
        (System::AzurePipelines, Some(path)) => {
            let path = path.canonicalize().map_err(|error| CommandError::io("find", path, &error))?;
            console.command(&format!("##vso[task.uploadsummary]{}", path.display()));
        }
        _ => {}
    }
    Ok(())
}

/// Tells why there is no run at all.
pub(crate) fn error(error: &CommandError, system: System, console: &Console) {
    let note = Note { level: Level::Error, title: "sprag".to_owned(), message: error.message.clone() };
    annotation(system, &note).iter().for_each(|line| console.command(line));
}

/// Tells how a release stands.
pub(crate) fn release(record: &ReleaseRecord, system: System, console: &Console) -> Result<(), CommandError> {
    let level = match record.outcome {
        ReleaseOutcome::Released => Level::Notice,
        ReleaseOutcome::AwaitingApproval => Level::Warning,
        _ => Level::Error,
    };
    let message = format!("{} to {}: {}: {}", record.version, record.to, record.outcome.name(), record.reason);
    let note = Note { level, title: record.id.clone(), message };
    annotation(system, &note).iter().for_each(|line| console.command(line));
    let image = record.package.as_ref().map(|package| package.digest.clone()).unwrap_or_default();
    let outputs = [
        ("release", record.id.clone()),
        ("release-outcome", record.outcome.name().to_owned()),
        ("model-version", record.version.to_string()),
        ("image-digest", image),
    ];
    told(system, &outputs).iter().try_for_each(|one| tell(one, console))
}

fn tell(one: &Told, console: &Console) -> Result<(), CommandError> {
    match one {
        Told::Line(line) => console.command(line),
        Told::Append { variable, text } => {
            // By hand there is no such file, and nothing to tell.
            let Some(path) = std::env::var_os(variable) else { return Ok(()) };
            let path = Path::new(&path);
            let append = || std::fs::File::options().append(true).create(true).open(path)?.write_all(text.as_bytes());
            append().map_err(|error| CommandError::io("write", path, &error))?;
        }
        Told::File { name, text } => {
            let path = Path::new(name);
            std::fs::write(path, text).map_err(|error| CommandError::io("write", path, &error))?;
        }
    }
    Ok(())
}
