//! What a release would change, without changing it.

use serde::Serialize;
use sprag_lifecycle::Project;
use sprag_runtime::{Change, DeployRelease, DeployTask, Deployed};
use sprag_schemas::record::{ModelVersion, VersionRef};
use sprag_store::Store;

use crate::start::target;
use crate::{Actor, ReleaseError};

/// What a release would change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Preview {
    /// The version.
    pub version: VersionRef,
    /// The digest of its package.
    pub package: String,
    /// The environments, in the order in which it goes through them.
    pub environments: Vec<PreviewEnvironment>,
}

/// What a release would change in an environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PreviewEnvironment {
    /// The environment's name.
    pub name: String,
    /// The version that runs there now; none where nothing does.
    pub replaces: Option<VersionRef>,
    /// What the deploy adapter would do.
    pub changes: Vec<Change>,
    /// Why it could not say; none where it could.
    pub error: Option<String>,
}

/// Asks each environment's deploy adapter what a release would change. The package is made, since what is deployed is named by its
/// digest; it is sent nowhere, and nothing else is made.
///
/// # Errors
/// There is no such environment, or the store cannot be read.
pub async fn preview(
    project: &Project,
    store: &Store,
    actor: &impl Actor,
    version: &ModelVersion,
    to: Option<&str>,
) -> Result<Preview, ReleaseError> {
    let to = target(project, to)?;
    let packaged = actor.prepare(version).await.result;
    let package = packaged.map_err(|failure| ReleaseError::NoPackage { message: failure.to_record().message })?;
    let mut environments = vec![];
    for environment in &project.plan.environments {
        let task = DeployTask::Plan(DeployRelease {
            version: version.version.version,
            model_digest: version.model.digest.clone(),
            package: package.digest.clone(),
            image: package.image.clone(),
        });
        let (changes, error) = match actor.deploy(environment, &version.version.name, &task).await.result {
            Ok(Deployed::Changes(changes)) => (changes, None),
            Ok(Deployed::State(_)) => (vec![], Some("expected a list of changes from the adapter, found a state".to_owned())),
            Err(failure) => (vec![], Some(failure.to_record().message)),
        };
        environments.push(PreviewEnvironment {
            name: environment.name.clone(),
            replaces: store.environment_state(&environment.name)?.newest.map(|entry| entry.version),
            changes,
            error,
        });
        if environment.name == to {
            break;
        }
    }
    Ok(Preview { version: version.version.clone(), package: package.digest, environments })
}
