//! Every command, argument and flag. The doc comments are the help.

mod batch;
mod challengers;
mod ci;
mod drift;
mod package;
mod pipelines;
mod plugin;
mod policy;
mod python;
mod release;
mod report;
mod score;
mod serve;
mod server;
mod services;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use batch::BatchArgs;
pub use challengers::{ChallengerArgs, ChallengerSpec};
pub use ci::{CiArgs, CiCommand, CiInitArgs, CiSystem};
pub use drift::DriftArgs;
pub use package::PackageArgs;
pub use pipelines::{PipelinesArgs, PublishArgs, TriggerArgs};
pub use plugin::{
    Lang, PluginAddArgs, PluginArgs, PluginBuildArgs, PluginCheckArgs, PluginCommand, PluginDevArgs, PluginInspectArgs,
    PluginNewArgs, PluginPublishArgs, PluginPullArgs, PluginTestArgs, PluginUpdateArgs, PluginVendorArgs,
};
pub use policy::{PolicyArgs, PolicyCommand};
pub use python::{PythonArgs, PythonCommand, PythonInstallArgs};
pub use release::{
    ApprovalsArgs, DestroyArgs, DriveArgs, EnvironmentsArgs, KeyArgs, KeyCommand, ReleaseArgs, ReleasesArgs, ReleasesCommand,
    ResumeArgs, RollbackArgs, WordArgs,
};
pub use report::ReportArgs;
pub use score::ScoreArgs;
pub use serve::{LimitArgs, ListenAt, LogTo, PackageShare, ServeArgs, ServeKeyArgs, WhatArgs};
pub use server::{AuditArgs, AuditCommand, RoleName, ServerArgs, TokenArgs, TokenCommand};
pub use services::{ProvisionArgs, ServicesAction, ServicesArgs};

use crate::console::Color;

/// Takes a model from data to a registered version, each stage a sandboxed WebAssembly component.
#[derive(Debug, Parser)]
#[command(
    name = "sprag",
    version,
    max_term_width = 100,
    after_help = "Examples:\n  sprag new mine --template diabetes\n  sprag run --project mine"
)]
pub struct Arguments {
    /// The project's folder [default: the nearest folder upwards with a sprag.toml].
    #[arg(long, global = true, value_name = "DIR", env = "SPRAG_PROJECT")]
    pub project: Option<PathBuf>,
    /// When to use colour.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new project.
    New(NewArgs),
    /// Check a project without running any plugin.
    Check(CheckArgs),
    /// Run a project's stages, from the data to a registered version.
    Run(RunArgs),
    /// Accept the components of a project, with their imports and grants, into sprag.lock.
    Lock(LockArgs),
    /// Give a stage another plugin, and show what that may do which the one before may not.
    Swap(SwapArgs),
    /// Publish the project as it stands: an immutable version of its pipeline.
    Publish(PublishArgs),
    /// List the published pipelines and what waits.
    Pipelines(PipelinesArgs),
    /// Run a published pipeline.
    Trigger(TriggerArgs),
    /// Write the pipeline of a CI system that runs the project.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Ci(CiArgs),
    /// Run published pipelines on request, by their triggers and in turn, behind an HTTP API.
    Server(ServerArgs),
    /// Make, list and take back the tokens of a server's users.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Token(TokenArgs),
    /// Show a server's audit log, or check that it is whole.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Audit(AuditArgs),
    /// Write a profile of the data, for later drift checks.
    Profile(ProfileArgs),
    /// List the runs of a project.
    Runs(RunsArgs),
    /// Show one run.
    Show(ShowArgs),
    /// Write a run as one HTML file, with its figures and plots.
    Report(ReportArgs),
    /// Compare two runs.
    Compare(CompareArgs),
    /// List the registered models.
    Models(ModelsArgs),
    /// Show a registered version or the history of an alias.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Model(ModelArgs),
    /// Package a registered version: an OCI image, and one component that answers HTTP.
    Package(PackageArgs),
    /// Take a registered version through staging and its approval to production.
    Release(ReleaseArgs),
    /// Go on with a release that waits, failed or was interrupted.
    Resume(ResumeArgs),
    /// Put a version back that passed its test in an environment.
    Rollback(RollbackArgs),
    /// List the releases, or show one with its steps.
    Releases(ReleasesArgs),
    /// Show what runs where, or the history of one environment.
    Environments(EnvironmentsArgs),
    /// Remove what a release deployed to an environment.
    Destroy(DestroyArgs),
    /// List what waits for approvers, with all that they need to know.
    Approvals(ApprovalsArgs),
    /// Approve what a release waits with, signed by your SSH key.
    #[command(
        after_help = "Examples:\n  sprag approve 20261124-1000 --reason \"metrics and drift look right\"\n  sprag approve --reason ok --output ada.json"
    )]
    Approve(WordArgs),
    /// Reject what a release waits with: it ends there.
    #[command(after_help = "Example:\n  sprag reject 20261124-1000 --reason \"too slow\"")]
    Reject(WordArgs),
    /// Make or show a key to approve with.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Key(KeyArgs),
    /// Score a file with a registered version.
    Score(ScoreArgs),
    /// Score the files that the project names under `[batch]`.
    Batch(BatchArgs),
    /// Answer scoring requests over HTTP with a registered version or a package.
    Serve(Box<ServeArgs>),
    /// Say how far the rows that a model sees have moved from those that it was trained on.
    Drift(DriftArgs),
    /// List or stop the scoring services that run on this machine.
    Services(ServicesArgs),
    /// Make, once, what the later stages need: a workspace, compute, a registry.
    Provision(ProvisionArgs),
    /// Confine this process and become another; started for a stage that runs a script.
    #[command(hide = true)]
    Confined {
        /// What to do, as JSON.
        #[arg(value_name = "SPEC")]
        spec: String,
    },
    /// Write, build, try and look at plugins.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Plugin(PluginArgs),
    /// List the built-in plugins.
    Plugins(PluginsArgs),
    /// Install the Python of the hermetic tier.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Python(PythonArgs),
    /// Say what the policies of a platform team allow and refuse.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Policy(PolicyArgs),
    /// Print the JSON Schema of a file or stream that sprag reads or writes.
    Schema(SchemaArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

/// Arguments of `sprag new`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag new mine --template diabetes\n  sprag new churn --data churn.csv --target churned")]
pub struct NewArgs {
    /// The folder to make; its name is the project's.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The project to begin with.
    #[arg(long, value_name = "NAME", conflicts_with = "data", required_unless_present = "data")]
    pub template: Option<Template>,
    /// A CSV or Parquet file to begin with: it is copied into the project.
    #[arg(long, value_name = "FILE", requires = "target")]
    pub data: Option<PathBuf>,
    /// The column of that file to predict: numbers give a regression, anything else a classification.
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub target: Option<String>,
}

/// The projects to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// Ridge regression on scikit-learn's diabetes data.
    Diabetes,
    /// Logistic regression on scikit-learn's breast cancer data.
    BreastCancer,
}

