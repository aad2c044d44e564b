//! `sprag lock`

use std::path::Path;

use sprag_lifecycle::LockStatus;
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::LockArgs;
use crate::console::{Console, WARN};
use crate::error::CommandError;

/// Writes the lockfile, and says what changed.
///
/// # Errors
/// The project is wrong, or `--check` was given and something would change.
pub fn run(args: &LockArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let project = super::load(project, &[])?;
    let lines = match sprag_lifecycle::lock_status(&project)? {
        LockStatus::Current => {
            console.line("sprag.lock is up to date");
            return Ok(exit_code::SUCCESS);
        }
        LockStatus::Missing => vec!["there is no `sprag.lock` yet".to_owned()],
        LockStatus::Differs(diff) => {
            let widened = diff.widened.iter().map(|line| format!("{WARN}more rights:{WARN:#} {line}"));
            widened.chain(diff.changed.iter().cloned()).collect()
        }
    };
    if args.check {
        return Err(refusal(&lines));
    }
    sprag_lifecycle::write_lock(&project)?;
    for line in lines {
        console.line(&line);
    }
    console.line("wrote sprag.lock");
    Ok(exit_code::SUCCESS)
}

/// The error for a project that differs from its lockfile.
fn refusal(lines: &[String]) -> CommandError {
    let list: String = lines.iter().map(|line| format!("\n  {line}")).collect();
    let message = format!("the project differs from `sprag.lock`:{list}");
    CommandError {
        code: exit_code::REFUSED,
        message,
        hints: vec!["look at what each component may do, then accept it with `sprag lock`".to_owned()],
    }
}
