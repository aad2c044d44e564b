//! Removing what runs in an environment.

use sprag_core::plan::PlannedEnvironment;
use sprag_lifecycle::Project;
use sprag_runtime::{Change, DeployTask, Deployed, StageFailure};
use sprag_schemas::release::{DeploymentEntry, DeploymentEvent};
use sprag_store::Store;

use crate::error::REMOVAL;
use crate::{Actor, ReleaseError};

/// Lets the deploy adapter of an environment remove the service and all that it made for it, and records that nothing runs there any more. What the
/// environment ran before stays in its history, so that a rollback can bring it back. To remove what is gone already changes nothing.
///
/// `by` and `reason` say who removed it and why; `at` is the time (RFC 3339, UTC).
///
/// # Errors
/// A release is at work there, the adapter failed, or the store cannot be written.
pub async fn remove(
    project: &Project,
    store: &Store,
    actor: &impl Actor,
    environment: &PlannedEnvironment,
    (by, reason, at): (&str, &str, &str),
) -> Result<Vec<Change>, ReleaseError> {
    let name = &environment.name;
    let lock = store.try_lock_environment(name, REMOVAL)?;
    let _lock = lock.map_err(|busy| ReleaseError::Busy { environment: name.clone(), holder: busy.holder })?;
    let standing = store.standing(name)?.into_iter().next();
    let model = standing.as_ref().map_or(project.manifest.model_name(), |entry| entry.version.name.as_str());
    let failed = |failure| ReleaseError::NotRemoved { environment: name.clone(), failure };
    let changes = match actor.deploy(environment, model, &DeployTask::Destroy).await.result.map_err(failed)? {
        Deployed::Changes(changes) => changes,
        Deployed::State(_) => {
            let message = "expected a list of changes from the adapter, found a state".to_owned();
            return Err(failed(StageFailure::Contract(message)));
        }
    };
    if let Some(last) = standing {
        store.add_deployment(&DeploymentEntry {
            event: DeploymentEvent::Removed,
            endpoint: None,
            at: at.to_owned(),
            by: by.to_owned(),
            reason: reason.to_owned(),
            ..last
        })?;
    }
    Ok(changes)
}
