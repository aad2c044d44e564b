//! `sprag report`

use std::path::Path;

use sprag_pages::layout::document;
use sprag_pages::run::content;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_server::beside::beside;

use crate::args::ReportArgs;
use crate::console::Console;
use crate::error::CommandError;

/// Writes a run as one file that a browser shows without anything else.
///
/// # Errors
/// There is no such run, or the file cannot be written.
pub fn run(args: &ReportArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = super::open_store(project)?;
    let record = store.find_run(&args.run)?;
    let title = format!("{}: {}", record.project, record.id);
    let page = document(&title, &content(&record, &beside(&store, &record)?));
    match &args.output {
        Some(path) => {
            std::fs::write(path, page).map_err(|error| CommandError::io("write", path, &error))?;
            console.note(&format!("wrote `{}`", path.display()));
        }
        None => console.line(page.trim_end()),
    }
    Ok(exit_code::SUCCESS)
}
