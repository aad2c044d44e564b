//! `sprag rollback`

use std::path::Path;
use std::sync::Arc;

use sprag_release::{RollbackRequest, start_rollback};
use sprag_schemas::exit_code::ExitCode;

use super::driving;
use crate::args::RollbackArgs;
use crate::console::{BOLD, Console, DIM};
use crate::error::CommandError;

/// Puts a version back that passed its test in an environment.
///
/// # Errors
/// There is nothing to go back to, or no rule for emergencies, or it could not go on.
pub fn run(args: &RollbackArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = Arc::new(super::open_store(project)?);
    let project = super::load(project, &[])?;
    let why = args.drive.reason.clone();
    let emergency = why.clone().filter(|_| args.emergency);
    let known_as = driving::known_as(&project, &args.drive)?;
    let request = RollbackRequest { place: args.place.clone(), to: args.to, emergency, why, known_as };
    let release = start_rollback(&project, &store, &request)?.record;
    if !args.drive.json {
        console.line(&format!("{BOLD}{}{BOLD:#} back to {} {DIM}release {}{DIM:#}", release.version, release.to, release.id));
    }
    driving::drive(&project, store, &release.id, &args.drive, console)
}
