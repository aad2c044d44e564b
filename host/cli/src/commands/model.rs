//! `sprag model show` and `sprag model history`

use std::path::Path;

use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::record::{AliasEntry, ModelVersion};

use crate::args::{ModelArgs, ModelCommand};
use crate::console::{BOLD, Console, DIM};
use crate::error::CommandError;
use crate::report::number::short;

/// Shows a version or an alias's history.
///
/// # Errors
/// There is no such version or alias.
pub fn run(args: &ModelArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    match &args.command {
        ModelCommand::Show { model, json } => {
            let version = super::open_store(project)?.find_version(&super::full_name(model, project)?)?;
            if *json {
                console.json(&version);
            } else {
                lines(&version).iter().for_each(|line| console.line(line));
            }
        }
        ModelCommand::History { alias, json } => {
            let (name, alias) = match alias.split_once('@') {
                Some((name, alias)) => (name.to_owned(), alias),
                None => (super::load(project, &[])?.manifest.model_name().to_owned(), alias.as_str()),
            };
            let history = super::open_store(project)?.alias_history(&name, alias)?;
            if *json {
                console.json(&history);
            } else if history.is_empty() {
                return Err(CommandError::user(format!("expected a history of `{name}@{alias}`, found none"))
                    .hint("`sprag models` lists the models with their aliases"));
            } else {
                history.iter().for_each(|entry| console.line(&entry_line(entry)));
            }
        }
    }
    Ok(exit_code::SUCCESS)
}

fn entry_line(entry: &AliasEntry) -> String {
    let run = entry.run_id.as_ref().map(|run| format!(" in run {run}")).unwrap_or_default();
    format!("{}  {BOLD}{}@{}{BOLD:#}  by {}{run}  {DIM}{}{DIM:#}", entry.at, entry.name, entry.version, entry.by, entry.reason)
}

fn lines(version: &ModelVersion) -> Vec<String> {
    let mut lines = vec![format!("{BOLD}{}{BOLD:#}", version.version)];
    let mut row = |name: &str, value: String| lines.push(format!("  {DIM}{name:<11}{DIM:#} {value}"));
    let lineage = &version.lineage;
    row("model", version.model.digest.clone());
    row("scorer", version.model.scorer.clone());
    row("state", format!("{} ({}, {} bytes)", version.model.state, version.model.media_type, version.model.state_bytes));
    row("registered", format!("{} by {}", version.created_at, lineage.origin.by));
    row("run", lineage.run_id.clone());
    if lineage.trained_in != lineage.run_id {
        row("trained in", lineage.trained_in.clone());
    }
    row("data", format!("{} {}", lineage.data.path, lineage.data.file_digest));
    if let Some(commit) = &lineage.origin.git_commit {
        row("commit", format!("{commit}{}", if lineage.origin.git_dirty == Some(true) { " and changes" } else { "" }));
    }
    if let Some(build) = &lineage.origin.build_id {
        row("build", format!("{build} {}", lineage.origin.build_uri.as_deref().unwrap_or_default()));
    }
    if let Some(decision) = &lineage.decision {
        row("decision", decision.reason.clone());
    }
    for (name, value) in &version.tags {
        row("tag", format!("{name}={value}"));
    }
    for (stage, plugin) in &lineage.components {
        let params = lineage.params.get(stage).into_iter().flatten();
        let params: String = params.map(|(name, value)| format!(" {name}={value}")).collect();
        row(stage, format!("{} {} {}{params}", plugin.name, plugin.version, plugin.digest));
    }
    let names = |fields: &[sprag_schemas::record::ModelField]| {
        fields.iter().map(|field| format!("{}: {}", field.name, field.dtype)).collect::<Vec<_>>().join(", ")
    };
    row("inputs", names(&version.model.inputs));
    row("outputs", names(&version.model.outputs));
    for (name, value) in &version.metrics {
        lines.push(format!("  {name:<30} {:>14}", short(*value)));
    }
    lines
}
