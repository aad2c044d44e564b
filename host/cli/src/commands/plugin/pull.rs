//! `sprag plugin pull`

use serde::Serialize;
use sprag_plugins::fetch;
use sprag_schemas::exit_code::{self, ExitCode};

use super::registry::{open, reference};
use crate::args::PluginPullArgs;
use crate::commands::{run as running, surroundings};
use crate::console::{BOLD, Console, DIM};
use crate::error::CommandError;

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    reference: String,
    manifest: String,
    component: String,
    signatures: usize,
}

/// Pulls a plugin into the user's cache, and perhaps into a file.
///
/// # Errors
/// The registry does not have it, what it has is no plugin, or the file cannot be written.
pub(super) fn run(args: &PluginPullArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let wanted = reference(&args.reference)?;
    let (registry, plugins) = (open(&wanted, args.insecure_registry)?, surroundings::plugins());
    let cache = plugins.cache()?;
    let fetched = running::tokio_runtime()?.block_on(fetch(cache, &registry, &wanted))?;
    if let Some(path) = &args.output {
        cache.export(&fetched.component, path)?;
    }
    let report = Report {
        reference: format!("{}@{}", wanted.name(), fetched.manifest),
        manifest: fetched.manifest.to_string(),
        component: fetched.component.to_string(),
        signatures: fetched.signatures,
    };
    if args.json {
        console.json(&report);
        return Ok(exit_code::SUCCESS);
    }
    console.line(&format!("{BOLD}{wanted}{BOLD:#}"));
    let line = |what: &str, text: &str| console.line(&format!("  {DIM}{what:<10}{DIM:#} {text}"));
    line("pinned", &report.reference);
    line("component", &report.component);
    line("signatures", &report.signatures.to_string());
    if let Some(path) = &args.output {
        line("written", &path.display().to_string());
    }
    Ok(exit_code::SUCCESS)
}
