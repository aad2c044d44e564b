//! The statement of a release as it stands now: what approvers sign, made anew from the project, the registry and the store each time somebody looks.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use sprag_core::plan::PlannedEnvironment;
use sprag_lifecycle::Project;
use sprag_schemas::approval::Statement;
use sprag_schemas::environments::Environment;
use sprag_schemas::quantity::TimeSpan;
use sprag_schemas::record::ModelVersion;
use sprag_schemas::release::{DeploymentEntry, DeploymentEvent, PackageRecord, ReleaseRecord};
use sprag_store::Store;

use crate::{ReleaseError, identity};

/// How long a request waits where the project does not say.
const EXPIRES: TimeSpan = TimeSpan(std::time::Duration::from_secs(24 * 60 * 60));

/// When an approval was asked for, and until when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) requested_at: String,
    pub(crate) expires_at: String,
}

impl Window {
    /// The window of a request that is made now.
    pub(crate) fn from(now: &str, environment: &Environment) -> Self {
        let span = environment.approval.as_ref().and_then(|approval| approval.expires).unwrap_or(EXPIRES);
        let start = DateTime::parse_from_rfc3339(now).map(|time| time.to_utc()).unwrap_or_else(|_| Utc::now());
        let end = chrono::Duration::from_std(span.0).ok().and_then(|span| start.checked_add_signed(span)).unwrap_or(start);
        Self { requested_at: now.to_owned(), expires_at: end.to_rfc3339_opts(SecondsFormat::Millis, true) }
    }

    /// The window of a request that was made.
    pub(crate) fn of(statement: &Statement) -> Self {
        Self { requested_at: statement.requested_at.clone(), expires_at: statement.expires_at.clone() }
    }
}

/// What runs in an environment other than by this release: what it would replace.
pub(crate) fn replaced(store: &Store, environment: &str, release: &str) -> Result<Option<DeploymentEntry>, ReleaseError> {
    Ok(store.standing(environment)?.into_iter().find(|entry| entry.release != release))
}

/// What an environment has to compare with: what last passed its test there, else whatever is there. A release with a share of the requests leaves its
/// champion in that place.
pub(crate) fn champion(store: &Store, environment: &str, release: &str) -> Result<Option<DeploymentEntry>, ReleaseError> {
    let others: Vec<_> = store.standing(environment)?.into_iter().filter(|entry| entry.release != release).collect();
    let verified = others.iter().find(|entry| entry.event == DeploymentEvent::Verified);
    Ok(verified.or(others.first()).cloned())
}

/// The statement as it stands now.
pub(crate) fn statement(
    project: &Project,
    store: &Store,
    release: &ReleaseRecord,
    version: &ModelVersion,
    package: &PackageRecord,
    environment: &PlannedEnvironment,
    window: Window,
) -> Result<Statement, ReleaseError> {
    let settings = &project.manifest.environments[&environment.name];
    let replaces = replaced(store, &environment.name, &release.id)?.map(|entry| entry.package.digest);
    Ok(Statement {
        release: release.id.clone(),
        project: release.project.clone(),
        environment: environment.name.clone(),
        version: release.version.clone(),
        model: version.model.digest.clone(),
        plan: plan(project)?,
        evaluation: evaluation(version),
        package: package.digest.clone(),
        target: target(project, environment, settings, release)?,
        replaces,
        requested_at: window.requested_at,
        expires_at: window.expires_at,
        authors: release.authors.clone(),
    })
}

/// The digest over the stages of releases and over what the lockfile would pin.
fn plan(project: &Project) -> Result<String, ReleaseError> {
    let environments = project.plan.environments.iter().flat_map(|environment| environment.stages());
    let stages = project.plan.package.iter().chain(environments);
    let stages = stages.map(|stage| identity::stage(project, stage)).collect::<Result<Vec<_>, _>>()?;
    let order: Vec<_> = project.plan.environments.iter().map(|environment| &environment.name).collect();
    let lock = sprag_core::lock::lockfile(&project.plan, &project.manifests);
    Ok(identity::digest(&json!({ "stages": stages, "order": order, "lock": lock, "release": project.manifest.release })))
}

/// The digest over what the evaluation found.
fn evaluation(version: &ModelVersion) -> String {
    let lineage = &version.lineage;
    identity::digest(&json!({
        "run": lineage.run_id,
        "decision": lineage.decision,
        "metrics": version.metrics,
        "holdout": lineage.data.holdout_digest,
        "model": version.model.digest,
    }))
}

/// The digest over where the release goes.
fn target(
    project: &Project,
    environment: &PlannedEnvironment,
    settings: &Environment,
    release: &ReleaseRecord,
) -> Result<String, ReleaseError> {
    let stages = environment.stages().map(|stage| identity::stage(project, stage)).collect::<Result<Vec<_>, _>>()?;
    Ok(identity::digest(&json!({
        "environment": environment.name,
        "alias": settings.alias,
        "key": settings.key.as_deref().map(|name| identity::secret(project, name)),
        "rule": settings.approval,
        "stages": stages,
        "share": release.share.filter(|_| release.to == environment.name),
    })))
}
