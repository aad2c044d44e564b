//! The steps that go forward: what each does to the world, and what it leaves in the record and in the history of its environment.

use sprag_core::plan::PlannedEnvironment;
use sprag_runtime::{DeployTask, Deployed, Phase, StageFailure, Verdict};
use sprag_schemas::record::{AliasEntry, StageReport};
use sprag_schemas::release::{Action, DeploymentEvent, PackageRecord, Purpose, ReleaseOutcome, StepStatus};

use crate::driver::{Driver, Next, verdict};
use crate::{Actor, ReleaseError, share};

impl<A: Actor> Driver<'_, A> {
    pub(crate) async fn package(&mut self, place: usize) -> Result<Next, ReleaseError> {
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

    pub(crate) async fn deploy(&mut self, place: usize) -> Result<Next, ReleaseError> {
        let environment = self.environment_of(place)?.clone();
        let package = self.packaged();
        let why = self.release.record.why.clone().unwrap_or_else(|| "by the release".to_owned());
        // Noted before the adapter acts: from then on it may run there, whatever becomes of this process.
        self.note(&environment.name, DeploymentEvent::Deployed, &package, None, &why)?;
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
                return self.not_deployed(place, &package, &failure, finished.report);
            }
            Err(failure) => return self.not_deployed(place, &package, &failure, finished.report),
        };
        if state.phase == Phase::Ready {
            self.release.record.steps[place].endpoint.clone_from(&state.endpoint);
            let at = state.endpoint.map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
            let how = share.map_or_else(|| "runs".to_owned(), |percent| format!("has {percent} % of the requests"));
            if environment.smoke_test.is_none() && share.is_none() {
                self.note(&environment.name, DeploymentEvent::Verified, &package, None, "the adapter says that it is ready")?;
            }
            self.finish(place, StepStatus::Passed, format!("{} {how}{at}", package.digest), finished.report)?;
            return Ok(Next::GoOn);
        }
        let reason = format!("the service did not become ready: {}", state.message);
        self.unfit(place, &environment, &package, reason, finished.report)
    }

    /// Records that the adapter failed: nobody knows what runs there, and the history must not say that this does.
    fn not_deployed(
        &mut self,
        place: usize,
        package: &PackageRecord,
        failure: &StageFailure,
        report: StageReport,
    ) -> Result<Next, ReleaseError> {
        if !matches!(failure, StageFailure::Cancelled) {
            let environment = self.environment_of(place)?.name.clone();
            self.note(&environment, DeploymentEvent::Failed, package, None, &failure.to_record().message)?;
        }
        self.failed(place, failure, report)
    }

    pub(crate) async fn smoke_test(&mut self, place: usize) -> Result<Next, ReleaseError> {
        let environment = self.environment_of(place)?.clone();
        let package = self.packaged();
        let deployed = self.release.record.steps[..place].iter().rev().find(|step| step.action == Action::Deploy);
        let url = deployed.and_then(|step| step.endpoint.clone());
        let finished = self.tried(&environment, &package, url.clone(), &self.version).await;
        let (is_fit, reason) = verdict(&finished);
        if matches!(finished.result, Err(StageFailure::Cancelled)) {
            return self.failed(place, &StageFailure::Cancelled, finished.report);
        }
        if is_fit {
            let (status, why) = match finished.result {
                Ok(Verdict::Skip) => {
                    (StepStatus::Skipped, "the adapter says that it is ready, and its smoke test does not apply")
                }
                _ => (StepStatus::Passed, "its smoke test passed"),
            };
            // The history first: the step must not count as done where nothing there says that the package was tried.
            self.note(&environment.name, DeploymentEvent::Verified, &package, url, why)?;
            self.finish(place, status, reason, finished.report)?;
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

    pub(crate) fn alias(&mut self, place: usize) -> Result<Next, ReleaseError> {
        let environment = self.environment_of(place)?.name.clone();
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
}
