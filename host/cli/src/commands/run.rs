//! `sprag run`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sprag_ci::System;
use sprag_lifecycle::{Cancel, RunOptions};
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::{DriveArgs, Format, RunArgs};
use crate::console::Console;
use crate::error::CommandError;
use crate::report;

/// Runs the project, or shows what would run.
///
/// # Errors
/// The run could not begin or could not be recorded. How a run ended is the exit code.
pub fn run(args: &RunArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let done = run_or_show(args, project, console);
    if let (Some(system), Err(error)) = (args.ci, &done) {
        report::ci::error(error, system.into(), console);
    }
    done
}

fn run_or_show(args: &RunArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    if args.ci.is_some() && args.format == Format::Json {
        let error = CommandError::user("expected `--ci` or `--format json`, found both: each has standard output to itself");
        return Err(error.hint("leave out `--ci`, and read the events"));
    }
    let project = super::load(project, &args.params)?;
    if args.dry_run {
        let previews = sprag_lifecycle::preview(&project)?;
        match args.format {
            Format::Json => console.json(&report::plan::json(&previews)),
            Format::Text => {
                let batches = report::plan::batches(&project.manifest);
                report::plan::text(&previews).iter().chain(&batches).for_each(|line| console.line(line));
            }
        }
        return Ok(exit_code::SUCCESS);
    }
    let options = RunOptions {
        locked: args.locked,
        no_cache: args.no_cache,
        no_wait: args.no_wait,
        // CI systems set every variable of theirs, and leave those empty that nobody gave.
        accept: args.accept.clone().filter(|reason| !reason.trim().is_empty()),
        ..super::running::options(console)
    };
    let cancel = Cancel::default();
    let system = args.ci.map(System::from);
    let console = &if system == Some(System::AzurePipelines) { console.read_by_azure() } else { *console };
    let observer = report::live::observer(args.format, args.verbose, *console);
    let runtime = tokio_runtime()?;
    let quiet = report::ci::Quiet::begin(system, console)?;
    {
        // Listening begins before the run does: a signal that comes early must not end the process in the midst of it.
        let _inside = runtime.enter();
        runtime.spawn(stop_on_signal(cancel.clone())?);
    }
    let record = runtime.block_on(sprag_lifecycle::run(&project, &options, observer, cancel))?;
    drop(quiet);
    if let Some(path) = &args.junit {
        write(path, &report::junit::xml(&record))?;
    }
    if let Some(path) = &args.summary {
        write(path, &report::markdown::summary(&record))?;
    }
    if let Some(system) = system {
        report::ci::run(&record, system, args.summary.as_deref(), console)?;
    }
    let code = sprag_lifecycle::exit_code(&record);
    match &record.registered {
        Some(version) if args.release && code == exit_code::SUCCESS => {
            let store = Arc::new(super::open_store(Some(&project.root))?);
            let version = store.find_version(&version.to_string())?;
            let drive = DriveArgs {
                approve_as: args.approve_as.clone(),
                reason: args.reason.clone(),
                no_wait: args.no_wait,
                json: args.format == Format::Json,
                verbose: args.verbose,
                ci: args.ci,
                ..DriveArgs::default()
            };
            super::release::released(&project, store, &version, (None, None), &drive, console)
        }
        _ => Ok(code),
    }
}

/// The runtime that a command's work runs on. The work itself is on the calling thread; one more serves timers and sockets.
pub(super) fn tokio_runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.map_err(|error| CommandError::internal(format!("failed to start: {error}")))
}

/// Asks the run to stop at Ctrl-C or SIGTERM. A second one ends the process at once.
pub(super) fn stop_on_signal(cancel: Cancel) -> Result<impl Future<Output = ()>, CommandError> {
    on_signal(move || cancel.request())
}

/// Does something at the first Ctrl-C or SIGTERM, which are listened for from here on. A second one ends the process at once.
pub(super) fn on_signal(first: impl FnOnce()) -> Result<impl Future<Output = ()>, CommandError> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| CommandError::internal(format!("failed to listen for signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut either = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok(async move {
        either().await;
        first();
        either().await;
        std::process::exit(i32::from(exit_code::CANCELLED.code));
    })
}

/// Where compiled code is kept: a folder of the user's, never of the project's, since code found there is run.
pub(super) fn code_dir() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    variable("SPRAG_CACHE_DIR").or_else(|| Some(cache?.join("sprag"))).map(|dir| dir.join("code"))
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    std::fs::write(path, text).map_err(|error| CommandError::io("write", path, &error))
}
