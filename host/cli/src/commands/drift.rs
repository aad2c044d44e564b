//! `sprag drift`

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
use sprag_store::Store;

use crate::args::{Arguments, Command, DriftArgs};
use crate::console::{BAD, BOLD, Console, DIM, GOOD, WARN};
use crate::error::CommandError;
use crate::report::number::short;

/// Says how far the rows that a model sees have moved from those that it was trained on.
///
/// # Errors
/// There is no such version, its training rows are gone, or what is looked at cannot be read.
pub fn run(args: &DriftArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = Arc::new(super::open_store(project)?);
    let version = version(args, project, &store)?;
    let training = training(project, &store, &version)?;
    let report = match &args.input {
        Some(path) => drift_of_file(&Source::new(path), &version, &training, args.threshold)?,
        None => {
            let by = SeenBy { days: args.days, service: args.service.clone() };
            drift_of_services(&store, &version, &training, &by, args.threshold)?
        }
    };
    drop(store);
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
        Some(named) if !named.starts_with('@') => named.to_owned(),
        other => {
            let manifest = super::manifest(project)?;
            let alias = other.map_or(manifest.champion_alias(), |alias| &alias[1..]);
            format!("{}@{alias}", manifest.model_name())
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
    let seen = match (&report.file, &report.from, report.services.as_slice()) {
        (Some(file), _, _) => format!("{rows} rows of {file}"),
        (None, Some(from), []) => format!("no rows seen by services since {from}"),
        (None, from, services) => {
            let since = from.as_ref().map(|from| format!(" since {from}")).unwrap_or_default();
            format!("{rows} rows seen by {}{since}", services.join(", "))
        }
    };
    let mut lines =
        vec![format!("{BOLD}{version}{BOLD:#}: {seen}, held against {training_rows} rows of the training"), String::new()];
    if *rows == 0 {
        lines.push("too few rows to say anything".to_owned());
        return lines;
    }
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
    let drifted: Vec<_> =
        columns.iter().filter(|column| column.verdict == DriftVerdict::Drifted).map(|column| column.column.as_str()).collect();
    lines.push(String::new());
    lines.push(match drifted.as_slice() {
        [] if columns.iter().all(|column| column.verdict == DriftVerdict::TooFewRows) => {
            "too few rows to say anything".to_owned()
        }
        [] => format!("nothing has drifted as far as {}", short(report.threshold)),
        drifted => format!("{BAD}drifted{BAD:#} as far as {} or further: {}", short(report.threshold), drifted.join(", ")),
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
