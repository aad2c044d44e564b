//! `sprag models`

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::ModelsArgs;
use crate::console::{BOLD, Console, DIM};
use crate::error::CommandError;

/// A registered model, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Model {
    name: String,
    versions: u64,
    latest: u64,
    aliases: BTreeMap<String, u64>,
}

/// Lists the registered models.
///
/// # Errors
/// There is no store, or it cannot be read.
pub fn run(args: &ModelsArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let models = super::open_store(project)?.models()?;
    let models = models.into_iter().map(|model| Model {
        name: model.name,
        versions: model.versions,
        latest: model.latest,
        aliases: model.aliases,
    });
    let models: Vec<_> = models.collect();
    if args.json {
        console.json(&models);
        return Ok(exit_code::SUCCESS);
    }
    if models.is_empty() {
        console.note("no model is registered yet");
    }
    for Model { name, versions, latest, aliases } in models {
        let aliases: Vec<_> = aliases.iter().map(|(alias, version)| format!("{alias} -> {version}")).collect();
        let versions =
            if versions == 1 { "1 version".to_owned() } else { format!("{versions} versions, the newest is {latest}") };
        console.line(&format!("{BOLD}{name}{BOLD:#}  {versions}  {DIM}{}{DIM:#}", aliases.join(", ")));
    }
    Ok(exit_code::SUCCESS)
}
