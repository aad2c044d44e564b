//! What a run would do: `--dry-run` and `check --json`.

use serde::Serialize;
use sprag_lifecycle::StagePreview;
use sprag_schemas::batch::{Batch, When};
use sprag_schemas::manifest::Manifest;

use crate::console::{BOLD, DIM, GOOD};

/// One stage of a plan, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct PlannedStage<'a> {
    name: &'a str,
    kind: &'static str,
    plugin: String,
    plugin_name: &'a str,
    plugin_version: &'a str,
    digest: String,
    imports: &'a [String],
    grants: Vec<String>,
    limits: Vec<String>,
    params: &'a serde_json::Map<String, serde_json::Value>,
    cached_from: Option<&'a str>,
    depends_on: Option<&'a str>,
}

/// The plan as JSON.
pub(crate) fn json<'a>(previews: &'a [StagePreview<'a>]) -> Vec<PlannedStage<'a>> {
    previews
        .iter()
        .map(|preview| PlannedStage {
            name: &preview.stage.name,
            kind: preview.stage.kind.name(),
            plugin: preview.stage.plugin.to_string(),
            plugin_name: &preview.stage.info.name,
            plugin_version: &preview.stage.info.version,
            digest: preview.stage.component.digest.to_string(),
            imports: &preview.stage.component.imports,
            grants: preview.stage.grant_lines(),
            limits: preview.stage.limits.lines(!preview.stage.environments.is_empty()),
            params: &preview.stage.params,
            cached_from: preview.cached_from.as_deref(),
            depends_on: preview.depends_on.as_deref(),
        })
        .collect()
}

/// The files that a run would score at its end, as lines of text.
pub(crate) fn batches(manifest: &Manifest) -> Vec<String> {
    let due = manifest.batch.iter().filter(|(_, batch)| batch.when == When::Run);
    let line = |(name, batch): (&String, &Batch)| {
        let model = batch.model.clone().unwrap_or_else(|| format!("@{}", manifest.champion_alias()));
        format!("{BOLD}{name}{BOLD:#}  {DIM}batch with {model}{DIM:#}  {} -> {}", batch.input, batch.output)
    };
    due.map(line).collect()
}

/// The plan as lines of text.
pub(crate) fn text(previews: &[StagePreview<'_>]) -> Vec<String> {
    let mut lines = vec![];
    for StagePreview { stage, cached_from, depends_on } in previews {
        let would = match (cached_from, depends_on) {
            (Some(run), _) => format!("{GOOD}cached{GOOD:#} from run {run}"),
            (None, Some(earlier)) => format!("depends on `{earlier}`"),
            (None, None) => "would run".to_owned(),
        };
        lines.push(format!("{BOLD}{}{BOLD:#}  {would}", stage.name));
        let mut row = |name: &str, text: String| lines.push(format!("  {DIM}{name:<8}{DIM:#} {text}"));
        row("plugin", format!("{} {} @ {}", stage.plugin, stage.info.version, stage.component.digest));
        row("imports", list(&own_imports(&stage.component.imports)));
        row("grants", list(&stage.grant_lines()));
        row("limits", stage.limits.lines(!stage.environments.is_empty()).join(", "));
        if !stage.params.is_empty() {
            let params: Vec<_> = stage.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
            row("params", params.join(", "));
        }
    }
    lines
}

/// The imports with those of WASI, which the host serves inert, counted instead of listed.
fn own_imports(imports: &[String]) -> Vec<String> {
    let (wasi, mut own): (Vec<_>, Vec<_>) = imports.iter().cloned().partition(|name| name.starts_with("wasi:"));
    if !wasi.is_empty() {
        own.push(format!("{} of WASI, inert", wasi.len()));
    }
    own
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
