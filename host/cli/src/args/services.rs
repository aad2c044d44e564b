//! The arguments of services and provisioning.

use clap::{Args, Subcommand};

/// Arguments of `sprag services`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag services\n  sprag services start\n  sprag services stop diabetes-staging")]
pub struct ServicesArgs {
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
    /// What to do with one; without it all are listed.
    #[command(subcommand)]
    pub action: Option<ServicesAction>,
}

/// What to do with a service.
#[derive(Debug, Subcommand)]
pub enum ServicesAction {
    /// Start services that should run and do not, after the machine was started anew, say; those that run get keys that changed.
    #[command(after_help = "Examples:\n  sprag services start\n  sprag services start diabetes-staging")]
    Start {
        /// The service [default: all of the project].
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Stop a service after it finished its requests.
    #[command(after_help = "Example:\n  sprag services stop diabetes-staging")]
    Stop {
        /// Its name.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Keep a service running; started by whatever deploys it.
    #[command(hide = true)]
    Supervise {
        /// Its name.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Arguments of `sprag provision`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag provision --plan\n  sprag provision")]
pub struct ProvisionArgs {
    /// Print what would be made or changed, and change nothing.
    #[arg(long)]
    pub plan: bool,
    /// Only the stages of these names under `[provision]` [default: all].
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
    /// Show what the stages say.
    #[arg(long, short)]
    pub verbose: bool,
}
