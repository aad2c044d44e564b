//! A release that gets a part of the requests, beside what is verified in its last environment.
//!
//! It passes the same gate as one that gets them all. What is there keeps the rest, its alias and its place as what a rollback goes back to.

use sprag_core::plan::PlannedEnvironment;
use sprag_runtime::{DeployTask, Weight};
use sprag_schemas::release::{Action, DeploymentEntry, DeploymentEvent, ReleaseRecord, StepRecord};
use sprag_store::Store;

use crate::{Actor, Driver, ReleaseError};

/// What is verified in an environment, and is another model: it keeps the rest of the requests.
///
/// # Errors
/// There is none, or the store cannot be read.
pub(crate) fn beside(store: &Store, environment: &str, model: &str) -> Result<DeploymentEntry, ReleaseError> {
    let history = store.standing(environment)?;
    let verified = history.into_iter().find(|entry| entry.event == DeploymentEvent::Verified);
    verified
        .filter(|entry| entry.model != model)
        .ok_or_else(|| ReleaseError::NothingBeside { environment: environment.to_owned() })
}

/// The share of a release, where a step belongs to the environment in which it has one.
pub(crate) fn of(record: &ReleaseRecord, step: &StepRecord) -> Option<u32> {
    record.share.filter(|_| step.environment.as_deref() == Some(record.to.as_str()))
}

/// Whether a step has a place in a release with a share: a smoke test would meet both models, and the alias stays with what has the rest.
pub(crate) fn has(record: &ReleaseRecord, environment: &str, action: Action) -> bool {
    let is_shared = record.share.is_some() && record.to == environment;
    !is_shared || !matches!(action, Action::SmokeTest | Action::Alias)
}

impl<A: Actor> Driver<'_, A> {
    /// What the adapter is to do for a share of the requests.
    pub(crate) fn divided(&self, environment: &PlannedEnvironment, percent: u32) -> Result<DeployTask, ReleaseError> {
        let there = beside(self.store, &environment.name, &self.release.record.model)?;
        let package = self.packaged();
        let weights = vec![
            Weight { package: there.package.digest, percent: 100 - percent },
            Weight { package: package.digest.clone(), percent },
        ];
        Ok(DeployTask::Traffic(self.deploy_release(&package), weights))
    }
}
