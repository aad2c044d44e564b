//! `sprag score`

use std::path::Path;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use sprag_batch::{BatchError, BatchJob, JobModel, Progress, RuntimeScorers};
use sprag_core::limits::Limits;
use sprag_data::{Kept, Source};
use sprag_lifecycle::Cancel;
use sprag_runtime::{Runtime, ScorerSettings, StageFailure};
use sprag_schemas::batch::{BatchFile, BatchSummary};
use sprag_schemas::exit_code::{self, ExitCode};

use crate::args::ScoreArgs;
use crate::console::{BOLD, Console, DIM, WARN};
use crate::error::CommandError;
use crate::report::number::short;

/// Scores a file with a registered version.
///
/// # Errors
/// The version, the input or the output will not do, too many rows are refused, or the scorer fails. No output is left then.
pub fn run(args: &ScoreArgs, project: Option<&Path>, console: &Console) -> Result<ExitCode, CommandError> {
    let store = Arc::new(super::open_store(project)?);
    let version = store.find_version(&super::full_name(&args.model, project)?)?;
    super::refuse_revoked(project, &version.model.scorer)?;
    let failed = |failure: StageFailure| BatchError::Scorer { model: version.version.to_string(), failure };
    let runtime = Runtime::new(super::run::code_dir().as_deref()).map_err(|error| CommandError::internal(error.to_string()))?;
    let source = sprag_lifecycle::open_version(&runtime, &store, &version)?;
    let settings = ScorerSettings { limits: Limits::default(), seed: 0 };
    let scorers = RuntimeScorers(runtime.scorer_factory(&source, &settings).map_err(failed)?);
    let (inputs, outputs) = scorers.signature().map_err(failed)?;
    let model = JobModel { name: version.version.to_string(), digest: source.digest, inputs, outputs };
    let cancel = Cancel::default();
    let waiting = super::run::tokio_runtime()?;
    {
        let _inside = waiting.enter();
        waiting.spawn(super::run::stop_on_signal(cancel.clone())?);
    }
    let job = job(args)?;
    let bar = console.is_live().then(bar);
    let observer = |progress: &Progress| {
        if let Some(bar) = &bar {
            tell(bar, progress);
        }
    };
    let done = job.run(&model, &&scorers, &observer, &cancel);
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let summary = done?;
    if let Some(reason) = &summary.restarted {
        console.note(&format!("{WARN}begun anew:{WARN:#} {reason}"));
    }
    if args.json {
        console.json(&summary);
    } else {
        lines(&summary).iter().for_each(|line| console.line(line));
    }
    Ok(exit_code::SUCCESS)
}

fn job(args: &ScoreArgs) -> Result<BatchJob, CommandError> {
    let mut input = Source::new(&args.input);
    if let Some(delimiter) = args.delimiter {
        // A character that is no ASCII byte is refused where the file is read, as any bad delimiter is.
        input.delimiter = u8::try_from(delimiter).unwrap_or(u8::MAX);
    }
    let kept = match args.columns.as_str() {
        "all" => Kept::All,
        "none" => Kept::Only(vec![]),
        names => Kept::Only(names.split(',').map(|name| name.trim().to_owned()).collect()),
    };
    Ok(BatchJob {
        rejects: args.rejects.clone(),
        tolerance: args.max_errors,
        kept,
        prefix: args.prefix.clone(),
        threads: args.threads.map(|threads| threads as usize),
        block_rows: args.batch_rows,
        replace: args.force,
        restart: args.restart,
        ..BatchJob::new(input, &args.output)
    })
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {msg}").expect("the template is fixed and good");
    bar.set_style(style);
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar
}

fn tell(bar: &ProgressBar, progress: &Progress) {
    let of = progress.total.map(|total| format!(" of {total}")).unwrap_or_default();
    let refused = if progress.refused > 0 { format!(", {} refused", progress.refused) } else { String::new() };
    bar.set_message(format!("{}{of} rows{refused}", progress.rows));
}

fn lines(summary: &BatchSummary) -> Vec<String> {
    let BatchSummary { model, input, output, rejects, seconds, rows_per_second, resumed_at, .. } = summary;
    let mut lines = vec![format!(
        "{BOLD}{}{BOLD:#} rows scored with {BOLD}{model}{BOLD:#} in {seconds:.1} s {DIM}({} rows/s){DIM:#}",
        output.rows,
        short(rows_per_second.round())
    )];
    let file = |what: &str, file: &BatchFile| format!("  {DIM}{what:<9}{DIM:#} {} {DIM}{}{DIM:#}", file.path, file.digest);
    lines.push(file("input", input));
    lines.push(file("output", output));
    if let Some(rejects) = rejects {
        lines.push(format!("{} {WARN}{} rows refused{WARN:#}", file("rejects", rejects), rejects.rows));
    }
    if let Some(row) = resumed_at {
        lines.push(format!("  {DIM}went on after row {row} of an earlier attempt{DIM:#}"));
    }
    lines
}

impl From<BatchError> for CommandError {
    fn from(error: BatchError) -> Self {
        let code = match &error {
            BatchError::Scorer { failure: StageFailure::Limit(_), .. } => exit_code::LIMIT,
            BatchError::Scorer { failure: StageFailure::Cancelled, .. } | BatchError::Cancelled => exit_code::CANCELLED,
            BatchError::Scorer { .. } => exit_code::PLUGIN_FAILED,
            BatchError::Busy { .. } => exit_code::BUSY,
            BatchError::Io { .. } => exit_code::INTERNAL,
            _ => exit_code::BAD_PROJECT,
        };
        Self { code, message: sprag_lifecycle::with_causes(&error), hints: error.hint().into_iter().collect() }
    }
}
