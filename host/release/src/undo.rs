//! Putting back what was there before, where what came is not fit.

use sprag_core::plan::PlannedEnvironment;
use sprag_runtime::{DeployRelease, DeployTask, Deployed, Phase};
use sprag_schemas::release::{Action, DeploymentEntry, DeploymentEvent, Purpose, ReleaseOutcome, StepStatus};

use crate::driver::{Driver, Next, verdict};
use crate::{Actor, ReleaseError, steps};

impl<A: Actor> Driver<'_, A> {
    /// Whether something is being put back.
    pub(crate) fn is_undoing(&self) -> bool {
        self.release.record.steps.iter().any(|step| step.action == Action::Restore)
    }

    /// Adds the steps that put back what was there before; whether there are any. The first of several environments is left as it is, so that people can
    /// look at what failed, and a rollback that fails has nothing better to go back to.
    pub(crate) fn plan_undo(&mut self, environment: &PlannedEnvironment) -> Result<bool, ReleaseError> {
        let route = steps::route(self.project, &self.release.record)?;
        let is_first = route.len() > 1 && route.first().is_some_and(|first| first.name == environment.name);
        if is_first || self.release.record.purpose == Purpose::Rollback || self.before(&environment.name)?.is_none() {
            return Ok(false);
        }
        let name = &environment.name;
        let deploy = steps::step(format!("{name}.restore"), Action::Restore, Some(name), Some(&environment.deploy));
        let test = environment.smoke_test.as_ref();
        let test = test.map(|stage| steps::step(format!("{name}.restore-test"), Action::RestoreTest, Some(name), Some(stage)));
        self.release.record.steps.extend([deploy].into_iter().chain(test));
        Ok(true)
    }

    /// What last passed its test in an environment before this release came.
    fn before(&self, environment: &str) -> Result<Option<DeploymentEntry>, ReleaseError> {
        let id = &self.release.record.id;
        let history = self.store.standing(environment)?;
        Ok(history.into_iter().find(|entry| entry.release != *id && entry.event == DeploymentEvent::Verified))
    }

    /// Puts back what was there before.
    pub(crate) async fn undo(&mut self) -> Result<(ReleaseOutcome, String), ReleaseError> {
        let of = |action: Action| move |step: &sprag_schemas::release::StepRecord| step.action == action;
        let place = self.release.record.steps.iter().position(of(Action::Restore)).expect("an undoing has this step");
        let environment = self.environment_of(place)?.clone();
        self.enter_environment(&environment.name).await?;
        // Something was there when the undoing was planned; since then the service may have been removed with all that it ran.
        let before = self.before(&environment.name)?.ok_or_else(|| ReleaseError::NothingVerified {
            environment: environment.name.clone(),
            wanted: "another version".to_owned(),
            found: "none".to_owned(),
        })?;
        if self.release.record.steps[place].status != StepStatus::Passed {
            self.begin(place, &before.package.digest)?;
            if let Some(stopped) = self.restore(place, &environment, &before).await? {
                return Ok(stopped);
            }
        }
        let url = self.release.record.steps[place].endpoint.clone();
        if let Some(place) = self.release.record.steps.iter().position(of(Action::RestoreTest)) {
            self.begin(place, &before.package.digest)?;
            let version = self.store.version(&before.version.name, before.version.version)?;
            let version = version.ok_or_else(|| ReleaseError::UnknownVersion(before.version.to_string()))?;
            let finished = self.tried(&environment, &before.package, url.clone(), &version).await;
            let (is_fit, reason) = verdict(&finished);
            if !is_fit {
                self.finish(place, StepStatus::Failed, reason.clone(), finished.report)?;
                let reason = format!("{} is back in `{}`, and fails its test too: {reason}", before.version, environment.name);
                return Ok((ReleaseOutcome::Error, reason));
            }
            self.finish(place, StepStatus::Passed, reason, finished.report)?;
        }
        self.note_restored(&before, DeploymentEvent::Verified, url)?;
        let failed = self.release.record.steps.iter().find(|step| step.status == StepStatus::Blocked);
        let why = failed.map(|step| format!("`{}` failed: {}", step.name, step.reason)).unwrap_or_default();
        Ok((ReleaseOutcome::RolledBack, format!("{} is back in `{}`, because {why}", before.version, environment.name)))
    }

    async fn restore(
        &mut self,
        place: usize,
        environment: &PlannedEnvironment,
        before: &DeploymentEntry,
    ) -> Result<Option<(ReleaseOutcome, String)>, ReleaseError> {
        let release = DeployRelease {
            version: before.version.version,
            model_digest: before.model.clone(),
            package: before.package.digest.clone(),
            image: before.package.image.clone(),
        };
        let finished = self.adapter(environment, &DeployTask::Rollback(release)).await;
        match finished.result {
            Ok(Deployed::State(state)) if state.phase == Phase::Ready => {
                self.release.record.steps[place].endpoint.clone_from(&state.endpoint);
                self.note_restored(before, DeploymentEvent::Deployed, state.endpoint)?;
                self.finish(place, StepStatus::Passed, format!("{} runs again", before.version), finished.report)?;
                Ok(None)
            }
            Ok(Deployed::State(state)) => {
                let reason = format!("{} could not be put back in `{}`: {}", before.version, environment.name, state.message);
                self.finish(place, StepStatus::Failed, reason.clone(), finished.report)?;
                Ok(Some((ReleaseOutcome::Error, reason)))
            }
            Ok(Deployed::Changes(_)) => {
                let reason = "expected a state from the adapter, found a list of changes".to_owned();
                self.finish(place, StepStatus::Failed, reason.clone(), finished.report)?;
                Ok(Some((ReleaseOutcome::Error, reason)))
            }
            Err(failure) => match self.failed(place, &failure, finished.report)? {
                Next::Stop(outcome, reason) => Ok(Some((outcome, reason))),
                Next::GoOn | Next::Undo => Ok(None),
            },
        }
    }

    fn note_restored(
        &self,
        before: &DeploymentEntry,
        event: DeploymentEvent,
        endpoint: Option<String>,
    ) -> Result<(), ReleaseError> {
        let record = &self.release.record;
        let entry = DeploymentEntry {
            event,
            endpoint,
            release: record.id.clone(),
            at: (self.clock)(),
            by: record.origin.by.clone(),
            reason: "put back".to_owned(),
            ..before.clone()
        };
        Ok(self.store.add_deployment(&entry)?)
    }
}
