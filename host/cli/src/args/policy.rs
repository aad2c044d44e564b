//! Arguments of `sprag policy`.

use clap::{Args, Subcommand};

/// Arguments of `sprag policy`.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// The commands of `sprag policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say of each thing that the stages ask for which line of which policy allows or refuses it. Fails where something is refused.
    #[command(after_help = "Examples:\n  sprag policy explain\n  sprag policy explain train --json")]
    Explain {
        /// The stage, by its name in sprag.lock, such as `train` or `staging.deploy`; all without it.
        #[arg(value_name = "STAGE")]
        stage: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}
