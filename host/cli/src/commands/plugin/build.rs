//! `sprag plugin build`

use serde::Serialize;
use sprag_authoring::build;
use sprag_schemas::exit_code::{self, ExitCode};

use super::inspect::size;
use super::subject::Subject;
use crate::args::PluginBuildArgs;
use crate::console::Console;
use crate::error::CommandError;

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    plugin: String,
    language: &'static str,
    component: String,
    digest: String,
    bytes: u64,
    built: bool,
}

/// Builds the project of a plugin.
///
/// # Errors
/// There is none, a tool is missing, or it does not build.
pub(super) fn run(args: &PluginBuildArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let built = build(&args.dir, &|| false)?;
    let subject = Subject::read(&built.component)?;
    let component = &subject.component;
    let path = built.component.display().to_string();
    if args.json {
        console.json(&Report {
            plugin: subject.title(),
            language: built.language.name(),
            component: path,
            digest: component.digest.to_string(),
            bytes: component.bytes,
            built: built.is_new,
        });
        return Ok(exit_code::SUCCESS);
    }
    let title = subject.title();
    console.line(&match built.is_new {
        true => format!("built {title}: `{path}`, {}", size(component.bytes)),
        false => format!("nothing changed: `{path}` is {title} as it was built"),
    });
    Ok(exit_code::SUCCESS)
}
