//! One run of a project: each stage from the cache or by its component, in order, until one says stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sprag_core::digest::Digest;
use sprag_core::plan::PlannedStage;
use sprag_runtime::{Cancel, RegisterEffects, Runtime};
use sprag_schemas::event::Event;
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::manifest::Kind;
use sprag_schemas::record::{
    Decision, DecisionOutcome, Lineage, ModelVersion, PluginRecord, RunOutcome, RunRecord, StageRecord, StageReport, StageStatus,
    Tier, VersionRef,
};
use sprag_store::{CacheEntry, NewAlias, NewVersion, RunLock, Store};

use crate::RunError;
use crate::data::{self, DataDigests, Tables};
use crate::execute::Executed;
use crate::keys::{self, KeyContext};
use crate::lock::{LockStatus, lock_status, write_lock};
use crate::origin::PendingOrigin;
use crate::project::Project;
use crate::time::{now, run_id};

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
    options: &'a RunOptions,
    data: DataDigests,
    tables: Option<Tables>,
    runtime: Option<Runtime>,
    origin: Option<PendingOrigin>,
    /// The run that did the training.
    trained_in: String,
    is_recorded: bool,
}

/// Runs a project.
///
/// The record that comes back is in the store, and says how the run ended; see [`exit_code`].
///
/// # Errors
/// The run could not begin, or could not be recorded.
pub async fn run(project: &Project, options: &RunOptions, observer: Observer, cancel: Cancel) -> Result<RunRecord, RunError> {
    accept_lock(project, options)?;
    let origin = PendingOrigin::start(&project.root);
    let store = Arc::new(Store::open(&project.store_dir())?);
    let id = run_id();
    let lock = take_lock(&store, &id, options, &observer, &cancel).await?;
    store.recover(&now(), &lock)?;
    let data = data::digests(&project.root, &project.manifest, Some(&store))?;
    let production = champion(project, &store)?;
    let record = RunRecord {
        id: id.clone(),
        project: project.manifest.project.name.clone(),
        outcome: RunOutcome::Running,
        reason: String::new(),
        started_at: now(),
        finished_at: None,
        origin: Default::default(),
        seed: project.manifest.run.seed,
        data: Some(data::record(&project.manifest, &data, &project.root)),
        stages: vec![],
        candidate: None,
        production: production.as_ref().map(|version| version.version.clone()),
        registered: None,
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
    let ended = run.all_stages().await;
    let finished = run.finish(ended.as_ref().err());
    drop(lock);
    ended?;
    finished
}

/// The exit code of a run that was recorded.
pub fn exit_code(record: &RunRecord) -> ExitCode {
    match record.outcome {
        RunOutcome::Promoted | RunOutcome::Kept | RunOutcome::Succeeded => exit_code::SUCCESS,
        RunOutcome::Blocked => exit_code::BLOCKED,
        RunOutcome::Cancelled => exit_code::CANCELLED,
        RunOutcome::Running | RunOutcome::Interrupted => exit_code::INTERNAL,
        RunOutcome::Error => match record.stages.iter().find_map(|stage| stage.error.as_ref()).map(|error| error.kind.as_str()) {
            Some("limit-hit") => exit_code::LIMIT,
            Some("plugin-failed" | "trap" | "contract") => exit_code::PLUGIN_FAILED,
            _ => exit_code::INTERNAL,
        },
    }
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
            let tables = data::load(&self.project.root, &self.project.manifest, &self.data)?;
            if let Some(record) = &mut self.record.data {
                record.rows = Some(tables.whole.row_count());
            }
            self.tables = Some(tables);
        }
        Ok(self.tables.as_ref().expect("the lines above filled it"))
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
            self.decision = Some(decision.clone());
            if decision.outcome == DecisionOutcome::Keep {
                self.end(RunOutcome::Kept, &decision.reason);
                return Some("the candidate was not promoted".to_owned());
            }
        }
        None
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
            trainer: self.project.trainer().map(|(_, component)| component.digest),
            candidate: self.record.candidate.as_ref().and_then(|model| model.digest.parse().ok()),
            production: self.production.as_ref().and_then(|version| version.model.digest.parse().ok()),
        };
        let (key, basis) = keys::keys(&context, stage, Some(&self.store))?;
        let may_use_cache = stage.is_hermetic() && !self.options.no_cache;
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
        entry.report.decision = Some(Decision { outcome: DecisionOutcome::Keep, reason: reason.clone() });
        entry.reason = reason;
        Ok(Some(entry))
    }

    /// Keeps what a stage made, for later runs.
    fn keep(&mut self, stage: &PlannedStage, key: &Digest, basis: Option<Digest>, record: &StageRecord) -> Result<(), RunError> {
        let is_done = matches!(record.status, StageStatus::Passed | StageStatus::Blocked)
            || (record.status == StageStatus::Skipped && stage.kind == Kind::SanityCheck);
        let mut entries = vec![];
        if is_done && stage.is_hermetic() {
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

    /// Enters what a `register` stage asked for: version and aliases in one transaction.
    fn enter(&mut self, effects: &RegisterEffects) -> Result<(), RunError> {
        let name = self.project.manifest.model_name().to_owned();
        let model = self.record.candidate.clone().expect("a plan has no `register` without a `train` before it");
        if let Some((_, component)) = self.project.trainer() {
            // The scorer goes with the model, so that it can be scored again after the project has moved on.
            self.store.put_bytes(&component.bytes)?;
        }
        let lineage = self.lineage();
        let (at, by) = (now(), lineage.origin.by.clone());
        let aliases = effects.aliases.iter().map(|(alias, version, reason)| NewAlias {
            alias: alias.clone(),
            version: Some(*version),
            at: at.clone(),
            by: by.clone(),
            reason: reason.clone(),
        });
        let new = NewVersion {
            name: name.clone(),
            model,
            created_at: at.clone(),
            lineage,
            tags: effects.tags.clone(),
            metrics: self.version_metrics(),
        };
        let added = self.store.register(new, aliases.collect())?;
        let (sprag_store::AddVersion::Added(version) | sprag_store::AddVersion::AlreadyRegistered(version)) = added;
        self.record.registered = Some(VersionRef { name, version });
        Ok(())
    }

    fn lineage(&mut self) -> Lineage {
        let origin = self.origin();
        let stages = &self.project.plan.stages;
        let is_hermetic = stages.iter().filter(|stage| stage.kind != Kind::Register).all(PlannedStage::is_hermetic);
        Lineage {
            run_id: self.record.id.clone(),
            trained_in: self.trained_in.clone(),
            origin,
            data: self.record.data.clone().expect("a run that goes on to register has its data"),
            components: stages.iter().map(|stage| (stage.name.clone(), plugin_record(stage))).collect(),
            params: stages.iter().map(|stage| (stage.name.clone(), stage.params.clone())).collect(),
            tier: if is_hermetic { Tier::Hermetic } else { Tier::External },
            decision: self.decision.clone(),
        }
    }

    /// The last value of each metric of training and evaluation, by `split.name`.
    fn version_metrics(&self) -> std::collections::BTreeMap<String, f64> {
        let stages = self.record.stages.iter().filter(|stage| matches!(stage.kind, Kind::Train | Kind::Evaluate));
        let metrics = stages.flat_map(|stage| &stage.report.metrics);
        let name = |metric: &sprag_schemas::record::Metric| match &metric.split {
            Some(split) => format!("{split}.{}", metric.name),
            None => metric.name.clone(),
        };
        metrics.map(|metric| (name(metric), metric.value)).collect()
    }

    fn origin(&mut self) -> sprag_schemas::record::Origin {
        if let Some(pending) = self.origin.take() {
            self.record.origin = pending.wait();
        }
        self.record.origin.clone()
    }

    /// Records that the run began, when the first stage does work: a run that is killed is then found as interrupted.
    fn record_start(&mut self) -> Result<(), RunError> {
        if !self.is_recorded {
            self.store.start_run(&self.record)?;
            self.is_recorded = true;
        }
        Ok(())
    }

    fn finish(mut self, error: Option<&RunError>) -> Result<RunRecord, RunError> {
        self.origin();
        if let Some(error) = error {
            self.end(RunOutcome::Error, &error.to_string());
        }
        self.record.finished_at = Some(now());
        self.record_start()?;
        self.store.finish_run(&self.record, &[])?;
        let code = error.map_or_else(|| exit_code(&self.record), RunError::exit_code).code;
        let event = Event::RunFinished { outcome: self.record.outcome, exit_code: code, record: Box::new(self.record.clone()) };
        self.tell(event);
        Ok(self.record)
    }
}

/// What `--dry-run` shows of a stage.
#[derive(Debug)]
pub struct StagePreview<'a> {
    /// The stage.
    pub stage: &'a PlannedStage,
    /// The run whose work would be taken; none where the stage would do its own.
    pub cached_from: Option<String>,
    /// The earlier stage whose outcome decides, where it does.
    pub depends_on: Option<String>,
}

