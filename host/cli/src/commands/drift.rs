//! `sprag drift`

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use clap::Parser;
use sprag_core::drift::Sketch;
use sprag_data::Source;
use sprag_lifecycle::{
    BaselineError, DriftError, SeenBy, baseline, drift_of_file, drift_of_services, kept_baseline, with_causes,
};
use sprag_runtime::Runtime;
use sprag_schemas::drift::{DriftReport, DriftRole, DriftVerdict};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::record::ModelVersion;
use sprag_services::Folder;
use sprag_store::{Store, StoreError};

use crate::args::{Arguments, Command, DriftArgs};
use crate::console::{BAD, BOLD, Console, DIM, GOOD, WARN};
use crate::error::CommandError;
use crate::report::number::short;

/// Says how far the rows that a model sees have moved from those that it was trained on.
///
/// # Errors
/// There is no such version, its training rows are gone, or what is looked at cannot be read or has no rows.
pub fn run(args: &DriftArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = Arc::new(super::open_store(project)?);
    let version = version(args, project, &store)?;
    let training = training(project, &store, &version)?;
    let report = match &args.input {
        Some(path) => drift_of_file(&Source::new(path), &version, &training, args.threshold)?,
        None => {
            let by = SeenBy { days: args.days, service: args.service.clone() };
            let report = drift_of_services(&store, &version, &training, &by, args.threshold)?;
            if let (Some(service), 0) = (&args.service, report.rows) {
                known(service, project, &store)?;
            }
            report
        }
    };
    drop(store);
    if report.rows == 0 {
        // A script that looks for drift would take silence for a good sign. Where that is fine, the JSON says which of all errors it is.
        if args.json {
            console.json(&report);
        }
        return Err(nothing_seen(&report, args.service.as_deref()));
    }
    if args.json {
        console.json(&report);
    } else {
        lines(&report).iter().for_each(|line| console.line(line));
    }
    match (report.drifted, args.run) {
        (true, true) => retrain(project, console),
        (true, false) => Ok(exit_code::DRIFTED),
        (false, _) => Ok(exit_code::SUCCESS),
    }
}

/// The version that was asked for, or the one in production.
fn version(args: &DriftArgs, project: Option<&Path>, store: &Store) -> Result<ModelVersion, CommandError> {
    let text = match args.model.as_deref() {
        Some(named) => super::full_name(named, project)?,
        None => {
            let manifest = super::manifest(project)?;
            format!("{}@{}", manifest.model_name(), manifest.champion_alias())
        }
    };
    Ok(store.find_version(&text)?)
}

/// The sketch of the training rows: the one that is kept, else one that is made now.
fn training(project: Option<&Path>, store: &Arc<Store>, version: &ModelVersion) -> Result<Sketch, CommandError> {
    if let Some(kept) = kept_baseline(store, version)? {
        return Ok(kept);
    }
    let (root, manifest) = (super::project_dir(project)?, super::manifest(project)?);
    let runtime = Runtime::new(super::run::code_dir().as_deref()).map_err(|error| CommandError::internal(error.to_string()))?;
    Ok(super::run::tokio_runtime()?.block_on(baseline(&root, &manifest, store, &runtime, version))?)
}

/// Insists that there is such a service: one that runs, or one that has ever counted a row of any version. The name of those that are started by hand is always
/// known.
fn known(service: &str, project: Option<&Path>, store: &Store) -> Result<(), CommandError> {
    let folders = Folder::names(&super::project_dir(project)?.join(".sprag"));
    let mut names: BTreeSet<String> = folders.unwrap_or_default().into_iter().chain(["serve".to_owned()]).collect();
    names.extend(that_counted(store)?);
    if names.contains(service) {
        return Ok(());
    }
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    Err(CommandError::user(format!("expected a service of the project ({}), found `{service}`", names.join(", "))))
}

/// The services that counted rows of any version.
fn that_counted(store: &Store) -> Result<Vec<String>, StoreError> {
    let mut names = vec![];
    for model in store.models()? {
        for version in store.versions(&model.name)? {
            let digest = version.model.digest.parse().expect("the store reads back only records that it wrote");
            // A file of another version that cannot be read is no matter here.
            names.extend(store.drift().seen(&digest, "").unwrap_or_default().into_iter().map(|seen| seen.service));
        }
    }
    Ok(names)
}

