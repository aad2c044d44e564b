//! `sprag compare`

use std::path::Path;

use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::CompareArgs;
use crate::console::Console;
use crate::error::CommandError;
use crate::report::compare;

/// Compares two runs.
///
/// # Errors
/// There is no such run.
pub fn run(args: &CompareArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = super::open_store(project)?;
    let comparison = compare::compare(&store.find_run(&args.first)?, &store.find_run(&args.second)?);
    if args.json {
        console.json(&comparison);
    } else {
        compare::text(&comparison).iter().for_each(|line| console.line(line));
    }
    Ok(exit_code::SUCCESS)
}
