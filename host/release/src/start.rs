//! The beginning of a release and of a rollback.

use sprag_lifecycle::{Project, new_id, now, origin};
use sprag_schemas::record::{ModelVersion, Origin};
use sprag_schemas::release::{DeploymentEntry, DeploymentEvent, Purpose, ReleaseOutcome, ReleaseRecord};
use sprag_store::{Store, StoreError, StoredRelease};

use crate::{ReleaseError, share};

/// Where a version is to be released, and by whom.
#[derive(Debug, Clone, Default)]
pub struct ReleaseRequest<'a> {
    /// The last environment that it goes to. Default: the last of the project.
    pub to: Option<&'a str>,
    /// Of the requests there, the percentage that it gets beside what is verified there. Default: all of them.
    pub share: Option<u32>,
    /// Why it is begun.
    pub why: Option<String>,
    /// By what other names whoever begins it is known: those of a key that came with the command. They are authors as the account's name is.
    pub known_as: Vec<String>,
}

/// What to roll back.
#[derive(Debug, Clone, Default)]
pub struct RollbackRequest {
    /// The environment, or the alias that one of them has.
    pub place: String,
    /// The version to go back to. Default: the one that passed its test there before the present one.
    pub to: Option<u64>,
    /// Why the rule for emergencies is used; none to use the usual one.
    pub emergency: Option<String>,
    /// Why it is begun.
    pub why: Option<String>,
    /// By what other names whoever begins it is known: those of a key that came with the command.
    pub known_as: Vec<String>,
}

/// The release of a version that has not ended: killed, cancelled, failed or waiting. The same version to the same share of the same environment is not
/// released twice at once.
///
/// # Errors
/// The store cannot be read.
pub fn open_release(
    store: &Store,
    version: &ModelVersion,
    to: &str,
    share: Option<u32>,
) -> Result<Option<StoredRelease>, ReleaseError> {
    let is_same = |release: &StoredRelease| {
        let record = &release.record;
        record.purpose == Purpose::Release && record.version == version.version && record.to == to && record.share == share
    };
    Ok(store.open_releases()?.into_iter().find(is_same))
}

/// The environment that a release goes to: the one that is named, else the last.
pub(crate) fn target<'a>(project: &'a Project, to: Option<&'a str>) -> Result<&'a str, ReleaseError> {
    match to {
        Some(to) => known(project, to),
        None => project.plan.environments.last().map(|last| last.name.as_str()).ok_or(ReleaseError::NoEnvironments),
    }
}

/// Records that a release begins, and gives it. One of the same version to the same environment that has not ended is given instead, as it was begun.
///
/// # Errors
/// There is no such environment, nothing verified to share its requests with, or the store cannot be written.
pub fn start_release(
    project: &Project,
    store: &Store,
    version: &ModelVersion,
    request: &ReleaseRequest<'_>,
) -> Result<StoredRelease, ReleaseError> {
    let to = target(project, request.to)?;
    if let Some(open) = open_release(store, version, to, request.share)? {
        return Ok(open);
    }
    if request.share.is_some() {
        share::beside(store, to, &version.model.digest)?;
    }
    begin(project, store, version, to, Purpose::Release, |record| {
        record.share = request.share;
        record.why.clone_from(&request.why);
        add_authors(record, &request.known_as);
    })
}

/// Records that a rollback begins, and gives it.
///
/// # Errors
/// There is no such environment, nothing to go back to, or no rule for emergencies; or the store cannot be written.
pub fn start_rollback(project: &Project, store: &Store, request: &RollbackRequest) -> Result<StoredRelease, ReleaseError> {
    let environment = environment_of(project, &request.place)?;
    let settings = &project.manifest.environments[environment];
    if request.emergency.is_some() && settings.approval.as_ref().is_some_and(|approval| approval.emergency.is_none()) {
        return Err(ReleaseError::NoEmergencyRule { environment: environment.to_owned() });
    }
    let entry = to_go_back_to(store, environment, request.to)?;
    let version = store.version(&entry.version.name, entry.version.version)?;
    let version = version.ok_or_else(|| ReleaseError::UnknownVersion(entry.version.to_string()))?;
    begin(project, store, &version, environment, Purpose::Rollback, |record| {
        record.package = Some(entry.package.clone());
        record.emergency.clone_from(&request.emergency);
        record.why.clone_from(&request.why);
        add_authors(record, &request.known_as);
    })
}

