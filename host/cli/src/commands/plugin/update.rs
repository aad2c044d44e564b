//! `sprag plugin update`

use std::path::Path;

use serde::Serialize;
use sprag_core::lock::lockfile;
use sprag_core::plan::PluginRef;
use sprag_lifecycle::{LockStatus, Project, lock_status, read_lock, write_lock};
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::PluginUpdateArgs;
use crate::commands::{project_dir, surroundings, with_plugins};
use crate::console::{BOLD, Console, DIM, WARN};
use crate::error::CommandError;

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    /// The plugins whose pins changed.
    plugins: Vec<Moved>,
    /// Rights that components have now and had not before.
    more_rights: Vec<String>,
    /// All other differences.
    changed: Vec<String>,
}

/// One plugin before and after.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Moved {
    stage: String,
    plugin: String,
    version: String,
    manifest: String,
    component: String,
    before: Option<Before>,
}

/// What was locked before.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Before {
    version: String,
    manifest: Option<String>,
    component: String,
}

/// Asks the registries again what the tags stand for, and locks that.
///
/// # Errors
/// There is no such stage, a registry does not answer, or what it has now will not do.
pub(super) fn run(args: &PluginUpdateArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let dir = project_dir(project)?;
    let now = with_plugins(&surroundings::plugins(), |surroundings| Project::load_unjudged(&dir, surroundings))?;
    let of_registry = now.plan.all().filter(|stage| matches!(stage.plugin, PluginRef::Registry(_)));
    let known: Vec<_> = of_registry.map(|stage| (stage.name.clone(), stage.plugin.to_string())).collect();
    if let Some(stage) = args.stage.as_ref().filter(|stage| !known.iter().any(|(name, _)| name == *stage)) {
        let known = known.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "none".to_owned() } else { known };
        return Err(CommandError::user(format!("expected a stage with a plugin of a registry ({known}), found `{stage}`")));
    }
    let wanted: Vec<_> = known
        .into_iter()
        .filter(|(name, _)| args.stage.as_ref().is_none_or(|stage| stage == name))
        .map(|(_, plugin)| plugin.trim_start_matches("oci://").to_owned())
        .collect();
    let fresh = surroundings::plugins().resolving(move |text| wanted.iter().any(|wanted| wanted == text));
    let project = with_plugins(&fresh, |surroundings| Project::load(&dir, surroundings, &[]))?;
    if args.check {
        let report = report(&project)?;
        let is_current = report.plugins.is_empty() && report.more_rights.is_empty() && report.changed.is_empty();
        show(&report, args.json, console);
        return Ok(if is_current { exit_code::SUCCESS } else { exit_code::REFUSED });
    }
    accepted(&project, args.stage.as_deref(), args.json, console)
}

/// Locks a project as it stands, and shows what changed by that. Rights that other stages than the one that was asked about have more of are not accepted by the way.
pub(super) fn accepted(project: &Project, stage: Option<&str>, json: bool, console: &Console) -> Result<ExitCode, CommandError> {
    let report = report(project)?;
    if let Some(stage) = stage
        && let Some(other) = report.more_rights.iter().find(|line| !line.starts_with(&format!("stage `{stage}`")))
    {
        let error = CommandError {
            code: exit_code::REFUSED,
            ..CommandError::user(format!("another stage has more rights than `sprag.lock` accepts\n  {other}"))
        };
        return Err(error.hint("look at what each component may do, then accept it with `sprag lock`"));
    }
    write_lock(project)?;
    show(&report, json, console);
    Ok(exit_code::SUCCESS)
}

fn report(project: &Project) -> Result<Report, CommandError> {
    let before = read_lock(&project.root)?;
    let now = lockfile(&project.plan, &project.manifests);
    let plugins = now.stages.into_iter().filter_map(|stage| {
        let manifest = stage.manifest?;
        let before = before.as_ref().and_then(|before| before.stage(&stage.name));
        if before.is_some_and(|before| before.manifest.as_ref() == Some(&manifest) && before.digest == stage.digest) {
            return None;
        }
        let before = before.map(|before| Before {
            version: before.version.clone(),
            manifest: before.manifest.clone(),
            component: before.digest.clone(),
        });
        Some(Moved { stage: stage.name, plugin: stage.plugin, version: stage.version, manifest, component: stage.digest, before })
    });
    let (more_rights, changed) = match lock_status(project)? {
        LockStatus::Current | LockStatus::Missing => (vec![], vec![]),
        LockStatus::Differs(diff) => (diff.widened, diff.changed),
    };
    Ok(Report { plugins: plugins.collect(), more_rights, changed })
}

fn show(report: &Report, json: bool, console: &Console) {
    if json {
        console.json(report);
        return;
    }
    if report.plugins.is_empty() && report.more_rights.is_empty() && report.changed.is_empty() {
        console.line("every tag stands for what sprag.lock has");
    }
    for Moved { stage, plugin, version, manifest, component, before } in &report.plugins {
        console.line(&format!("{BOLD}{stage}{BOLD:#} {plugin} {version}"));
        let line = |what: &str, was: Option<&str>, now: &str| {
            let was = was.filter(|was| *was != now).map(|was| format!("{was} -> ")).unwrap_or_default();
            console.line(&format!("  {DIM}{what:<9}{DIM:#} {was}{now}"));
        };
        line("manifest", before.as_ref().and_then(|before| before.manifest.as_deref()), manifest);
        line("component", before.as_ref().map(|before| before.component.as_str()), component);
    }
    for line in &report.more_rights {
        console.line(&format!("{WARN}more rights:{WARN:#} {line}"));
    }
    report.changed.iter().for_each(|line| console.line(line));
}
