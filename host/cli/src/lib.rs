//! The command line of sprag: arguments in, text and exit codes out.
//!
//! One file for each command under [`commands`]; what a run looks like to a person or a program is under `report`. Nothing is decided
//! here that a server or another front end would have to decide again: that is in `sprag-lifecycle` and below.

pub mod args;
pub mod commands;
mod console;
mod error;
mod report;
mod serving;

use std::process::ExitCode;

use clap::Parser;
use sprag_schemas::approval::Verdict;

use args::{Arguments, Command};
use console::Console;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let console = Console::new(arguments.color);
    let project = arguments.project.as_deref();
    let done = match &arguments.command {
        Command::New(args) => commands::new::run(args, &console),
        Command::Check(args) => commands::check::run(args, project, &console),
        Command::Run(args) => commands::run::run(args, project, &console),
        Command::Lock(args) => commands::lock::run(args, project, &console),
        Command::Swap(args) => commands::swap::run(args, project, &console),
        Command::Publish(args) => commands::publish::run(args, project, &console),
        Command::Pipelines(args) => commands::publish::list(args, project, &console),
        Command::Trigger(args) => commands::trigger::run(args, project, &console),
        Command::Ci(args) => commands::ci::run(args, project, &console),
        Command::Server(args) => commands::server::run(args, project, &console),
        Command::Token(args) => commands::token::run(args, project, &console),
        Command::Audit(args) => commands::audit::run(args, project, &console),
        Command::Profile(args) => commands::profile::run(args, project, &console),
        Command::Runs(args) => commands::runs::run(args, project, &console),
        Command::Show(args) => commands::show::run(args, project, &console),
        Command::Report(args) => commands::report::run(args, project, &console),
        Command::Compare(args) => commands::compare::run(args, project, &console),
        Command::Models(args) => commands::models::run(args, project, &console),
        Command::Model(args) => commands::model::run(args, project, &console),
        Command::Package(args) => commands::package::run(args, project, &console),
        Command::Release(args) => commands::release::run(args, project, &console),
        Command::Resume(args) => commands::release::resume(args, project, &console),
        Command::Rollback(args) => commands::rollback::run(args, project, &console),
        Command::Releases(args) => commands::releases::run(args, project, &console),
        Command::Environments(args) => commands::environments::run(args, project, &console),
        Command::Destroy(args) => commands::destroy::run(args, project, &console),
        Command::Approvals(args) => commands::approvals::run(args, project, &console),
        Command::Approve(args) => commands::approvals::say(Verdict::Approve, args, project, &console),
        Command::Reject(args) => commands::approvals::say(Verdict::Reject, args, project, &console),
        Command::Key(args) => commands::key::run(args, project, &console),
        Command::Batch(args) => commands::batch::run(args, project, &console),
        Command::Score(args) => commands::score::run(args, project, &console),
        Command::Serve(args) => commands::serve::run(args, project, &console),
        Command::Drift(args) => commands::drift::run(args, project, &console),
        Command::Services(args) => commands::services::run(args, project, &console),
        Command::Provision(args) => commands::provision::run(args, project, &console),
        Command::Confined { spec } => return sprag_confine::exec_confined(spec),
        Command::Plugin(args) => commands::plugin::run(args, project, &console),
        Command::Plugins(args) => commands::plugins::run(args, &console),
        Command::Python(args) => commands::python::run(args, &console),
        Command::Policy(args) => commands::policy::run(args, project, &console),
        Command::Schema(args) => commands::schema::run(args, &console),
        Command::Completions(args) => commands::completions::run(args, &console),
    };
    match done {
        Ok(code) => ExitCode::from(code.code),
        Err(error) => {
            console.error(&error);
            ExitCode::from(error.code.code)
        }
    }
}
