//! The arguments of `sprag plugin`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use sprag_schemas::manifest::Kind;

/// Arguments of `sprag plugin`.
#[derive(Debug, Args)]
pub struct PluginArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PluginCommand,
}

/// The commands of `sprag plugin`.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Start a project for a plugin of your own: it builds, passes its tests and runs in a pipeline as it is.
    New(PluginNewArgs),
    /// Build the project of a plugin: makes build/plugin.wasm.
    Build(PluginBuildArgs),
    /// Build a plugin and run its stage again whenever a file is saved, until Ctrl-C.
    Dev(PluginDevArgs),
    /// Hold a component against what every plugin of its kind must do, and against cases of your own.
    Test(PluginTestArgs),
    /// Say who a plugin is and what it may do, from its binary alone.
    Inspect(PluginInspectArgs),
    /// Say whether a component fits a stage, without running it.
    Check(PluginCheckArgs),
    /// Publish a component to an OCI registry, and perhaps sign it.
    Publish(PluginPublishArgs),
    /// Get a plugin from an OCI registry into your cache, and perhaps into a file.
    Pull(PluginPullArgs),
    /// Give a stage a plugin of an OCI registry, pinned in sprag.lock to what its tag stands for now.
    Add(PluginAddArgs),
    /// Ask the registry again what the tags stand for, show what changed, and lock that.
    Update(PluginUpdateArgs),
    /// Write the plugins of the project that come from registries into its vendor folder.
    Vendor(PluginVendorArgs),
}

/// Arguments of `sprag plugin new`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag plugin new --stage train --lang rust train-mine\n  sprag plugin new --stage sanity-check --lang python check-mine"
)]
pub struct PluginNewArgs {
    /// The kind of stage. Rust has every kind; Python and JavaScript have `sanity-check`, `train`, `evaluate` and `notify`.
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::name)))]
    pub stage: String,
    /// The language.
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: Lang,
    /// The folder to make; its name becomes the plugin's: lower-case letters, digits and hyphens.
    #[arg(value_name = "NAME")]
    pub dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// The languages of `sprag plugin new`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Rust, built by cargo.
    Rust,
    /// Python, built by componentize-py.
    Python,
    /// JavaScript, built by componentize-js.
    Js,
}

/// Arguments of `sprag plugin build`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag plugin build\n  sprag plugin build train-mine --json")]
pub struct PluginBuildArgs {
    /// The folder of the plugin's project.
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag plugin dev`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag plugin dev train-mine --stage train --project diabetes")]
pub struct PluginDevArgs {
    /// The folder of the plugin's project.
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The stage of the pipeline that has the plugin, such as `train`. A stage of a release, such as `staging.deploy`, is only held against the project: nothing is deployed or sent.
    #[arg(long, value_name = "STAGE")]
    pub stage: String,
    /// Show the log of the stages.
    #[arg(long, short)]
    pub verbose: bool,
}

/// Arguments of `sprag plugin test`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag plugin test train-mine\n  sprag plugin test train-mine --case golden --case same-twice\n  sprag plugin test gate.wasm --params '{\"metric\": \"mse\"}' --junit report.xml\n  sprag plugin test train-ridge --list"
)]
pub struct PluginTestArgs {
    /// A component file, the folder of a plugin that was built, `oci://` with a reference, or the name of a built-in plugin.
    #[arg(value_name = "PLUGIN", default_value = ".")]
    pub plugin: String,
    /// Run this case alone; may be given more than once.
    #[arg(long = "case", value_name = "NAME")]
    pub only: Vec<String>,
    /// Leave this case out; may be given more than once.
    #[arg(long, value_name = "NAME")]
    pub skip: Vec<String>,
    /// A folder with cases of your own, each a folder with a `case.toml`; `cases` in the plugin's folder without it.
    #[arg(long, value_name = "DIR")]
    pub cases: Option<PathBuf>,
    /// The parameters, as JSON, of the cases that name none.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub params: String,
    /// The trainer beside a plugin that needs a model: a component file, a plugin's folder or a built-in plugin.
    #[arg(long, value_name = "PLUGIN", default_value = "train-ridge")]
    pub trainer: String,
    /// List the cases and run none.
    #[arg(long)]
    pub list: bool,
    /// Write the report as JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag plugin inspect`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag plugin inspect train-ridge\n  sprag plugin inspect train-mine/build/plugin.wasm --json"
)]
pub struct PluginInspectArgs {
    /// A component file, the folder of a plugin that was built, `oci://` with a reference, or the name of a built-in plugin.
    #[arg(value_name = "PLUGIN")]
    pub plugin: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag plugin check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag plugin check train-mine --stage train\n  sprag plugin check train-mine/build/plugin.wasm --json"
)]
pub struct PluginCheckArgs {
    /// A component file, the folder of a plugin that was built, `oci://` with a reference, or the name of a built-in plugin.
    #[arg(value_name = "PLUGIN")]
    pub plugin: String,
    /// The stage of the project that it must fit, with the stage's parameters and grants, such as `train` or `staging.deploy`; without it, the contract of its kind.
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag plugin publish`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag plugin publish train-x.wasm registry.example.com/team/train-x:1.2\n  sprag plugin publish train-x.wasm registry.example.com/team/train-x --sign"
)]
pub struct PluginPublishArgs {
    /// The component.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where to: HOST/REPOSITORY, perhaps with a tag; without one, the tag is the plugin's version.
    #[arg(value_name = "REFERENCE")]
    pub reference: String,
    /// Sign it with an SSH key (Ed25519): the file that is named, else the key that you approve with.
    #[arg(long, value_name = "KEYFILE", num_args = 0..=1)]
    pub sign: Option<Option<PathBuf>>,
    /// Move the tag where it stands for another component already.
    #[arg(long)]
    pub force: bool,
    /// Talk to a registry on another machine without TLS.
    #[arg(long)]
    pub insecure_registry: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag plugin pull`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag plugin pull registry.example.com/team/train-x:1.2\n  sprag plugin pull registry.example.com/team/train-x:1.2 --output train-x.wasm"
)]
pub struct PluginPullArgs {
    /// The plugin: HOST/REPOSITORY with a tag or `@sha256:...`.
    #[arg(value_name = "REFERENCE")]
    pub reference: String,
    /// Write the component to a file, with its signatures beside it.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Talk to a registry on another machine without TLS.
    #[arg(long)]
    pub insecure_registry: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag plugin add`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag plugin add train registry.example.com/team/train-x:1.2")]
pub struct PluginAddArgs {
    /// The stage that gets the plugin, by its name in sprag.lock, such as `train` or `staging.deploy`.
    #[arg(value_name = "STAGE")]
    pub stage: String,
    /// The plugin: HOST/REPOSITORY with a tag or `@sha256:...`.
    #[arg(value_name = "REFERENCE")]
    pub reference: String,
    /// Agree to rights that the plugin before does not have.
    #[arg(long)]
    pub yes: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag plugin update`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sprag plugin update --check\n  sprag plugin update train")]
pub struct PluginUpdateArgs {
    /// The stage whose tag is asked for again; all without it.
    #[arg(value_name = "STAGE")]
    pub stage: Option<String>,
    /// Print what would change, and fail where anything would.
    #[arg(long)]
    pub check: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sprag plugin vendor`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sprag plugin vendor && git add vendor sprag.lock")]
pub struct PluginVendorArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