/// Arguments of `sprag check`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag check --locked")]
pub struct CheckArgs {
    /// Fail where the project differs from sprag.lock.
    #[arg(long)]
    pub locked: bool,
    /// Parameters in place of the project's, as STAGE.NAME=VALUE.
    #[arg(long = "param", value_name = "STAGE.NAME=VALUE")]
    pub params: Vec<String>,
    /// Print the plan as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag run\n  sprag run --param train.alpha=0.4\n  sprag run --locked --format json --junit tests.xml --summary summary.md"
)]
pub struct RunArgs {
    /// Print what would run, and run nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Fail where the project differs from sprag.lock.
    #[arg(long)]
    pub locked: bool,
    /// Do every stage's work, whatever the cache has.
    #[arg(long)]
    pub no_cache: bool,
    /// Fail at once where another run holds the project.
    #[arg(long)]
    pub no_wait: bool,
    /// Take a candidate that the gate would keep back, for this reason, which stays with the version. What blocks a run still does, and approvals are asked for all the same.
    #[arg(long, value_name = "REASON", env = "SPRAG_ACCEPT")]
    pub accept: Option<String>,
    /// Parameters in place of the project's, as STAGE.NAME=VALUE.
    #[arg(long = "param", value_name = "STAGE.NAME=VALUE")]
    pub params: Vec<String>,
    /// What to print: text for people, or one JSON event a line.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Write checks and test cases as JUnit XML to a file.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write a Markdown summary to a file.
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// Tell a CI system what came of it: annotations, outputs for later steps, its summary page.
    #[arg(long, value_name = "SYSTEM")]
    pub ci: Option<CiSystem>,
    /// Show the stages as they start, the plugins' log lines and every metric.
    #[arg(long, short)]
    pub verbose: bool,
    /// Release the version that the run registered: `sprag release` follows at once.
    #[arg(long, conflicts_with_all = ["dry_run"])]
    pub release: bool,
    /// With `--release`: approve with this key, where the rule lets its owner.
    #[arg(long, value_name = "KEYFILE", requires_all = ["release", "reason"])]
    pub approve_as: Option<PathBuf>,
    /// With `--approve-as`: why.
    #[arg(long, value_name = "TEXT", requires = "approve_as")]
    pub reason: Option<String>,
}

