//! `sprag runs`

use std::path::Path;

use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::RunsArgs;
use crate::console::{Console, DIM};
use crate::error::CommandError;
use crate::report::text::outcome_style;

/// Lists the runs.
///
/// # Errors
/// There is no store, or it cannot be read.
pub fn run(args: &RunsArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let runs = super::open_store(project)?.runs(args.limit, None)?;
    if args.json {
        console.json(&runs);
        return Ok(exit_code::SUCCESS);
    }
    for run in runs {
        let style = outcome_style(run.outcome);
        let registered = run.registered.map(|version| format!("{version}  ")).unwrap_or_default();
        console.line(&format!(
            "{}  {style}{:<11}{style:#} {registered}{DIM}{}{DIM:#}",
            run.id,
            run.outcome.name(),
            first_line(&run.reason)
        ));
    }
    Ok(exit_code::SUCCESS)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
