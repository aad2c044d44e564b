//! Arguments of `sprag ci`, and the CI systems.

use clap::{Args, Subcommand, ValueEnum};
use sprag_ci::System;

/// Arguments of `sprag ci`.
#[derive(Debug, Args)]
pub struct CiArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CiCommand,
}

/// The commands of `sprag ci`.
#[derive(Debug, Subcommand)]
pub enum CiCommand {
    /// Write the pipeline: it checks each proposed change, trains and evaluates on the main branch, and releases through the system's own approval or sprag's.
    Init(CiInitArgs),
}

/// Arguments of `sprag ci init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag ci init github\n  sprag ci init azure-pipelines --branch trunk --print")]
pub struct CiInitArgs {
    /// The system.
    #[arg(value_name = "SYSTEM")]
    pub system: CiSystem,
    /// The branch whose commits are trained on.
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub branch: String,
    /// Print the file and write nothing.
    #[arg(long)]
    pub print: bool,
    /// Write over a file that is there.
    #[arg(long, conflicts_with = "print")]
    pub force: bool,
}

/// A CI system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CiSystem {
    /// GitHub Actions.
    Github,
    /// Azure Pipelines.
    AzurePipelines,
    /// GitLab CI.
    Gitlab,
    /// Jenkins.
    Jenkins,
    /// Travis CI.
    Travis,
}

impl From<CiSystem> for System {
    fn from(system: CiSystem) -> Self {
        match system {
            CiSystem::Github => Self::Github,
            CiSystem::AzurePipelines => Self::AzurePipelines,
            CiSystem::Gitlab => Self::Gitlab,
            CiSystem::Jenkins => Self::Jenkins,
            CiSystem::Travis => Self::Travis,
        }
    }
}
