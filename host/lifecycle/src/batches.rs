//! Files that a project scores: `[batch]`, with each run and on demand.

use std::path::Path;
use std::sync::Arc;

use sprag_batch::{BatchError, BatchJob, JobModel, RuntimeScorers, Tolerance};
use sprag_core::limits::Limits;
use sprag_data::{Kept, Source};
use sprag_runtime::{Cancel, Runtime, ScorerSettings, StageFailure};
use sprag_schemas::batch::{Batch, BatchFailure, BatchRecord, BatchSummary, When};
use sprag_schemas::event::Event;
use sprag_schemas::record::{RunOutcome, RunRecord};
use sprag_store::{Store, StoreError};

use crate::error::with_causes;
use crate::lock::{accept_lock, take_lock};
use crate::origin::PendingOrigin;
use crate::policies::refuse_revoked;
use crate::run::{Observer, Run, RunOptions, new_run_id};
use crate::time::now;
use crate::{Project, RunError, exit_code, models};

/// Scores some of a project's files, as a run of its own without stages; all of them where none is named.
///
/// # Errors
/// The run could not begin or could not be recorded. That a file could not be scored is in the record.
pub async fn batch(
    project: &Project,
    names: &[String],
    options: &RunOptions,
    observer: Observer,
    cancel: Cancel,
) -> Result<RunRecord, RunError> {
    if let Some(unknown) = names.iter().find(|name| !project.manifest.batch.contains_key(*name)) {
        let known = project.manifest.batch.keys().cloned().collect();
        return Err(RunError::UnknownBatch { name: unknown.clone(), known });
    }
    accept_lock(project, options.locked)?;
    let origin = PendingOrigin::start(&project.home);
    let store = Arc::new(Store::open(&project.store_dir())?);
    let id = new_run_id(&store)?;
    let lock = take_lock(&store, &id, options, &observer, &cancel).await?;
    store.recover(&now(), &lock)?;
    let mut record = RunRecord {
        id: id.clone(),
        project: project.manifest.project.name.clone(),
        outcome: RunOutcome::Running,
        reason: String::new(),
        started_at: now(),
        finished_at: None,
        origin: Default::default(),
        seed: project.manifest.run.seed,
        data: None,
        stages: vec![],
        candidate: None,
        production: None,
        registered: None,
        batches: vec![],
        pipeline: None,
        trigger: None,
        tags: Default::default(),
        policies: project.policy_records(),
        traceparent: None,
    };
    observer(Event::RunStarted { run: id, project: record.project.clone(), stages: vec![] });
    store.start_run(&record)?;
    let runtime = Runtime::new(options.code_dir.as_deref())?;
    let jobs = Jobs { project, store: &store, runtime: &runtime, cancel: &cancel };
    let chosen = project.manifest.batch.keys().filter(|name| names.is_empty() || names.contains(name));
    (record.outcome, record.reason) = (RunOutcome::Succeeded, "all files were scored".to_owned());
    for name in chosen {
        let done = jobs.score(name).await;
        judge(&mut record, &done);
        observer(Event::BatchFinished { record: Box::new(done.clone()) });
        record.batches.push(done);
        store.update_run(&record, &[])?;
        if cancel.is_requested() {
            break;
        }
    }
    record.origin = origin.wait();
    record.finished_at = Some(now());
    store.finish_run(&record, &[])?;
    let code = exit_code(&record).code;
    observer(Event::RunFinished { outcome: record.outcome, exit_code: code, record: Box::new(record.clone()) });
    Ok(record)
}

/// Reads how a job ended: the run as a whole is no better. The first failure is the one that it is named for.
fn judge(record: &mut RunRecord, done: &BatchRecord) {
    let Some(error) = &done.error else { return };
    if record.outcome == RunOutcome::Error {
        return;
    }
    record.outcome = if error.kind == "cancelled" { RunOutcome::Cancelled } else { RunOutcome::Error };
    record.reason = format!("batch `{}` failed: {}", done.name, error.message);
}

impl Run<'_> {
    /// Scores the files that go with each run, once a run has ended well. With the version that is in production by then: it may be the one that was just
    /// registered, or the one that stayed.
    pub(crate) async fn batches(&mut self) -> Result<(), RunError> {
        let project = self.project;
        let due = project.manifest.batch.iter().filter(|(_, batch)| batch.when == When::Run).map(|(name, _)| name);
        for name in due {
            if !matches!(self.record.outcome, RunOutcome::Promoted | RunOutcome::Kept | RunOutcome::Succeeded) {
                break;
            }
            self.record_start()?;
            let (runtime, store, cancel) = (self.runtime()?.clone(), self.store.clone(), self.cancel.clone());
            let jobs = Jobs { project, store: &store, runtime: &runtime, cancel: &cancel };
            let done = jobs.score(name).await;
            judge(&mut self.record, &done);
            self.tell(Event::BatchFinished { record: Box::new(done.clone()) });
            self.record.batches.push(done);
        }
        Ok(())
    }
}

