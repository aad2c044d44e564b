//! Takes a release through its steps, and records each before and after.

use std::sync::Arc;
use std::time::Duration;

use sprag_core::plan::PlannedEnvironment;
use sprag_lifecycle::{Cancel, Project, now};
use sprag_runtime::{DeployRelease, DeployTask, Deployed, Endpoint, Finished, StageFailure, Verdict};
use sprag_schemas::record::{ModelVersion, Severity, StageReport};
use sprag_schemas::release::{Action, PackageRecord, Purpose, ReleaseOutcome, ReleaseRecord, StepRecord, StepStatus};
use sprag_store::{RunLock, Store, StoredRelease};

use crate::turns::Turn;
use crate::{Actor, ReleaseError, steps};

/// Hears what happens in a release.
pub type Observer = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// What happens in a release.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A step begins or has ended.
    Step(&'a StepRecord),
    /// The release waits for its turn: who is at work where.
    Waiting(&'a str),
}

/// The pauses before an adapter that says that its failure may pass is asked again: adapters go on from what they find.
const RETRY_AFTER: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// Drives one release.
pub struct Driver<'a, A> {
    pub(crate) project: &'a Project,
    pub(crate) store: &'a Store,
    pub(crate) actor: &'a A,
    pub(crate) version: ModelVersion,
    pub(crate) release: StoredRelease,
    pub(crate) clock: fn() -> String,
    pub(crate) observer: Observer,
    pub(crate) cancel: Cancel,
    pub(crate) waits: bool,
    /// Holds off other processes that would drive the same release.
    _lock: RunLock,
    /// The environment that this release works on.
    pub(crate) turn: Option<Turn>,
    /// How many of the steps go forward; those after them tell of an end, undo, or are kept for the record alone.
    forward: usize,
}

/// What comes after a step.
pub(crate) enum Next {
    /// The next one.
    GoOn,
    /// Nothing: the release stands so.
    Stop(ReleaseOutcome, String),
    /// What was there before is put back.
    Undo,
}

impl<'a, A: Actor> Driver<'a, A> {
    /// Takes a release over, in whatever state it is.
    ///
    /// # Errors
    /// Another process drives it, it has ended, or its version is not in the registry.
    pub fn new(project: &'a Project, store: &'a Store, actor: &'a A, release: &str) -> Result<Self, ReleaseError> {
        let lock = match store.try_lock_release(release)? {
            Ok(lock) => lock,
            Err(_) => return Err(ReleaseError::Driven { release: release.to_owned() }),
        };
        // Read under the lock: what was read before may be another process's yesterday.
        let release = store.find_release(release)?;
        if release.record.outcome.is_final() {
            return Err(ReleaseError::Ended { release: release.record.id, outcome: release.record.outcome.name() });
        }
        let reference = &release.record.version;
        let version = store.version(&reference.name, reference.version)?;
        let version = version.ok_or_else(|| ReleaseError::UnknownVersion(reference.to_string()))?;
        Ok(Self {
            project,
            store,
            actor,
            version,
            release,
            clock: now,
            observer: Arc::new(|_| {}),
            cancel: Cancel::default(),
            waits: true,
            _lock: lock,
            turn: None,
            forward: 0,
        })
    }