/// What a run would do, without doing it.
///
/// # Errors
/// The data, an input or the store cannot be read.
pub fn preview(project: &Project) -> Result<Vec<StagePreview<'_>>, RunError> {
    let store = Store::open_existing(&project.store_dir())?;
    let data = data::digests(&project.root, &project.manifest, store.as_ref())?;
    let production = store.as_ref().map(|store| champion(project, store)).transpose()?.flatten();
    let mut context = KeyContext {
        root: &project.root,
        seed: project.manifest.run.seed,
        data: &data,
        trainer: project.trainer().map(|(_, component)| component.digest),
        candidate: None,
        production: production.as_ref().and_then(|version| version.model.digest.parse().ok()),
    };
    let mut previews = vec![];
    let mut unknown_after: Option<String> = None;
    for stage in &project.plan.stages {
        let mut preview = StagePreview { stage, cached_from: None, depends_on: None };
        if matches!(stage.kind, Kind::Evaluate | Kind::Register) && unknown_after.is_some() {
            preview.depends_on.clone_from(&unknown_after);
        } else if stage.kind == Kind::Register {
            preview.depends_on = project.plan.stage_of(Kind::Evaluate).map(|stage| stage.name.clone());
        } else {
            let (key, basis) = keys::keys(&context, stage, store.as_ref())?;
            let is_champion = context.candidate.is_some() && context.candidate == context.production;
            let tried = [Some(key), basis.filter(|_| is_champion)];
            for key in tried.into_iter().flatten().filter(|_| stage.is_hermetic()) {
                let Some(entry) = store.as_ref().map(|store| store.cached(&key)).transpose()?.flatten() else { continue };
                context.candidate = entry.report.model.as_ref().and_then(|model| model.digest.parse().ok()).or(context.candidate);
                preview.cached_from = Some(entry.run_id);
                break;
            }
            if preview.cached_from.is_none() && matches!(stage.kind, Kind::Train | Kind::Evaluate) {
                unknown_after = Some(stage.name.clone());
            }
        }
        previews.push(preview);
    }
    Ok(previews)
}

