//! `sprag plugins`

use serde::Serialize;
use sprag_core::component::Component;
use sprag_core::contract;
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::PluginsArgs;
use crate::console::{BOLD, Console, DIM};
use crate::error::CommandError;

/// A built-in plugin.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct BuiltIn {
    name: &'static str,
    kind: &'static str,
    version: String,
    summary: String,
    digest: String,
    bytes: u64,
    imports: Vec<String>,
    params_schema: serde_json::Value,
}

/// Lists the built-in plugins.
///
/// # Errors
/// None today.
pub fn run(args: &PluginsArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let plugins: Vec<_> = sprag_builtin::PLUGINS.iter().map(built_in).collect();
    if args.json {
        console.json(&plugins);
        return Ok(exit_code::SUCCESS);
    }
    for plugin in plugins {
        let BuiltIn { name, kind, version, summary, .. } = plugin;
        console.line(&format!("{BOLD}{name:<24}{BOLD:#} {kind:<13} {version}  {DIM}{summary}{DIM:#}"));
    }
    Ok(exit_code::SUCCESS)
}

fn built_in((name, bytes, digest): &(&'static str, &'static [u8], sprag_core::digest::Digest)) -> BuiltIn {
    let component = Component::read_as(bytes, *digest).expect("a test reads every built-in plugin");
    let kind = contract::kinds_of(&component).first().map_or("", |kind| kind.name());
    let info = component.plugin.expect("a test reads every built-in plugin");
    BuiltIn {
        name,
        kind,
        version: info.version,
        summary: info.summary,
        digest: digest.to_string(),
        bytes: component.bytes,
        imports: component.imports,
        params_schema: info.params_schema,
    }
}
