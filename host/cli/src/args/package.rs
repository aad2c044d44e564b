//! Arguments of `sprag package`.

use std::path::PathBuf;

use clap::Args;
use sprag_package::registry::Reference;

/// Arguments of `sprag package`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag package\n  sprag package diabetes@3 --output diabetes.tar && podman load -i diabetes.tar\n  sprag package @production --component diabetes.wasm && wasmtime serve diabetes.wasm\n  sprag package --push registry.example.com/team/diabetes --json\n\nThe same version and the same program make the same package, to the byte. Credentials for a registry are those of `docker login`."
)]
pub struct PackageArgs {
    /// The version: NAME@NUMBER, NAME@ALIAS, @ALIAS or a number; without it the newest.
    #[arg(value_name = "MODEL")]
    pub model: Option<String>,
    /// Write the package as an OCI layout: as an archive where the name ends with `.tar`, else as a new folder.
    #[arg(long, short, value_name = "DIR|FILE.tar")]
    pub output: Option<PathBuf>,
    /// Write the model as one component to a file: it answers HTTP under any host of `wasi:http`.
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// Push the package to a repository of an OCI registry [default tag: the version's number].
    #[arg(long, value_name = "REGISTRY/REPOSITORY[:TAG]")]
    pub push: Option<Reference>,
    /// Talk to the registry without TLS. One on this machine is talked to so anyway.
    #[arg(long, requires = "push")]
    pub insecure_registry: bool,
    /// The program for the image, where it is not this one.
    #[arg(long, value_name = "FILE")]
    pub server: Option<PathBuf>,
    /// Fail where the project differs from sprag.lock.
    #[arg(long)]
    pub locked: bool,
    /// Print the package as JSON.
    #[arg(long)]
    pub json: bool,
    /// Show what the packager says.
    #[arg(long, short)]
    pub verbose: bool,
}
