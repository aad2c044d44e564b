//! Takes a release through its steps, and records each before and after.

use std::sync::Arc;
use std::time::Duration;

use sprag_core::plan::PlannedEnvironment;
use sprag_lifecycle::{Cancel, Project, now};
use sprag_runtime::{DeployRelease, DeployTask, Deployed, Endpoint, Finished, Phase, StageFailure, Verdict};
use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::record::{AliasEntry, ModelVersion, Severity, StageReport};
use sprag_schemas::release::{
    Action, DeploymentEntry, DeploymentEvent, PackageRecord, Purpose, ReleaseOutcome, ReleaseRecord, StepRecord, StepStatus,
};
use sprag_store::{RunLock, Store, StoredRelease};

use crate::{Actor, ReleaseError, share, steps};

/// Hears of each step as it begins and as it ends.
pub type Observer = Arc<dyn Fn(&StepRecord) + Send + Sync>;

/// The pauses before a step whose stage failed is begun again: adapters go on from what they find.
const RETRY_AFTER: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// How often a process that waits looks whether an environment is free.
const LOOK_AFTER: Duration = Duration::from_millis(50);

/// Drives one release.
pub struct Driver<'a, A> {
    pub(crate) project: &'a Project,
    pub(crate) store: &'a Store,
    pub(crate) actor: &'a A,
    pub(crate) version: ModelVersion,
    pub(crate) release: StoredRelease,
    pub(crate) clock: fn() -> String,
    observer: Observer,
    cancel: Cancel,
    waits: bool,
    /// Holds off other processes that would drive the same release.
    _lock: RunLock,
    /// Holds off other releases from the environment that this one works on.
    environment: Option<(String, RunLock)>,
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

