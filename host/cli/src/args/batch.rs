//! Arguments of `sprag batch`.

use clap::Args;

/// Arguments of `sprag batch`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag batch\n  sprag batch patients --json\n\nA file that was being scored when the command was stopped is gone on with when it is given again."
)]
pub struct BatchArgs {
    /// The files to score, by their names under `[batch]`; all without one.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Fail where the project differs from sprag.lock.
    #[arg(long)]
    pub locked: bool,
    /// Fail at once where a run holds the project.
    #[arg(long)]
    pub no_wait: bool,
    /// Print the run's record as JSON.
    #[arg(long)]
    pub json: bool,
}