/// What passed its test in an environment and does not run there now.
fn to_go_back_to(store: &Store, environment: &str, to: Option<u64>) -> Result<DeploymentEntry, ReleaseError> {
    let now = store.standing(environment)?.first().map(|entry| entry.package.digest.clone());
    let history = store.deployments(environment)?.into_iter();
    let verified: Vec<_> = history.filter(|entry| entry.event == DeploymentEvent::Verified).collect();
    let fits = |entry: &&DeploymentEntry| match to {
        Some(number) => entry.version.version == number,
        None => Some(&entry.package.digest) != now.as_ref(),
    };
    verified.iter().find(fits).cloned().ok_or_else(|| {
        let mut found: Vec<_> = verified.iter().map(|entry| entry.version.to_string()).collect();
        found.dedup();
        ReleaseError::NothingVerified {
            environment: environment.to_owned(),
            wanted: to.map_or_else(|| "another version".to_owned(), |number| format!("version {number}")),
            found: if found.is_empty() { "none".to_owned() } else { found.join(", ") },
        }
    })
}

fn known<'a>(project: &Project, name: &'a str) -> Result<&'a str, ReleaseError> {
    let environments = &project.plan.environments;
    if environments.is_empty() {
        return Err(ReleaseError::NoEnvironments);
    }
    if environments.iter().any(|environment| environment.name == name) {
        return Ok(name);
    }
    let known = environments.iter().map(|environment| environment.name.clone()).collect();
    Err(ReleaseError::UnknownEnvironment { found: name.to_owned(), known })
}

/// The environment that a person means by its name, or by its alias.
///
/// # Errors
/// There is none.
pub fn environment_of<'a>(project: &'a Project, place: &'a str) -> Result<&'a str, ReleaseError> {
    let has_alias =
        |(_, environment): &(&String, &sprag_schemas::environments::Environment)| environment.alias.as_deref() == Some(place);
    match project.manifest.environments.iter().find(has_alias) {
        Some((name, _)) if project.plan.environment(place).is_none() => Ok(name),
        _ => known(project, place),
    }
}

fn begin(
    project: &Project,
    store: &Store,
    version: &ModelVersion,
    to: &str,
    purpose: Purpose,
    change: impl FnOnce(&mut ReleaseRecord),
) -> Result<StoredRelease, ReleaseError> {
    let origin = origin(&project.root);
    let mut record = ReleaseRecord {
        id: String::new(),
        project: project.manifest.project.name.clone(),
        purpose,
        outcome: ReleaseOutcome::Running,
        reason: String::new(),
        version: version.version.clone(),
        model: version.model.digest.clone(),
        to: to.to_owned(),
        package: None,
        started_at: now(),
        finished_at: None,
        authors: authors(&project.root, &origin, version, purpose),
        origin,
        steps: vec![],
        emergency: None,
        share: None,
        why: None,
    };
    change(&mut record);
    loop {
        record.id = new_id();
        match store.start_release(record.clone()) {
            // Two releases of one second may draw the same characters.
            Err(StoreError::ReleaseExists { .. }) => {}
            started => return Ok(started?),
        }
    }
}

/// Who made it: who started the release, who ran the training, and who wrote the commit that it was trained at. Whoever rolls back made nothing but the
/// decision to.
fn authors(root: &std::path::Path, origin: &Origin, version: &ModelVersion, purpose: Purpose) -> Vec<String> {
    let mut authors = vec![origin.by.clone()];
    if purpose == Purpose::Release {
        authors.push(version.lineage.origin.by.clone());
        authors.extend(version.lineage.origin.git_commit.as_deref().and_then(|commit| commit_author(root, commit)));
    }
    authors.retain(|author| !author.is_empty());
    authors.sort();
    authors.dedup();
    authors
}

fn add_authors(record: &mut ReleaseRecord, names: &[String]) {
    record.authors.extend_from_slice(names);
    record.authors.sort();
    record.authors.dedup();
}

fn commit_author(root: &std::path::Path, commit: &str) -> Option<String> {
    let output = std::process::Command::new("git")
        .args(["log", "-1", "--format=%ae", commit])
        .current_dir(root)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .output()
        .ok()?;
    let author = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !author.is_empty()).then_some(author)
}