/// The version that a candidate must beat.
fn champion(project: &Project, store: &Store) -> Result<Option<ModelVersion>, RunError> {
    let (name, alias) = (project.manifest.model_name(), project.manifest.champion_alias());
    let Some(version) = store.alias(name, alias)? else { return Ok(None) };
    Ok(store.version(name, version)?)
}

fn accept_lock(project: &Project, options: &RunOptions) -> Result<(), RunError> {
    match lock_status(project)? {
        LockStatus::Current => Ok(()),
        LockStatus::Missing if options.locked => {
            Err(RunError::Lock { summary: "`--locked` was given and there is no `sprag.lock`", lines: vec![] })
        }
        LockStatus::Missing => Ok(write_lock(project)?),
        LockStatus::Differs(diff) if options.locked => {
            let lines = diff.widened.into_iter().chain(diff.changed).collect();
            Err(RunError::Lock { summary: "`--locked` was given and the project differs from `sprag.lock`", lines })
        }
        LockStatus::Differs(diff) if !diff.widened.is_empty() => {
            Err(RunError::Lock { summary: "a component has more rights than `sprag.lock` accepts", lines: diff.widened })
        }
        LockStatus::Differs(_) => Ok(write_lock(project)?),
    }
}

async fn take_lock(
    store: &Store,
    id: &str,
    options: &RunOptions,
    observer: &Observer,
    cancel: &Cancel,
) -> Result<RunLock, RunError> {
    let mut is_told = false;
    loop {
        match store.try_lock(id)? {
            Ok(lock) => return Ok(lock),
            Err(busy) if options.no_wait => return Err(RunError::Busy { holder: busy.holder }),
            Err(busy) if !is_told => {
                observer(Event::Waiting { holder: busy.holder });
                is_told = true;
            }
            Err(_) => {}
        }
        if cancel.is_requested() {
            return Err(RunError::Cancelled);
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

fn plugin_record(stage: &PlannedStage) -> PluginRecord {
    PluginRecord {
        reference: stage.plugin.to_string(),
        name: stage.info.name.clone(),
        version: stage.info.version.clone(),
        digest: stage.component.digest.to_string(),
        grants: stage.grant_lines(),
    }
}

fn tier(stage: &PlannedStage) -> Tier {
    if stage.is_hermetic() { Tier::Hermetic } else { Tier::External }
}

fn skipped(stage: &PlannedStage, why: &str) -> StageRecord {
    StageRecord {
        name: stage.name.clone(),
        kind: stage.kind,
        plugin: plugin_record(stage),
        status: StageStatus::Skipped,
        reason: why.to_owned(),
        tier: tier(stage),
        cache_key: None,
        cached_from: None,
        duration_ms: 0.0,
        params: stage.params.clone(),
        report: StageReport::default(),
        error: None,
    }
}

fn from_cache(stage: &PlannedStage, key: &Digest, entry: CacheEntry) -> StageRecord {
    StageRecord {
        status: entry.status,
        reason: entry.reason,
        tier: entry.tier,
        cache_key: Some(key.to_string()),
        cached_from: Some(entry.run_id),
        report: entry.report,
        ..skipped(stage, "")
    }
}

fn executed_record(stage: &PlannedStage, key: &Digest, executed: Executed, took: Duration) -> StageRecord {
    StageRecord {
        status: executed.status,
        reason: executed.reason,
        cache_key: Some(key.to_string()),
        duration_ms: took.as_secs_f64() * 1000.0,
        report: executed.report,
        error: executed.error,
        ..skipped(stage, "")
    }
}
