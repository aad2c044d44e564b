//! `sprag plugin vendor`

use std::path::Path;

use serde::Serialize;
use sprag_lifecycle::{Project, accept_lock};
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::PluginVendorArgs;
use crate::commands::{project_dir, surroundings, with_plugins};
use crate::console::{BOLD, Console};
use crate::error::CommandError;

/// What `--json` prints of each stage.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Vendored {
    stage: String,
    file: String,
}

/// Writes the plugins of the project that come from registries into its `vendor` folder.
///
/// # Errors
/// A plugin cannot be had, or a file cannot be written.
pub(super) fn run(args: &PluginVendorArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let dir = project_dir(project)?;
    let plugins = surroundings::plugins();
    let project = with_plugins(&plugins, |surroundings| Project::load(&dir, surroundings, &[]))?;
    // The pins of the lockfile are what leads to the files.
    accept_lock(&project, false)?;
    let written = sprag_plugins::vendor(&project, plugins.cache()?)?;
    let shown = |path: &Path| path.strip_prefix(&project.root).unwrap_or(path).display().to_string();
    let all: Vec<_> = written.iter().map(|(stage, path)| Vendored { stage: stage.clone(), file: shown(path) }).collect();
    if args.json {
        console.json(&all);
        return Ok(exit_code::SUCCESS);
    }
    if all.is_empty() {
        console.line("no stage has a plugin of a registry: there is nothing to vendor");
    }
    all.iter().for_each(|Vendored { stage, file }| console.line(&format!("{BOLD}{stage}{BOLD:#} {file}")));
    Ok(exit_code::SUCCESS)
}
