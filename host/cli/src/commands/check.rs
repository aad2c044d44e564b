//! `sprag check`

use std::path::Path;

use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::CheckArgs;
use crate::console::{Console, GOOD};
use crate::error::CommandError;

/// Checks a project: the file, the components and their parameters, the data's file, the lockfile. No plugin runs.
///
/// # Errors
/// Everything that is wrong.
pub fn run(args: &CheckArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let project = super::load(project, &args.params)?;
    let previews = sprag_lifecycle::preview(&project)?;
    if args.locked {
        sprag_lifecycle::require_lock(&project)?;
    }
    if args.json {
        console.json(&crate::report::plan::json(&previews));
    } else {
        let name = &project.manifest.project.name;
        console.line(&format!("{GOOD}ok{GOOD:#}: {name}: {} stages, nothing to object to", previews.len()));
    }
    Ok(exit_code::SUCCESS)
}
