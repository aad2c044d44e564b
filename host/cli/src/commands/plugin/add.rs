//! `sprag plugin add`

use std::path::Path;

use sprag_schemas::exit_code::ExitCode;

use super::registry::reference;
use crate::args::PluginAddArgs;
use crate::commands::project_dir;
use crate::commands::swap::{Wish, swap};
use crate::console::Console;
use crate::error::CommandError;

/// Gives a stage a plugin of a registry, and locks what its reference stands for: `sprag swap`, for a reference as registries' own tools write it.
///
/// # Errors
/// There is no such stage, the plugin will not do, or it may do more than the one before and nobody agreed to that.
pub(super) fn run(args: &PluginAddArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let plugin = format!("oci://{}", reference(&args.reference)?);
    let wish = Wish { stage: &args.stage, plugin: &plugin, yes: args.yes, dry_run: false, json: args.json };
    swap(&wish, &project_dir(project)?, console)
}
