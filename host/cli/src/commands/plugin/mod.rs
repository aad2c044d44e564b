//! `sprag plugin`: one file for each of its commands.

mod add;
mod build;
mod check;
mod dev;
mod inspect;
mod new;
mod publish;
mod pull;
pub(super) mod registry;
pub(super) mod subject;
mod test;
mod update;
mod vendor;

use std::path::Path;

use sprag_schemas::exit_code::ExitCode;

use crate::args::{PluginArgs, PluginCommand};
use crate::console::Console;
use crate::error::CommandError;

/// Does what a command of the group says.
///
/// # Errors
/// As the command.
pub fn run(args: &PluginArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    match &args.command {
        PluginCommand::New(args) => new::run(args, console),
        PluginCommand::Build(args) => build::run(args, console),
        PluginCommand::Dev(args) => dev::run(args, project, console),
        PluginCommand::Test(args) => test::run(args, console),
        PluginCommand::Inspect(args) => inspect::run(args, console),
        PluginCommand::Check(args) => check::run(args, project, console),
        PluginCommand::Publish(args) => publish::run(args, console),
        PluginCommand::Pull(args) => pull::run(args, console),
        PluginCommand::Add(args) => add::run(args, project, console),
        PluginCommand::Update(args) => update::run(args, project, console),
        PluginCommand::Vendor(args) => vendor::run(args, project, console),
    }
}