/// What `sprag run` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    Text,
    /// One JSON event a line.
    Json,
}

/// Arguments of `sprag lock`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag lock && git diff sprag.lock")]
pub struct LockArgs {
    /// Print what would change, and fail where anything would.
    #[arg(long)]
    pub check: bool,
}

/// Arguments of `sprag swap`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag swap train ./train-mine\n  sprag swap train oci://registry.example.com/team/train-x:1.2 --dry-run\n  sprag swap train train-ridge"
)]
pub struct SwapArgs {
    /// The stage that gets the plugin, by its name in sprag.lock, such as `train` or `staging.deploy`.
    #[arg(value_name = "STAGE")]
    pub stage: String,
    /// The plugin: a component file, the folder of a plugin's project (built if need be), `oci://` with a reference, or the name of a built-in plugin.
    #[arg(value_name = "PLUGIN")]
    pub plugin: String,
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Agree to rights that the plugin before does not have.
    #[arg(long)]
    pub yes: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag profile`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag profile -o profile.json")]
pub struct ProfileArgs {
    /// The file to write; standard output without it.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the file where it is there already.
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// Arguments of `sprag runs`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  sprag runs --limit 5 --json\n  sprag runs notify latest"
)]
pub struct RunsArgs {
    /// What to do; without it runs are listed.
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
    /// How many to list, newest first.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// The commands of `sprag runs`.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Tell everyone under `[run.notify]` how a run ended, as they are told when it ends: again, or because they are new. Who was told before is told the same.
    #[command(after_help = "Examples:\n  sprag runs notify latest\n  sprag runs notify --all")]
    Notify {
        /// The run: its id, an unambiguous part of it, or `latest`.
        #[arg(value_name = "RUN", required_unless_present = "all")]
        run: Option<String>,
        /// Every run that ended, oldest first.
        #[arg(long, conflicts_with = "run")]
        all: bool,
        /// Print the records as JSON, one a line.
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `sprag show`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag show latest\n  sprag show 20261122-1543 --json")]
pub struct ShowArgs {
    /// The run: its id, an unambiguous part of it, or `latest`.
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag compare`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag compare 20261122-1543 latest")]
pub struct CompareArgs {
    /// The first run.
    #[arg(value_name = "RUN")]
    pub first: String,
    /// The second run.
    #[arg(value_name = "RUN", default_value = "latest")]
    pub second: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag models`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag models --json")]
pub struct ModelsArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag model`.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// What to show.
    #[command(subcommand)]
    pub command: ModelCommand,
}

/// The commands of `sprag model`.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Show one version with its lineage.
    #[command(after_help = "Examples:\n  sprag model show diabetes@3\n  sprag model show diabetes@production --json")]
    Show {
        /// The version: NAME@NUMBER, NAME@ALIAS or NAME for the newest; @ALIAS or a number for the project's model.
        #[arg(value_name = "MODEL")]
        model: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show where an alias pointed, since when, by whom and why.
    #[command(after_help = "Example:\n  sprag model history production")]
    History {
        /// The alias; NAME@ALIAS for another model than the project's.
        #[arg(value_name = "ALIAS", default_value = "production")]
        alias: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `sprag plugins`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag plugins --json")]
pub struct PluginsArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag schema`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag schema project > sprag.schema.json")]
pub struct SchemaArgs {
    /// Which one.
    #[arg(value_name = "WHAT")]
    pub what: SchemaOf,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The project file, sprag.toml.
    Project,
    /// A run record, as `sprag show --json` prints it.
    Run,
    /// A registered version, as `sprag model show --json` prints it.
    Model,
    /// An event, as `sprag run --format json` prints one a line.
    Event,
    /// A release, as `sprag release --json` prints it.
    Release,
    /// What a `notify` or `approve` stage is handed.
    ReleaseEvent,
    /// What a `notify` stage under `[run.notify]` is handed.
    RunEvent,
    /// A package, as `sprag package --json` prints it.
    Package,
    /// An approval, as `sprag approve --output` writes it.
    Approval,
    /// The file that `sprag serve --canary` reads.
    Canary,
    /// The policy of a platform team, policy.toml.
    Policy,
    /// The file of `sprag server --oidc`.
    Oidc,
}

/// Arguments of `sprag completions`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag completions bash > /etc/bash_completion.d/sprag")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
