//! What this release left in the history of an environment, and whether that is still so.

use sprag_schemas::release::{Action, DeploymentEntry, DeploymentEvent, PackageRecord, StepRecord};

use crate::{Actor, Driver, ReleaseError, steps};

impl<A: Actor> Driver<'_, A> {
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

    /// Whether a step was done with the same inputs, and what it did is still so.
    pub(crate) fn is_done(&self, step: &StepRecord) -> Result<bool, ReleaseError> {
        if !step.status.is_done() || step.key != steps::key(self.project, &self.release.record, step)? {
            return Ok(false);
        }
        match (step.action, step.environment.as_deref()) {
            (Action::Deploy, Some(environment)) => self.stands(environment, false),
            (Action::SmokeTest, Some(environment)) => self.stands(environment, true),
            (Action::Alias, Some(environment)) if self.is_last(environment) => self.is_named(environment),
            _ => Ok(true),
        }
    }

    /// Whether what an approval allowed was done, and is still so: the approval is used then, and needs to hold no longer.
    pub(crate) fn is_used(&self, environment: &str) -> Result<bool, ReleaseError> {
        let is_deployment =
            |step: &&StepRecord| step.action == Action::Deploy && step.environment.as_deref() == Some(environment);
        match self.release.record.steps.iter().find(is_deployment) {
            Some(step) => self.is_done(step),
            None => Ok(false),
        }
    }

    /// Whether the release has been through an environment that is not its last, and has nothing to do there any more.
    pub(crate) fn is_behind(&self, environment: &str) -> Result<bool, ReleaseError> {
        let is_work = |step: &&StepRecord| {
            step.environment.as_deref() == Some(environment)
                && matches!(step.action, Action::Deploy | Action::SmokeTest | Action::Alias)
        };
        for step in self.release.record.steps.iter().filter(is_work) {
            if !self.is_done(step)? {
                return Ok(false);
            }
        }
        Ok(!self.is_last(environment))
    }

    /// Whether this release's package is deployed in an environment and, where that is asked, has passed its test. What another release deployed there since
    /// has taken its place: in the last environment this one's has to go again. An environment on the way is for the trial alone, and a trial that was passed
    /// stays passed.
    fn stands(&self, environment: &str, is_tried: bool) -> Result<bool, ReleaseError> {
        let Some(package) = &self.release.record.package else { return Ok(false) };
        let is_own = |entry: &DeploymentEntry| entry.release == self.release.record.id && entry.package == *package;
        let is_verified = |entry: &DeploymentEntry| entry.event == DeploymentEvent::Verified;
        if !self.is_last(environment) {
            let history = self.store.deployments(environment)?;
            let own = history.iter().find(|entry| is_own(entry) && entry.event != DeploymentEvent::Removed);
            if own.is_some_and(is_verified) {
                return Ok(true);
            }
        }
        let newest = self.store.standing(environment)?.into_iter().next();
        Ok(newest.is_some_and(|entry| {
            is_own(&entry) && if is_tried { is_verified(&entry) } else { entry.event != DeploymentEvent::Failed }
        }))
    }

    /// Whether the alias of an environment points at the version.
    fn is_named(&self, environment: &str) -> Result<bool, ReleaseError> {
        let version = &self.release.record.version;
        let Some(alias) = &self.project.manifest.environments[environment].alias else { return Ok(true) };
        Ok(self.store.alias(&version.name, alias)? == Some(version.version))
    }

    fn is_last(&self, environment: &str) -> bool {
        self.release.record.to == environment
    }
}
