//! `sprag plugin publish`

use serde::Serialize;
use sprag_core::policy::PluginStatement;
use sprag_plugins::{Published, publish};
use sprag_schemas::exit_code::{self, ExitCode};

use super::registry::{open, reference};
use crate::args::PluginPublishArgs;
use crate::commands::{keys, run as running, surroundings};
use crate::console::{BOLD, Console, DIM};
use crate::error::CommandError;

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    reference: &'a str,
    tagged: &'a str,
    #[serde(flatten)]
    plugin: &'a PluginStatement,
    signed_by: Option<&'a str>,
}

/// Publishes a component.
///
/// # Errors
/// It is no plugin, the tag is taken, or the registry does not take it.
pub(super) fn run(args: &PluginPublishArgs, console: &Console) -> Result<ExitCode, CommandError> {
    let target = reference(&args.reference)?;
    if target.digest.is_some() {
        let message = format!("expected a repository to publish to, perhaps with a tag, found a digest: `{target}`");
        return Err(CommandError::user(message).hint("the digest is that of what is published; leave it out"));
    }
    let bytes = std::fs::read(&args.file).map_err(|error| CommandError::io("read", &args.file, &error))?;
    let key = args.sign.as_ref().map(|path| keys::find(path.as_ref())).transpose()?.map(|(key, _)| key);
    let (registry, plugins) = (open(&target, args.insecure_registry)?, surroundings::plugins());
    let work = publish(plugins.cache()?, &registry, &target, &bytes, key.as_ref(), args.force);
    let published = running::tokio_runtime()?.block_on(work)?;
    let Published { reference, tagged, component, statement, signed_by } = &published;
    if args.json {
        console.json(&Report { reference, tagged, plugin: statement, signed_by: signed_by.as_deref() });
        return Ok(exit_code::SUCCESS);
    }
    let PluginStatement { name, version, kinds, .. } = statement;
    console.line(&format!("{BOLD}{name} {version}{BOLD:#} published {DIM}{}{DIM:#}", kinds.join(", ")));
    let line = |what: &str, text: &str| console.line(&format!("  {DIM}{what:<9}{DIM:#} {text}"));
    line("tag", tagged);
    line("pinned", reference);
    line("component", &component.to_string());
    line("signed by", signed_by.as_deref().unwrap_or("nobody"));
    Ok(exit_code::SUCCESS)
}
