//! `sprag plugin add`

use std::path::Path;

use sprag_core::entries::entries;
use sprag_lifecycle::Project;
use sprag_schemas::exit_code::ExitCode;
use sprag_schemas::manifest::value_span;

use super::registry::reference;
use super::update::accepted;
use crate::args::PluginAddArgs;
use crate::commands::{manifest, project_dir, surroundings, with_plugins};
use crate::console::Console;
use crate::error::CommandError;

/// Gives a stage a plugin of a registry, and locks what its reference stands for. Where that cannot be had, does not fit or is refused, the project file is as it was.
///
/// # Errors
/// There is no such stage, or the plugin will not do.
pub(super) fn run(args: &PluginAddArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let plugin = format!("oci://{}", reference(&args.reference)?);
    let (dir, manifest) = (project_dir(project)?, manifest(project)?);
    let path = dir.join("sprag.toml");
    let before = std::fs::read_to_string(&path).map_err(|error| CommandError::io("read", &path, &error))?;
    let all = entries(&manifest);
    let known = || all.iter().map(|entry| format!("`{}`", entry.name)).collect::<Vec<_>>().join(", ");
    let entry = all
        .iter()
        .find(|entry| entry.name == args.stage)
        .ok_or_else(|| CommandError::user(format!("expected a stage of the project ({}), found `{}`", known(), args.stage)))?;
    let keys: Vec<_> = entry.path.iter().copied().chain(["plugin"]).collect();
    let span = value_span(&before, &keys).ok_or_else(|| {
        CommandError::user(format!("expected `plugin` of the stage `{}` in the project file, found none", args.stage))
    })?;
    let mut after = before.clone();
    after.replace_range(span, &format!("\"{plugin}\""));
    let write = |text: &str| std::fs::write(&path, text).map_err(|error| CommandError::io("write", &path, &error));
    write(&after)?;
    let stage = args.stage.clone();
    let wanted = plugin.trim_start_matches("oci://").to_owned();
    let fresh = surroundings::plugins().resolving(move |text| text == wanted);
    let loaded = with_plugins(&fresh, |surroundings| Project::load(&dir, surroundings, &[]));
    match loaded.map_err(CommandError::from).and_then(|project| accepted(&project, Some(&stage), args.json, console)) {
        Ok(code) => Ok(code),
        Err(error) => {
            write(&before)?;
            Err(error)
        }
    }
}
