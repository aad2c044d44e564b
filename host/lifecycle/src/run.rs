//! One run of a project: each stage from the cache or by its component, in order, until one says stop.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use sprag_core::digest::Digest;
use sprag_core::plan::PlannedStage;
use sprag_python::Machine;
use sprag_runtime::{Cancel, Runtime};
use sprag_schemas::event::Event;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::manifest::Kind;
use sprag_schemas::pipeline::{PipelineRef, TriggerRecord};
use sprag_schemas::record::{
    Decision, DecisionOutcome, Metric, ModelVersion, RunOutcome, RunRecord, StageRecord, StageReport, StageStatus,
};
use sprag_store::{CacheEntry, Store};

use crate::RunError;
use crate::data::{self, DataDigests, Tables};
use crate::error::with_causes;
use crate::keys::{self, KeyContext};
use crate::lock::{accept_lock, take_lock};
use crate::origin::PendingOrigin;
use crate::project::Project;
use crate::records::{executed_record, from_cache, skipped};
use crate::tell::{Ended, Reach, Telling};
use crate::time::now;

/// Hears what happens in a run.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

/// How to run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Fail where the project differs from its lockfile, instead of writing it.
    pub locked: bool,
    /// Do every stage's work, whatever the cache has.
    pub no_cache: bool,
    /// Fail where another run holds the project, instead of waiting.
    pub no_wait: bool,
    /// Where compiled code is kept between processes.
    pub code_dir: Option<PathBuf>,
    /// How this program runs scripts on this machine; without it, a stage that asks for one fails.
    pub machine: Option<Machine>,
    /// The last stage that runs; those after it are skipped. All run where it is none.
    pub until: Option<String>,
    /// Why a candidate is taken that the gate would keep back; none where the gate decides.
    pub accept: Option<String>,
    /// How a stage gets the network that it is granted; without it no stage of a run has any.
    pub reach: Option<Reach>,
    /// What is done with the record when the run ended.
    pub ended: Option<Ended>,
    /// The span that the run is part of, as W3C Trace Context writes it (`traceparent`).
    pub traceparent: Option<String>,
    /// The request that the run is for, where there is one.
    pub requested: Option<Requested>,
}

/// What a run is for that was requested of a published pipeline.
#[derive(Debug, Clone)]
pub struct Requested {
    /// The id that the run gets.
    pub run: String,
    /// The version of the pipeline.
    pub pipeline: PipelineRef,
    /// What asked for it.
    pub trigger: TriggerRecord,
    /// Words to find it by.
    pub tags: BTreeMap<String, String>,
}

/// A run under way.
pub(crate) struct Run<'a> {
    pub(crate) project: &'a Project,
    pub(crate) store: Arc<Store>,
    pub(crate) observer: Observer,
    pub(crate) cancel: Cancel,
    pub(crate) record: RunRecord,
    pub(crate) production: Option<ModelVersion>,
    pub(crate) decision: Option<Decision>,
    pub(crate) options: &'a RunOptions,
    data: DataDigests,
    tables: Option<Tables>,
    runtime: Option<Runtime>,
    origin: Option<PendingOrigin>,
    /// The run that did the training.
    pub(crate) trained_in: String,
    is_recorded: bool,
}

