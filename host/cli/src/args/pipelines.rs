//! Arguments of `sprag publish`, `sprag pipelines` and `sprag trigger`.

use clap::Args;

/// Arguments of `sprag publish`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag publish\n  sprag publish --locked --json")]
pub struct PublishArgs {
    /// Fail where the project differs from sprag.lock.
    #[arg(long)]
    pub locked: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag pipelines`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag pipelines\n  sprag pipelines diabetes --json")]
pub struct PipelinesArgs {
    /// One pipeline, with what waits and runs of it; all without it.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag trigger`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag trigger diabetes\n  sprag trigger diabetes@2 --param train.alpha=0.4 --tag BuildId=1234 --key build-1234\n  sprag trigger diabetes --server https://sprag.example.com"
)]
pub struct TriggerArgs {
    /// The pipeline, perhaps with a version: NAME or NAME@VERSION [default: the newest of the project's own].
    #[arg(value_name = "PIPELINE")]
    pub pipeline: Option<String>,
    /// Parameters in place of the pipeline's, as STAGE.NAME=VALUE.
    #[arg(long = "param", value_name = "STAGE.NAME=VALUE")]
    pub params: Vec<String>,
    /// Words to find the run by.
    #[arg(long = "tag", value_name = "NAME=TEXT")]
    pub tags: Vec<String>,
    /// An idempotency key: the same request again under the same key starts nothing.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// A server of another machine, which runs the pipeline; `SPRAG_TOKEN` in the environment is the token to show it.
    #[arg(long, value_name = "URL", requires = "pipeline")]
    pub server: Option<String>,
    /// Where a server runs the request: return at once with its id, and do not wait for its end.
    #[arg(long)]
    pub no_wait: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Show the stages as they start, the plugins' log lines and every metric.
    #[arg(long, short)]
    pub verbose: bool,
}