/// The exit code of a release that was recorded.
pub fn exit_code(record: &ReleaseRecord) -> ExitCode {
    match record.outcome {
        ReleaseOutcome::Released => exit_code::SUCCESS,
        ReleaseOutcome::AwaitingApproval => exit_code::AWAITING_APPROVAL,
        ReleaseOutcome::Blocked => exit_code::BLOCKED,
        ReleaseOutcome::RolledBack => exit_code::ROLLED_BACK,
        ReleaseOutcome::Cancelled => exit_code::CANCELLED,
        ReleaseOutcome::Running => exit_code::INTERNAL,
        ReleaseOutcome::Error => {
            match record.steps.iter().find_map(|step| step.error.as_ref()).map(|error| error.kind.as_str()) {
                Some("limit-hit") => exit_code::LIMIT,
                Some("plugin-failed" | "trap" | "contract") => exit_code::PLUGIN_FAILED,
                _ => exit_code::INTERNAL,
            }
        }
    }
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
            environment: None,
        })
    }

    /// Tells an observer of each step.
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
        steps::align(self.project, &mut self.release.record)?;
        self.release.record.outcome = ReleaseOutcome::Running;
        self.release.record.finished_at = None;
        self.store.update_release(&mut self.release)?;
        let (outcome, reason) = match self.all_steps().await {
            Ok(ended) => ended,
            Err(error) => {
                // The record says why the process ended; whoever called hears it as an error.
                self.end(ReleaseOutcome::Error, error.to_string())?;
                return Err(error);
            }
        };
        self.end(outcome, reason)?;
        self.environment = None;
        if outcome.is_final() {
            self.tell_the_end().await?;
        }
        Ok(self.release.record)
    }

    async fn all_steps(&mut self) -> Result<(ReleaseOutcome, String), ReleaseError> {
        if self.is_undoing() {
            return self.undo().await;
        }
        let count = self.release.record.steps.iter().filter(|step| !steps::is_telling(step)).count();
        for place in 0..count {
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
        Ok((ReleaseOutcome::Released, format!("{} {what} `{}`", record.version, record.to)))
    }

    /// Does one step, unless it was done with the same inputs.
    async fn step(&mut self, place: usize) -> Result<Next, ReleaseError> {
        let step = self.release.record.steps[place].clone();
        if step.action == Action::Approval || step.action == Action::Notify {
            return self.gate_step(place).await;
        }
        let key = steps::key(self.project, &self.release.record, &step)?;
        if step.status.is_done() && step.key == key {
            return Ok(Next::GoOn);
        }
        if let Some(environment) = &step.environment {
            self.enter_environment(&environment.clone()).await?;
        }
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

    async fn package(&mut self, place: usize) -> Result<Next, ReleaseError> {
        let finished = self.actor.package(&self.version).await;
        match finished.result {
            Ok(package) => {
                let reason = format!("the package is {}", package.digest);
                self.release.record.package = Some(package);
                self.finish(place, StepStatus::Passed, reason, finished.report)?;
                Ok(Next::GoOn)
            }
            Err(failure) => self.failed(place, &failure, finished.report),
        }
    }

    async fn deploy(&mut self, place: usize) -> Result<Next, ReleaseError> {
        let environment = self.environment_of(place).clone();
        let package = self.packaged();
        self.note(&environment.name, DeploymentEvent::Deployed, &package, None, "by the release")?;
        let release = self.deploy_release(&package);
        let share = share::of(&self.release.record, &self.release.record.steps[place]);
        let task = match (self.release.record.purpose, share) {
            (Purpose::Rollback, _) => DeployTask::Rollback(release),
            (Purpose::Release, None) => DeployTask::Apply(release),
            (Purpose::Release, Some(percent)) => self.divided(&environment, percent)?,
        };
        let finished = self.adapter(&environment, &task).await;
        let state = match finished.result {
            Ok(Deployed::State(state)) => state,
            Ok(Deployed::Changes(_)) => {
                let failure = StageFailure::Contract("expected a state from the adapter, found a list of changes".to_owned());
                return self.failed(place, &failure, finished.report);
            }
            Err(failure) => return self.failed(place, &failure, finished.report),
        };
        if state.phase == Phase::Ready {
            self.release.record.steps[place].endpoint.clone_from(&state.endpoint);
            let at = state.endpoint.map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
            let how = share.map_or_else(|| "runs".to_owned(), |percent| format!("has {percent} % of the requests"));
            self.finish(place, StepStatus::Passed, format!("{} {how}{at}", package.digest), finished.report)?;
            if environment.smoke_test.is_none() && share.is_none() {
                self.note(&environment.name, DeploymentEvent::Verified, &package, None, "the adapter says that it is ready")?;
            }
            return Ok(Next::GoOn);
        }
        let reason = format!("the service did not become ready: {}", state.message);
        self.unfit(place, &environment, &package, reason, finished.report)
    }

    async fn smoke_test(&mut self, place: usize) -> Result<Next, ReleaseError> {
        let environment = self.environment_of(place).clone();
        let package = self.packaged();
        let deployed = self.release.record.steps[..place].iter().rev().find(|step| step.action == Action::Deploy);
        let url = deployed.and_then(|step| step.endpoint.clone());
        let finished = self.tried(&environment, &package, url.clone(), &self.version).await;
        let (is_fit, reason) = verdict(&finished);
        if matches!(finished.result, Err(StageFailure::Cancelled)) {
            return self.failed(place, &StageFailure::Cancelled, finished.report);
        }
        if is_fit {
            self.finish(place, StepStatus::Passed, reason, finished.report)?;
            self.note(&environment.name, DeploymentEvent::Verified, &package, url, "its smoke test passed")?;
            return Ok(Next::GoOn);
        }
        if let Err(failure) = &finished.result {
            self.release.record.steps[place].error = Some(failure.to_record());
        }
        self.unfit(place, &environment, &package, reason, finished.report)
    }

    /// Records that what was deployed is not fit, and says what to do about it.
    fn unfit(
        &mut self,
        place: usize,
        environment: &PlannedEnvironment,
        package: &PackageRecord,
        reason: String,
        report: StageReport,
    ) -> Result<Next, ReleaseError> {
        self.note(&environment.name, DeploymentEvent::Failed, package, None, &reason)?;
        let next = self.plan_undo(environment)?;
        self.finish(place, StepStatus::Blocked, reason.clone(), report)?;
        let name = &self.release.record.steps[place].name;
        Ok(if next { Next::Undo } else { Next::Stop(ReleaseOutcome::Blocked, format!("`{name}` stopped the release: {reason}")) })
    }

    fn alias(&mut self, place: usize) -> Result<Next, ReleaseError> {
        let environment = self.environment_of(place).name.clone();
        let alias = self.project.manifest.environments[&environment].alias.clone().unwrap_or_default();
        let record = &self.release.record;
        let version = record.version.clone();
        if self.store.alias(&version.name, &alias)? == Some(version.version) {
            let reason = format!("`{alias}` points at {version} already");
            self.finish(place, StepStatus::Skipped, reason, StageReport::default())?;
            return Ok(Next::GoOn);
        }
        let approved =
            record.steps.iter().find(|step| step.action == Action::Approval && step.environment.as_deref() == Some(&environment));
        let approved = approved.map(|step| format!(", {}", step.reason)).unwrap_or_default();
        let entry = AliasEntry {
            name: version.name.clone(),
            alias: alias.clone(),
            version: version.version,
            at: (self.clock)(),
            by: record.origin.by.clone(),
            reason: format!("release {}{approved}", record.id),
            run_id: None,
        };
        self.store.set_alias(&entry)?;
        self.finish(place, StepStatus::Passed, format!("`{alias}` points at {version}"), StageReport::default())?;
        Ok(Next::GoOn)
    }

    /// Asks the deploy adapter, again where its stage failed: it goes on from what it finds.
    pub(crate) async fn adapter(&self, environment: &PlannedEnvironment, task: &DeployTask) -> Finished<Deployed> {
        for pause in RETRY_AFTER {
            let finished = self.actor.deploy(environment, &self.release.record.version.name, task).await;
            match &finished.result {
                Ok(_) | Err(StageFailure::Cancelled) => return finished,
                Err(_) if self.cancel.is_requested() => return finished,
                Err(_) => tokio::time::sleep(pause).await,
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

    pub(crate) fn environment_of(&self, place: usize) -> &'a PlannedEnvironment {
        let name = self.release.record.steps[place].environment.as_deref().unwrap_or_default();
        self.project.plan.environment(name).expect("the steps were made from the project's environments")
    }

    /// Adds to the history of an environment, unless the newest entry says it already.
    pub(crate) fn note(
        &self,
        environment: &str,
        event: DeploymentEvent,
        package: &PackageRecord,
        endpoint: Option<String>,
        reason: &str,
    ) -> Result<(), ReleaseError> {
        let record = &self.release.record;
        let newest = self.store.environment_state(environment)?.newest;
        if newest.is_some_and(|entry| entry.release == record.id && entry.event == event && entry.package == *package) {
            return Ok(());
        }
        self.store.add_deployment(&DeploymentEntry {
            environment: environment.to_owned(),
            event,
            version: record.version.clone(),
            model: record.model.clone(),
            package: package.clone(),
            endpoint,
            release: record.id.clone(),
            at: (self.clock)(),
            by: record.origin.by.clone(),
            reason: reason.to_owned(),
        })?;
        Ok(())
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
        (self.observer)(&self.release.record.steps[place]);
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
        (self.observer)(&self.release.record.steps[place]);
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

    /// Takes an environment for this release, until its last step there.
    pub(crate) async fn enter_environment(&mut self, environment: &str) -> Result<(), ReleaseError> {
        if self.environment.as_ref().is_some_and(|(held, _)| held == environment) {
            return Ok(());
        }
        self.environment = None;
        loop {
            match self.store.try_lock_environment(environment, &self.release.record.id)? {
                Ok(lock) => {
                    self.environment = Some((environment.to_owned(), lock));
                    return Ok(());
                }
                Err(busy) if !self.waits || self.cancel.is_requested() => {
                    return Err(ReleaseError::Busy { environment: environment.to_owned(), holder: busy.holder });
                }
                Err(_) => tokio::time::sleep(LOOK_AFTER).await,
            }
        }
    }

    /// Gives an environment back, where the step belongs to another.
    fn leave_environment(&mut self, place: usize) {
        let environment = self.release.record.steps[place].environment.as_deref();
        if self.environment.as_ref().is_some_and(|(held, _)| environment != Some(held)) {
            self.environment = None;
        }
    }

    /// Gives the environment back while people think.
    pub(crate) fn wait_outside(&mut self) {
        self.environment = None;
    }
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
