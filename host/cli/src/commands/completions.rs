//! `sprag completions`

use clap::CommandFactory;
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::{Arguments, CompletionsArgs};
use crate::console::Console;
use crate::error::CommandError;

/// Prints a completion script.
///
/// # Errors
/// None today.
pub fn run(args: &CompletionsArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut Arguments::command(), "sprag", &mut script);
    console.line(String::from_utf8_lossy(&script).trim_end());
    Ok(exit_code::SUCCESS)
}