/// What scores the files of a project.
struct Jobs<'a> {
    project: &'a Project,
    store: &'a Arc<Store>,
    runtime: &'a Runtime,
    cancel: &'a Cancel,
}

/// Why a file was not scored.
#[derive(Debug, thiserror::Error)]
enum JobError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Model(#[from] RunError),
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("failed to start a thread of work")]
    Thread,
}

impl Jobs<'_> {
    async fn score(&self, name: &str) -> BatchRecord {
        let (summary, error) = match self.try_score(&self.project.manifest.batch[name]).await {
            Ok(summary) => (Some(summary), None),
            Err(error) => (None, Some(failure(&error))),
        };
        BatchRecord { name: name.to_owned(), summary, error }
    }

    async fn try_score(&self, batch: &Batch) -> Result<BatchSummary, JobError> {
        let version = self.store.find_version(&self.reference(batch))?;
        refuse_revoked(&self.project.policies, &version.model.scorer)?;
        let source = models::open_version(self.runtime, self.store, &version)?;
        let failed = |failure: StageFailure| BatchError::Scorer { model: version.version.to_string(), failure };
        let settings = ScorerSettings {
            limits: Limits::default().with(&self.project.manifest.limits),
            seed: self.project.manifest.run.seed,
        };
        let scorers = RuntimeScorers(self.runtime.scorer_factory(&source, &settings).map_err(failed)?);
        let (job, cancel) = (self.job(batch), self.cancel.clone());
        let (name, digest) = (version.version.to_string(), source.digest);
        let work = move || {
            let failed = |failure: StageFailure| BatchError::Scorer { model: name.clone(), failure };
            let (inputs, outputs) = scorers.signature().map_err(failed)?;
            job.run(&JobModel { name: name.clone(), digest, inputs, outputs }, &&scorers, &|_| {}, &cancel)
        };
        // On a thread that may block: the job waits for threads of its own.
        let done = tokio::task::spawn_blocking(work).await.map_err(|_| JobError::Thread)?;
        let summary = done?;
        Ok(BatchSummary {
            input: self.named(summary.input),
            output: self.named(summary.output),
            rejects: summary.rejects.map(|file| self.named(file)),
            ..summary
        })
    }

    /// The version that the project means.
    fn reference(&self, batch: &Batch) -> String {
        let model = self.project.manifest.model_name();
        match batch.model.as_deref() {
            None => format!("{model}@{}", self.project.manifest.champion_alias()),
            Some(alias) if alias.starts_with('@') => format!("{model}{alias}"),
            Some(named) => named.to_owned(),
        }
    }

    fn job(&self, batch: &Batch) -> BatchJob {
        let mut input = Source::new(self.project.home.join(&batch.input));
        if let Some(delimiter) = batch.delimiter {
            // A character that is no ASCII byte is refused where the file is read, as any bad delimiter is.
            input.delimiter = u8::try_from(delimiter).unwrap_or(u8::MAX);
        }
        let tolerance = batch.max_errors.as_ref().map(|most| most.as_str().parse::<Tolerance>());
        BatchJob {
            rejects: batch.rejects.as_ref().map(|path| self.project.home.join(path)),
            tolerance: tolerance.map_or_else(Tolerance::default, |most| most.expect("the project file takes no other text")),
            kept: batch.columns.clone().map_or(Kept::All, Kept::Only),
            prefix: batch.prefix.clone(),
            replace: true,
            ..BatchJob::new(input, self.project.home.join(&batch.output))
        }
    }

    /// A file by its path in the project, as the project file names it.
    fn named(&self, mut file: sprag_schemas::batch::BatchFile) -> sprag_schemas::batch::BatchFile {
        if let Ok(inside) = Path::new(&file.path).strip_prefix(&self.project.home) {
            file.path = inside.display().to_string();
        }
        file
    }
}

fn failure(error: &JobError) -> BatchFailure {
    let (kind, hint) = match error {
        JobError::Store(error) => (if error.is_usage() { "bad-batch" } else { "internal" }, error.hint()),
        JobError::Model(error) => ("internal", error.hints().into_iter().next()),
        JobError::Batch(error) => {
            let kind = match error {
                BatchError::Scorer { failure: StageFailure::Limit(_), .. } => "limit-hit",
                BatchError::Scorer { failure: StageFailure::Cancelled, .. } | BatchError::Cancelled => "cancelled",
                BatchError::Scorer { .. } => "plugin-failed",
                BatchError::Busy { .. } => "busy",
                BatchError::Io { .. } => "internal",
                _ => "bad-batch",
            };
            (kind, error.hint())
        }
        JobError::Thread => ("internal", None),
    };
    BatchFailure { kind: kind.to_owned(), message: with_causes(error), hint }
}