/// There is nothing that anything could be said of.
fn nothing_seen(report: &DriftReport, service: Option<&str>) -> CommandError {
    let DriftReport { version, file, from, .. } = report;
    if let Some(file) = file {
        return CommandError::user(format!("expected rows in `{file}`, found none"));
    }
    let who = service.map_or_else(|| "services".to_owned(), |service| format!("the service `{service}`"));
    let since = from.as_ref().map(|from| format!(" since {from}")).unwrap_or_default();
    CommandError::user(format!("expected rows of {version} seen by {who}{since}, found none")).hint(
        "see that requests reach it: `sprag services`; `--days` looks further back; what is served with `--no-drift`, by a bundle or elsewhere is not counted here",
    )
}

/// Runs the project as `sprag run` does.
fn retrain(project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let asked = Arguments::try_parse_from(["sprag", "run"]);
    match asked.map(|arguments| arguments.command) {
        Ok(Command::Run(args)) => super::run::run(&args, project, console),
        _ => Err(CommandError::internal("expected `sprag run` to be a command without required arguments")),
    }
}

fn lines(report: &DriftReport) -> Vec<String> {
    let DriftReport { version, rows, training_rows, columns, .. } = report;
    let seen = match &report.file {
        Some(file) => format!("{rows} rows of {file}"),
        None => {
            let since = report.from.as_ref().map(|from| format!(" since {from}")).unwrap_or_default();
            format!("{rows} rows seen by {}{since}", report.services.join(", "))
        }
    };
    let mut lines =
        vec![format!("{BOLD}{version}{BOLD:#}: {seen}, held against {training_rows} rows of the training"), String::new()];
    let width = columns.iter().map(|column| column.column.chars().count()).max().unwrap_or(0).max(6);
    lines.push(format!("  {DIM}{:<width$}  {:<6}  {:>8}  {:>9}  verdict{DIM:#}", "column", "role", "psi", "by chance"));
    for column in columns {
        let role = match column.role {
            DriftRole::Input => "input",
            DriftRole::Output => "output",
        };
        let style = match column.verdict {
            DriftVerdict::TooFewRows => DIM,
            DriftVerdict::Stable => GOOD,
            DriftVerdict::Moved => WARN,
            DriftVerdict::Drifted => BAD,
        };
        let [psi, chance] = [column.psi, column.psi_by_chance].map(|value| format!("{value:.4}"));
        let (name, verdict) = (&column.column, column.verdict.name());
        let nulls = (column.nulls.now - column.nulls.then).abs();
        let nulls = if nulls >= 0.01 {
            format!("  {DIM}without a value: {} % -> {} %{DIM:#}", percent(column.nulls.then), percent(column.nulls.now))
        } else {
            String::new()
        };
        lines.push(format!("  {name:<width$}  {role:<6}  {psi:>8}  {chance:>9}  {style}{verdict}{style:#}{nulls}"));
    }
    let named = |verdict: DriftVerdict| {
        let names = columns.iter().filter(|column| column.verdict == verdict).map(|column| column.column.as_str());
        names.collect::<Vec<_>>()
    };
    let (drifted, unknown, threshold) = (named(DriftVerdict::Drifted), named(DriftVerdict::TooFewRows), short(report.threshold));
    lines.push(String::new());
    lines.push(match drifted.as_slice() {
        [] if unknown.len() == columns.len() => "too few rows to say anything".to_owned(),
        [] if unknown.is_empty() => format!("nothing has drifted as far as {threshold}"),
        [] => format!("nothing is known to have drifted as far as {threshold}; too few rows to say so of {}", unknown.join(", ")),
        drifted => format!("{BAD}drifted{BAD:#} as far as {threshold} or further: {}", drifted.join(", ")),
    });
    lines
}

fn percent(share: f64) -> String {
    short((share * 1000.0).round() / 10.0)
}

impl From<BaselineError> for CommandError {
    fn from(error: BaselineError) -> Self {
        let code = match &error {
            BaselineError::Store(_) => exit_code::INTERNAL,
            BaselineError::Scorer { .. } => exit_code::PLUGIN_FAILED,
            _ => exit_code::BAD_PROJECT,
        };
        Self { code, message: with_causes(&error), hints: error.hint().into_iter().collect() }
    }
}

impl From<DriftError> for CommandError {
    fn from(error: DriftError) -> Self {
        let code = match &error {
            DriftError::Store(_) => exit_code::INTERNAL,
            _ => exit_code::BAD_PROJECT,
        };
        Self { code, message: with_causes(&error), hints: error.hint().into_iter().collect() }
    }
}