/// Runs a project.
///
/// The record that comes back is in the store, and says how the run ended; see [`exit_code()`].
///
/// # Errors
/// The run could not begin, or could not be recorded.
pub async fn run(project: &Project, options: &RunOptions, observer: Observer, cancel: Cancel) -> Result<RunRecord, RunError> {
    accept_lock(project, options.locked)?;
    let origin = PendingOrigin::start(&project.home);
    let store = Arc::new(Store::open(&project.store_dir())?);
    let id = match &options.requested {
        Some(requested) => requested.run.clone(),
        None => new_run_id(&store)?,
    };
    let lock = take_lock(&store, &id, options, &observer, &cancel).await?;
    store.recover(&now(), &lock)?;
    let data = data::digests(&project.home, &project.manifest, Some(&store))?;
    let production = champion(project, &store)?;
    let requested = options.requested.as_ref().and_then(|requested| requested.trigger.traceparent.as_ref());
    let traceparent = requested.or(options.traceparent.as_ref());
    let record = RunRecord {
        id: id.clone(),
        project: project.manifest.project.name.clone(),
        outcome: RunOutcome::Running,
        reason: String::new(),
        started_at: now(),
        finished_at: None,
        origin: Default::default(),
        seed: project.manifest.run.seed,
        data: Some(data::record(&project.manifest, &data, &project.home)),
        stages: vec![],
        candidate: None,
        production: production.as_ref().map(|version| version.version.clone()),
        registered: None,
        batches: vec![],
        pipeline: options.requested.as_ref().map(|requested| requested.pipeline.clone()),
        trigger: options.requested.as_ref().map(|requested| requested.trigger.clone()),
        tags: options.requested.as_ref().map(|requested| requested.tags.clone()).unwrap_or_default(),
        policies: project.policy_records(),
        traceparent: traceparent.cloned(),
    };
    let mut run = Run {
        project,
        store,
        observer,
        cancel,
        record,
        production,
        decision: None,
        options,
        data,
        tables: None,
        runtime: None,
        origin: Some(origin),
        trained_in: id.clone(),
        is_recorded: false,
    };
    let stages = project.plan.stages.iter().map(|stage| stage.name.clone()).collect();
    run.tell(Event::RunStarted { run: id, project: project.manifest.project.name.clone(), stages });
    let ended = run.all().await;
    let settled = run.settle(ended.as_ref().err());
    // What others take their time for must not hold the project.
    drop(lock);
    settled?;
    if options.until.is_none() {
        run.tell_people().await?;
    }
    let record = run.finished(ended.as_ref().err());
    if let Some(hook) = options.ended.as_ref().filter(|_| options.until.is_none()) {
        hook.hear(&record).await;
    }
    ended?;
    Ok(record)
}

/// An id that no run of the store has: two runs of one second may draw the same characters.
///
/// # Errors
/// The store cannot be read.
pub fn new_run_id(store: &Store) -> Result<String, RunError> {
    loop {
        let id = crate::time::new_id();
        if store.run(&id)?.is_none() {
            return Ok(id);
        }
    }
}

/// The exit code of a run that was recorded.
pub fn exit_code(record: &RunRecord) -> ExitCode {
    match record.outcome {
        RunOutcome::Promoted | RunOutcome::Kept | RunOutcome::Succeeded => exit_code::SUCCESS,
        RunOutcome::Blocked => exit_code::BLOCKED,
        RunOutcome::Cancelled => exit_code::CANCELLED,
        RunOutcome::Running | RunOutcome::Interrupted => exit_code::INTERNAL,
        RunOutcome::Error => match failure_kind(record) {
            Some("limit-hit") => exit_code::LIMIT,
            Some("plugin-failed" | "trap" | "contract") => exit_code::PLUGIN_FAILED,
            Some("bad-batch") => exit_code::BAD_PROJECT,
            Some("busy") => exit_code::BUSY,
            _ => exit_code::INTERNAL,
        },
    }
}

/// What kind of failure ended a run: that of a stage, else that of a file that was to be scored.
fn failure_kind(record: &RunRecord) -> Option<&str> {
    let stage = record.stages.iter().find_map(|stage| stage.error.as_ref()).map(|error| error.kind.as_str());
    stage.or_else(|| record.batches.iter().find_map(|batch| batch.error.as_ref()).map(|error| error.kind.as_str()))
}

