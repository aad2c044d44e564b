//! `sprag batch`

use std::path::Path;

use sprag_lifecycle::{Cancel, RunOptions};
use sprag_schemas::exit_code::ExitCode;

use crate::args::{BatchArgs, Format};
use crate::console::Console;
use crate::error::CommandError;
use crate::report;

/// Scores the files that the project names under `[batch]`.
///
/// # Errors
/// There is no such file in the project, or the run could not begin or be recorded. How each file ended is in the exit code.
pub fn run(args: &BatchArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let project = super::load(project, &[])?;
    if project.manifest.batch.is_empty() {
        return Err(CommandError::user("expected `[batch]` in the project file, found none")
            .hint("add `[batch.NAME]` with `input` and `output`; `docs/guides/batch.md` shows how"));
    }
    let code_dir = super::run::code_dir();
    let options = RunOptions { locked: args.locked, no_wait: args.no_wait, code_dir, ..RunOptions::default() };
    let cancel = Cancel::default();
    let observer = if args.json { report::live::silent() } else { report::live::observer(Format::Text, false, *console) };
    let runtime = super::run::tokio_runtime()?;
    {
        let _inside = runtime.enter();
        runtime.spawn(super::run::stop_on_signal(cancel.clone())?);
    }
    let record = runtime.block_on(sprag_lifecycle::batch(&project, &args.names, &options, observer, cancel))?;
    if args.json {
        console.json(&record);
    }
    Ok(sprag_lifecycle::exit_code(&record))
}