    /// Tells an observer what happens.
    #[must_use]
    pub fn observed_by(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// Stops between two steps where that is asked for.
    #[must_use]
    pub fn cancelled_by(self, cancel: Cancel) -> Self {
        Self { cancel, ..self }
    }

    /// Fails where another release works on the environment, instead of waiting.
    #[must_use]
    pub fn without_waiting(self) -> Self {
        Self { waits: false, ..self }
    }

    /// Takes the time from elsewhere than the machine's clock.
    #[must_use]
    pub fn timed_by(self, clock: fn() -> String) -> Self {
        Self { clock, ..self }
    }

    /// Goes on until the release ends or has to wait. How it stands is in the record.
    ///
    /// # Errors
    /// The release could not go on, or could not be recorded.
    pub async fn drive(mut self) -> Result<ReleaseRecord, ReleaseError> {
        let aligned = steps::align(self.project, &mut self.release.record)?;
        self.forward = aligned.forward;
        self.release.record.outcome = ReleaseOutcome::Running;
        self.release.record.finished_at = None;
        self.store.update_release(&mut self.release)?;
        let removed = self.release.record.steps.iter().filter(|step| aligned.removed.contains(&step.name));
        removed.for_each(|step| (self.observer)(Progress::Step(step)));
        let (outcome, reason) = match self.all_steps().await {
            Ok(ended) => ended,
            Err(error @ ReleaseError::Cancelled { .. }) => (ReleaseOutcome::Cancelled, error.to_string()),
            Err(error) => {
                // The record says why the process ended; whoever called hears it as an error.
                self.end(ReleaseOutcome::Error, error.to_string())?;
                return Err(error);
            }
        };
        self.end(outcome, reason)?;
        self.turn = None;
        self.tell_the_end().await;
        Ok(self.release.record)
    }

    async fn all_steps(&mut self) -> Result<(ReleaseOutcome, String), ReleaseError> {
        if self.is_undoing() {
            return self.undo().await;
        }
        if let Some(ended) = self.rejected()? {
            return Ok(ended);
        }
        for place in 0..self.forward {
            if self.cancel.is_requested() {
                return Ok((ReleaseOutcome::Cancelled, "cancelled".to_owned()));
            }
            self.leave_environment(place);
            match self.step(place).await? {
                Next::GoOn => {}
                Next::Stop(outcome, reason) => return Ok((outcome, reason)),
                Next::Undo => return self.undo().await,
            }
        }
        let record = &self.release.record;
        let what = match (record.purpose, record.share) {
            (Purpose::Rollback, _) => "is back in".to_owned(),
            (Purpose::Release, None) => "is in".to_owned(),
            (Purpose::Release, Some(percent)) => format!("has {percent} % of the requests in"),
        };
        let removed: String = record.steps.iter().filter_map(steps::without_gate).collect();
        Ok((ReleaseOutcome::Released, format!("{} {what} `{}`{removed}", record.version, record.to)))
    }

    /// Does one step, unless it was done with the same inputs.
    async fn step(&mut self, place: usize) -> Result<Next, ReleaseError> {
        let step = self.release.record.steps[place].clone();
        if step.action == Action::Approval || step.action == Action::Notify {
            return self.gate_step(place).await;
        }
        if let Some(environment) = &step.environment {
            if self.is_behind(environment)? {
                return Ok(Next::GoOn);
            }
            // Held from the look at what stands there to the last step, so that nothing comes in between.
            self.enter_environment(environment).await?;
        }
        if self.is_done(&step)? {
            return Ok(Next::GoOn);
        }
        let key = steps::key(self.project, &self.release.record, &step)?;
        self.begin(place, &key)?;
        match step.action {
            Action::Package => self.package(place).await,
            Action::Deploy => self.deploy(place).await,
            Action::SmokeTest => self.smoke_test(place).await,
            Action::Alias => self.alias(place),
            // Those of the gate went above; those of an undoing are not among the steps that go forward.
            Action::Notify | Action::Approval | Action::Restore | Action::RestoreTest => Ok(Next::GoOn),
        }
    }

    /// Asks the deploy adapter, again where it says that its failure may pass: it goes on from what it finds.
    pub(crate) async fn adapter(&self, environment: &PlannedEnvironment, task: &DeployTask) -> Finished<Deployed> {
        for pause in RETRY_AFTER {
            let finished = self.actor.deploy(environment, &self.release.record.version.name, task).await;
            match &finished.result {
                Err(failure) if may_pass(failure) && !self.cancel.is_requested() => tokio::time::sleep(pause).await,
                _ => return finished,
            }
        }
        self.actor.deploy(environment, &self.release.record.version.name, task).await
    }

    /// Tries what runs in an environment.
    pub(crate) async fn tried(
        &self,
        environment: &PlannedEnvironment,
        package: &PackageRecord,
        url: Option<String>,
        version: &ModelVersion,
    ) -> Finished<Verdict> {
        let host = |result| Finished { report: StageReport::default(), result };
        let Some(stage) = &environment.smoke_test else { return host(Ok(Verdict::Pass)) };
        let Some(url) = url else {
            let message = format!("`{}` says that it runs, and not where it answers", environment.deploy.name);
            return host(Err(StageFailure::Host(message)));
        };
        let endpoint = Endpoint {
            url,
            key: self.project.manifest.environments[&environment.name].key.clone(),
            model: version.version.name.clone(),
            model_digest: version.model.digest.clone(),
        };
        self.actor.smoke_test(stage, &endpoint, version, package).await
    }

    /// The release as a deploy adapter takes it.
    pub(crate) fn deploy_release(&self, package: &PackageRecord) -> DeployRelease {
        DeployRelease {
            version: self.release.record.version.version,
            model_digest: self.version.model.digest.clone(),
            package: package.digest.clone(),
            image: package.image.clone(),
        }
    }

    /// The package, which the steps before made or found.
    pub(crate) fn packaged(&self) -> PackageRecord {
        self.release.record.package.clone().expect("the first step makes the package, and a rollback begins with one")
    }

    /// The environment of a step.
    ///
    /// # Errors
    /// The project had it when the step was made, and has it no longer.
    pub(crate) fn environment_of(&self, place: usize) -> Result<&'a PlannedEnvironment, ReleaseError> {
        let name = self.release.record.steps[place].environment.as_deref().unwrap_or_default();
        steps::environment(self.project, name)
    }