impl Run<'_> {
    pub(crate) fn tell(&self, event: Event) {
        (self.observer)(event);
    }

    /// The engine, made when the first stage has work to do.
    pub(crate) fn runtime(&mut self) -> Result<&Runtime, RunError> {
        if self.runtime.is_none() {
            self.runtime = Some(Runtime::new(self.options.code_dir.as_deref())?);
        }
        Ok(self.runtime.as_ref().expect("the lines above filled it"))
    }

    /// The tables, read when the first stage asks for rows.
    pub(crate) fn tables(&mut self) -> Result<&Tables, RunError> {
        if self.tables.is_none() {
            let tables = data::load(&self.project.home, &self.project.manifest, &self.data)?;
            if let Some(record) = &mut self.record.data {
                record.rows = Some(tables.whole.row_count());
            }
            self.tables = Some(tables);
        }
        Ok(self.tables.as_ref().expect("the lines above filled it"))
    }

    async fn all(&mut self) -> Result<(), RunError> {
        self.all_stages().await?;
        // What is scored is for runs that go all the way.
        if self.options.until.is_some() { Ok(()) } else { self.batches().await }
    }

    async fn all_stages(&mut self) -> Result<(), RunError> {
        let mut stopped: Option<String> = None;
        for stage in &self.project.plan.stages {
            if stopped.is_none() && self.cancel.is_requested() {
                self.end(RunOutcome::Cancelled, "cancelled");
                stopped = Some("the run was cancelled".to_owned());
            }
            let record = match &stopped {
                Some(why) => skipped(stage, why),
                None => self.stage(stage).await?,
            };
            if stopped.is_none() {
                stopped = self.judge(&record);
            }
            if stopped.is_none() && self.options.until.as_ref() == Some(&stage.name) {
                self.end(RunOutcome::Succeeded, &format!("it was to end after `{}`", stage.name));
                stopped = Some(format!("the run was to end after `{}`", stage.name));
            }
            self.record.stages.push(record.clone());
            self.tell(Event::StageFinished { record: Box::new(record) });
        }
        if stopped.is_none() {
            match (&self.decision, &self.record.registered) {
                (Some(decision), _) => self.end(RunOutcome::Promoted, &decision.reason.clone()),
                (None, _) => self.end(RunOutcome::Succeeded, "all stages passed"),
            }
        }
        Ok(())
    }

    /// Reads how a stage ended: the reason why no later stage may run, if there is one.
    fn judge(&mut self, stage: &StageRecord) -> Option<String> {
        let name = &stage.name;
        match stage.status {
            StageStatus::Blocked => {
                self.end(RunOutcome::Blocked, &format!("`{name}` blocked the run: {}", stage.reason));
                return Some(format!("`{name}` blocked the run"));
            }
            StageStatus::Failed => {
                self.end(RunOutcome::Error, &format!("`{name}` failed: {}", stage.reason));
                return Some(format!("`{name}` failed"));
            }
            StageStatus::Cancelled => {
                self.end(RunOutcome::Cancelled, &format!("cancelled in `{name}`"));
                return Some("the run was cancelled".to_owned());
            }
            StageStatus::Passed | StageStatus::Skipped => {}
        }
        if let Some(model) = &stage.report.model {
            self.record.candidate = Some(model.clone());
            if let Some(run) = &stage.cached_from {
                self.trained_in.clone_from(run);
            }
        }
        if let Some(decision) = &stage.report.decision {
            let accepted = self.options.accept.as_ref().filter(|_| decision.outcome == DecisionOutcome::Keep);
            let decision = match accepted.cloned() {
                Some(reason) => self.accepted(&reason, decision),
                None => decision.clone(),
            };
            self.decision = Some(decision.clone());
            if decision.outcome == DecisionOutcome::Keep {
                self.end(RunOutcome::Kept, &decision.reason);
                return Some("the candidate was not promoted".to_owned());
            }
        }
        None
    }

    /// What is decided in spite of the gate. The evaluation's own decision stays in its stage's record.
    fn accepted(&mut self, reason: &str, gate: &Decision) -> Decision {
        let by = self.origin().by;
        let reason = format!("accepted by {by} in spite of the gate: {reason}; the gate: {}", gate.reason);
        Decision { outcome: DecisionOutcome::Promote, reason }
    }

    fn end(&mut self, outcome: RunOutcome, reason: &str) {
        self.record.outcome = outcome;
        reason.clone_into(&mut self.record.reason);
    }

    async fn stage(&mut self, stage: &PlannedStage) -> Result<StageRecord, RunError> {
        let context = KeyContext {
            root: &self.project.root,
            seed: self.project.manifest.run.seed,
            data: &self.data,
            locks: &self.project.locks,
            trainer: self.project.trainer().map(|(_, component)| component.digest),
            candidate: self.record.candidate.as_ref().and_then(|model| model.digest.parse().ok()),
            production: self.production.as_ref().and_then(|version| version.model.digest.parse().ok()),
        };
        let (key, basis) = keys::keys(&context, stage, Some(&self.store))?;
        let may_use_cache = stage.is_cacheable() && !self.options.no_cache;
        if may_use_cache && let Some(entry) = self.cached(stage, &key, basis.as_ref())? {
            return Ok(from_cache(stage, &key, entry));
        }
        self.record_start()?;
        let plugin = stage.plugin.to_string();
        self.tell(Event::StageStarted { stage: stage.name.clone(), kind: stage.kind, plugin });
        let started = Instant::now();
        let executed = self.execute(stage).await?;
        if let Some(effects) = &executed.effects {
            self.enter(effects)?;
            self.keep_baseline(&stage.name).await;
        }
        let record = executed_record(stage, &key, executed, started.elapsed());
        self.keep(stage, &key, basis, &record)?;
        Ok(record)
    }

    /// What the cache has for a stage. Where the candidate is the very model in production, an earlier evaluation of it against any
    /// other model stands, and there is nothing to compare.
    fn cached(&self, stage: &PlannedStage, key: &Digest, basis: Option<&Digest>) -> Result<Option<CacheEntry>, RunError> {
        if let Some(entry) = self.store.cached(key)? {
            return Ok(Some(entry));
        }
        let (Some(basis), Some(candidate), Some(production)) = (basis, &self.record.candidate, &self.production) else {
            return Ok(None);
        };
        if stage.kind != Kind::Evaluate || candidate.digest != production.model.digest {
            return Ok(None);
        }
        let Some(mut entry) = self.store.cached(basis)? else { return Ok(None) };
        let reason = format!("the candidate is the model in production, {}, bit for bit", production.version);
        entry.report = same_model_report(entry.report, reason.clone());
        entry.reason = reason;
        Ok(Some(entry))
    }

    /// Keeps what a stage made, for later runs.
    fn keep(&mut self, stage: &PlannedStage, key: &Digest, basis: Option<Digest>, record: &StageRecord) -> Result<(), RunError> {
        let is_done = matches!(record.status, StageStatus::Passed | StageStatus::Blocked)
            || (record.status == StageStatus::Skipped && stage.kind == Kind::SanityCheck);
        let mut entries = vec![];
        if is_done && stage.is_cacheable() {
            let entry = |key: Digest| CacheEntry {
                key,
                run_id: self.record.id.clone(),
                stage: stage.name.clone(),
                status: record.status,
                reason: record.reason.clone(),
                report: record.report.clone(),
                tier: record.tier,
            };
            entries.push(entry(*key));
            entries.extend(basis.filter(|_| record.status == StageStatus::Passed).map(entry));
        }
        let mut so_far = self.record.clone();
        so_far.stages.push(record.clone());
        self.store.update_run(&so_far, &entries)?;
        Ok(())
    }

    /// Where the run comes from.
    pub(crate) fn origin(&mut self) -> sprag_schemas::record::Origin {
        if let Some(pending) = self.origin.take() {
            self.record.origin = pending.wait();
        }
        self.record.origin.clone()
    }

    /// Records that the run began, when the first stage does work: a run that is killed is then found as interrupted.
    pub(crate) fn record_start(&mut self) -> Result<(), RunError> {
        if !self.is_recorded {
            self.store.start_run(&self.record)?;
            self.is_recorded = true;
        }
        Ok(())
    }

    /// Records how the run ended.
    fn settle(&mut self, error: Option<&RunError>) -> Result<(), RunError> {
        self.origin();
        if let Some(error) = error {
            self.end(RunOutcome::Error, &with_causes(error));
        }
        self.record.finished_at = Some(now());
        self.record_start()?;
        Ok(self.store.finish_run(&self.record, &[])?)
    }

    /// Tells those who want to know how the run ended.
    async fn tell_people(&mut self) -> Result<(), RunError> {
        if self.project.plan.notify.is_empty() {
            return Ok(());
        }
        let runtime = self.runtime()?.clone();
        let telling = Telling { project: self.project, store: &self.store, options: self.options, observer: &self.observer };
        telling.all(&runtime, &mut self.record).await
    }

    fn finished(self, error: Option<&RunError>) -> RunRecord {
        let code = error.map_or_else(|| exit_code(&self.record), RunError::exit_code).code;
        let event = Event::RunFinished { outcome: self.record.outcome, exit_code: code, record: Box::new(self.record.clone()) };
        self.tell(event);
        self.record
    }
}

/// The version that a candidate must beat.
pub(crate) fn champion(project: &Project, store: &Store) -> Result<Option<ModelVersion>, RunError> {
    let (name, alias) = (project.manifest.model_name(), project.manifest.champion_alias());
    let Some(version) = store.alias(name, alias)? else { return Ok(None) };
    Ok(store.version(name, version)?)
}

/// What an evaluation against another model says of a model against itself: its own metrics, twice.
fn same_model_report(earlier: StageReport, reason: String) -> StageReport {
    let own: Vec<_> = earlier.metrics.into_iter().filter(|metric| metric.split.as_deref() == Some("candidate")).collect();
    let in_production = own.iter().map(|metric| Metric { split: Some("production".to_owned()), ..metric.clone() });
    StageReport {
        metrics: own.iter().cloned().chain(in_production).collect(),
        decision: Some(Decision { outcome: DecisionOutcome::Keep, reason }),
        ..StageReport::default()
    }
}
