//! `sprag completions`

use clap::CommandFactory;
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::{Arguments, CompletionsArgs};
use crate::error::CommandError;

/// Prints a completion script.
///
/// # Errors
/// None today.
pub fn run(args: &CompletionsArgs) -> Result<ExitCode, CommandError> {
    clap_complete::generate(args.shell, &mut Arguments::command(), "sprag", &mut std::io::stdout());
    Ok(exit_code::SUCCESS)
}