    /// Records that a step begins.
    pub(crate) fn begin(&mut self, place: usize, key: &str) -> Result<(), ReleaseError> {
        let at = (self.clock)();
        let step = &mut self.release.record.steps[place];
        step.status = StepStatus::Running;
        key.clone_into(&mut step.key);
        step.reason.clear();
        step.started_at = Some(at);
        step.finished_at = None;
        step.attempts += 1;
        step.error = None;
        self.store.update_release(&mut self.release)?;
        (self.observer)(Progress::Step(&self.release.record.steps[place]));
        Ok(())
    }

    /// Records how a step ended.
    pub(crate) fn finish(
        &mut self,
        place: usize,
        status: StepStatus,
        reason: String,
        report: StageReport,
    ) -> Result<(), ReleaseError> {
        let at = (self.clock)();
        let step = &mut self.release.record.steps[place];
        step.status = status;
        step.reason = reason;
        step.report = report;
        step.finished_at = Some(at);
        self.store.update_release(&mut self.release)?;
        (self.observer)(Progress::Step(&self.release.record.steps[place]));
        Ok(())
    }

    /// Records that a step failed.
    pub(crate) fn failed(&mut self, place: usize, failure: &StageFailure, report: StageReport) -> Result<Next, ReleaseError> {
        let error = failure.to_record();
        let reason = error.message.clone();
        self.release.record.steps[place].error = Some(error);
        self.finish(place, StepStatus::Failed, reason.clone(), report)?;
        let name = &self.release.record.steps[place].name;
        Ok(match failure {
            StageFailure::Cancelled => Next::Stop(ReleaseOutcome::Cancelled, format!("cancelled in `{name}`")),
            _ => Next::Stop(ReleaseOutcome::Error, format!("`{name}` failed: {reason}")),
        })
    }

    fn end(&mut self, outcome: ReleaseOutcome, reason: String) -> Result<(), ReleaseError> {
        let record = &mut self.release.record;
        record.outcome = outcome;
        record.reason = reason;
        record.finished_at = outcome.is_final().then(self.clock);
        Ok(self.store.update_release(&mut self.release)?)
    }
}

/// Whether a plugin says that its failure may pass by itself. Wrong parameters, a refused credential or a fault in a plugin stay what they are.
fn may_pass(failure: &StageFailure) -> bool {
    matches!(failure, StageFailure::Plugin { kind: "try again", .. })
}

/// Whether what was tried is fit, and why.
pub(crate) fn verdict(finished: &Finished<Verdict>) -> (bool, String) {
    let findings = &finished.report.findings;
    match &finished.result {
        Ok(Verdict::Pass) => (true, "the answers are those of the evaluated model".to_owned()),
        Ok(Verdict::Skip) => (true, "the test does not apply here".to_owned()),
        Ok(Verdict::Fail) => {
            let worst = findings.iter().find(|finding| finding.severity == Severity::Error).or_else(|| findings.first());
            (false, worst.map_or_else(|| "it gave no finding that says why".to_owned(), |finding| finding.message.clone()))
        }
        Err(failure) => (false, failure.to_record().message),
    }
}
