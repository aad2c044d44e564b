//! The arguments of releases, approvals and keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What commands have in common that take a release onwards.
#[derive(Debug, Default, Args)]
pub struct DriveArgs {
    /// Approve with this key, where the release waits and the rule lets its owner.
    #[arg(long, value_name = "KEYFILE", requires = "reason")]
    pub approve_as: Option<PathBuf>,
    /// Why: why it is begun, why it is approved, why it is an emergency. It is kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Use an approval that `sprag approve --output` wrote; give it once for each file.
    #[arg(long = "approval", value_name = "FILE")]
    pub approvals: Vec<PathBuf>,
    /// The program for the image, where it is not this one.
    #[arg(long, value_name = "FILE")]
    pub server: Option<PathBuf>,
    /// Fail at once where another release is at work on the environment.
    #[arg(long)]
    pub no_wait: bool,
    /// Print the release as JSON.
    #[arg(long)]
    pub json: bool,
    /// Show what the stages say.
    #[arg(long, short)]
    pub verbose: bool,
    /// Tell a CI system how it stands: an annotation, and outputs for later steps.
    #[arg(long, value_name = "SYSTEM", conflicts_with = "json")]
    pub ci: Option<super::CiSystem>,
}

/// Arguments of `sprag release`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag release\n  sprag release diabetes@3 --to staging\n  sprag release --plan\n  sprag release --share 10\n  sprag release --approve-as ci_key --reason \"nightly\""
)]
pub struct ReleaseArgs {
    /// The version: NAME@NUMBER, NAME@ALIAS, @ALIAS or a number; without it the newest.
    #[arg(value_name = "MODEL")]
    pub model: Option<String>,
    /// The environment to end in [default: the last].
    #[arg(long, value_name = "ENVIRONMENT")]
    pub to: Option<String>,
    /// The percentage of the requests to the last environment that it gets, beside the version that is verified there; 1 to 99.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=99), conflicts_with = "plan")]
    pub share: Option<u32>,
    /// Print what would change, and change nothing.
    #[arg(long)]
    pub plan: bool,
    /// Fail where the project differs from sprag.lock.
    #[arg(long)]
    pub locked: bool,
    /// How it goes on.
    #[command(flatten)]
    pub drive: DriveArgs,
}

/// Arguments of `sprag resume`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag resume\n  sprag resume 20261124-1000 --approval ada.json")]
pub struct ResumeArgs {
    /// The release: its id, an unambiguous part of it, or `latest`.
    #[arg(value_name = "RELEASE", default_value = "latest")]
    pub release: String,
    /// How it goes on.
    #[command(flatten)]
    pub drive: DriveArgs,
}

/// Arguments of `sprag rollback`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag rollback production\n  sprag rollback production --to 2\n  sprag rollback production --emergency --reason \"wrong answers since noon\""
)]
pub struct RollbackArgs {
    /// The environment, or its alias.
    #[arg(value_name = "ENVIRONMENT")]
    pub place: String,
    /// The version to go back to [default: the one that passed its test there before].
    #[arg(long, value_name = "VERSION")]
    pub to: Option<u64>,
    /// Use the project's rule for emergencies instead of the usual approvals.
    #[arg(long, requires = "reason")]
    pub emergency: bool,
    /// How it goes on.
    #[command(flatten)]
    pub drive: DriveArgs,
}

/// Arguments of `sprag releases`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  sprag releases\n  sprag releases latest --json\n  sprag releases cancel 20261124-1000 --reason \"not needed any more\""
)]
pub struct ReleasesArgs {
    /// What to do; without it releases are shown.
    #[command(subcommand)]
    pub command: Option<ReleasesCommand>,
    /// One release to show with its steps: its id, an unambiguous part of it, or `latest`.
    #[arg(value_name = "RELEASE")]
    pub release: Option<String>,
    /// How many to list, newest first.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// The commands of `sprag releases`.
#[derive(Debug, Subcommand)]
pub enum ReleasesCommand {
    /// End a release for good that waits, failed or was interrupted. What it deployed stays as it is.
    #[command(after_help = "Example:\n  sprag releases cancel 20261124-1000 --reason \"not needed any more\"")]
    Cancel {
        /// The release: its id, an unambiguous part of it, or `latest`.
        #[arg(value_name = "RELEASE")]
        release: String,
        /// Why. It is kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Print the release as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `sprag environments`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag environments\n  sprag environments --live\n  sprag environments production --json")]
pub struct EnvironmentsArgs {
    /// One environment to show with its history.
    #[arg(value_name = "ENVIRONMENT")]
    pub environment: Option<String>,
    /// Ask each environment's deploy adapter what it sees there, and say where that differs from what was recorded.
    #[arg(long, conflicts_with = "environment")]
    pub live: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag destroy`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag destroy staging --reason \"the trial is over\" --yes")]
pub struct DestroyArgs {
    /// The environment, or its alias.
    #[arg(value_name = "ENVIRONMENT")]
    pub place: String,
    /// Why. It is kept in the environment's history.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Do it. Without this, what is there is shown and nothing is removed.
    #[arg(long)]
    pub yes: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Show what the stage says.
    #[arg(long, short)]
    pub verbose: bool,
}

/// Arguments of `sprag approvals`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag approvals --json")]
pub struct ApprovalsArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag approve` and `sprag reject`.
#[derive(Debug, Args)]
pub struct WordArgs {
    /// The release: its id, an unambiguous part of it, or `latest` [default: the one that waits].
    #[arg(value_name = "RELEASE")]
    pub release: Option<String>,
    /// The digest of the statement that you read; where another one waits by now, nothing is signed.
    #[arg(long, value_name = "DIGEST")]
    pub statement: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The private key [default: SPRAG_KEY, then that of `sprag key new`, then ~/.ssh/id_ed25519].
    #[arg(long, value_name = "KEYFILE")]
    pub key: Option<PathBuf>,
    /// Write the signed word to a file, for another machine, and leave the store as it is.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Go on with the release at once.
    #[arg(long, conflicts_with = "output")]
    pub resume: bool,
}

/// Arguments of `sprag key`.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// The commands of `sprag key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key to approve with, for those who have no SSH key.
    #[command(after_help = "Examples:\n  sprag key new --name ada@example.com\n  sprag key new --name ada@example.com --add")]
    New {
        /// Whose it is, as the file of approvers will name them [default: the user's name].
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// The file to write [default: sprag/key in the user's folder for settings].
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Add the line to the project's file of approvers.
        #[arg(long)]
        add: bool,
    },
    /// Print the line by which a file of approvers accepts a key.
    #[command(after_help = "Example:\n  sprag key show --name ada@example.com >> approvers")]
    Show {
        /// Whose it is [default: the key's comment, then the user's name].
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// The private key [default: SPRAG_KEY, then that of `sprag key new`, then ~/.ssh/id_ed25519].
        #[arg(long, value_name = "KEYFILE")]
        key: Option<PathBuf>,
    },
}
