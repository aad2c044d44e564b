//! Arguments of `sprag report`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `sprag report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag report --output report.html\n  sprag report 20261122-1543 -o report.html")]
pub struct ReportArgs {
    /// The run: its id, the beginning or the end of it, or `latest`.
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    /// The file to write. Without one the page goes to standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
