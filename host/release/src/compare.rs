//! What approvers are told: the release, what it would replace, and how the two compare.

use std::collections::{BTreeMap, BTreeSet};

use sprag_core::approval::{Policy, statement_digest};
use sprag_schemas::approval::Statement;
use sprag_schemas::record::ModelVersion;
use sprag_schemas::release::{ComparedMetric, Difference, ReleaseEvent, ReleaseEventKind, ReleaseRecord};
use sprag_store::Store;

use crate::ReleaseError;

/// What the metrics of an evaluation begin with, by whose they are.
const CANDIDATE: &str = "candidate.";
const PRODUCTION: &str = "production.";

/// The digest of the model that a version was held against when it was evaluated; none where there was none, or where nobody knows any more.
pub(crate) fn compared_with(store: &Store, version: &ModelVersion) -> Result<Option<String>, ReleaseError> {
    let Some(there) = store.run(&version.lineage.run_id)?.and_then(|run| run.production) else { return Ok(None) };
    Ok(store.version(&there.name, there.version)?.map(|version| version.model.digest))
}

/// The event about a release. `compared` is the digest of the model that the version was held against when it was evaluated.
pub fn event(
    kind: ReleaseEventKind,
    release: &ReleaseRecord,
    statement: &Statement,
    version: &ModelVersion,
    (replaced, compared): (Option<&ModelVersion>, Option<&str>),
    policy: Option<&Policy>,
) -> ReleaseEvent {
    ReleaseEvent {
        event: kind,
        project: release.project.clone(),
        release: release.id.clone(),
        purpose: release.purpose,
        reason: release.reason.clone(),
        emergency: release.emergency.clone(),
        environment: statement.environment.clone(),
        version: release.version.clone(),
        replaces: replaced.map(|version| version.version.clone()),
        share: release.share.filter(|_| release.to == statement.environment),
        digest: statement_digest(statement).to_string(),
        statement: statement.clone(),
        decision: version.lineage.decision.clone(),
        metrics: metrics(version, replaced, compared),
        differences: differences(version, replaced),
        required: policy.map_or(0, |policy| policy.required),
        approvers: policy.map(|policy| policy.signers.people()).unwrap_or_default(),
        approve_with: approve_with(&release.id, statement),
        build_uri: release.origin.build_uri.clone(),
    }
}

/// The command that approves this statement and no other.
pub fn approve_with(release: &str, statement: &Statement) -> String {
    format!("sprag approve {release} --statement {} --reason \"...\"", statement_digest(statement))
}

/// The metrics of the evaluation, beside those of the version that would be replaced, where both were measured on the same rows. What the evaluation says of
/// production is said of the model that was there then, and of no other.
fn metrics(version: &ModelVersion, replaced: Option<&ModelVersion>, compared: Option<&str>) -> Vec<ComparedMetric> {
    let of = |version: &ModelVersion, whose: &str| -> BTreeMap<String, f64> {
        let metrics = version.metrics.iter();
        metrics.filter_map(|(name, value)| Some((name.strip_prefix(whose)?.to_owned(), *value))).collect()
    };
    let other = match replaced {
        Some(other) if other.model.digest == version.model.digest => of(version, CANDIDATE),
        Some(other) if other.lineage.data.holdout_digest == version.lineage.data.holdout_digest => of(other, CANDIDATE),
        Some(other) if compared == Some(other.model.digest.as_str()) => of(version, PRODUCTION),
        Some(_) | None => BTreeMap::new(),
    };
    let own = of(version, CANDIDATE);
    own.into_iter().map(|(name, candidate)| ComparedMetric { production: other.get(&name).copied(), name, candidate }).collect()
}

/// Everything that differs in what the two versions came from.
fn differences(version: &ModelVersion, replaced: Option<&ModelVersion>) -> Vec<Difference> {
    let Some(replaced) = replaced else { return vec![] };
    let (before, now) = (facts(replaced), facts(version));
    let names: BTreeSet<_> = before.keys().chain(now.keys()).collect();
    let differing = names.into_iter().filter(|name| before.get(*name) != now.get(*name));
    let difference =
        |name: &String| Difference { what: name.clone(), before: before.get(name).cloned(), now: now.get(name).cloned() };
    differing.map(difference).collect()
}

fn facts(version: &ModelVersion) -> BTreeMap<String, String> {
    let lineage = &version.lineage;
    let mut facts = BTreeMap::from([
        ("model".to_owned(), version.model.digest.clone()),
        ("data file".to_owned(), lineage.data.file_digest.clone()),
        ("training rows".to_owned(), lineage.data.training_digest.clone()),
        ("hold-out rows".to_owned(), lineage.data.holdout_digest.clone()),
        ("trained by".to_owned(), lineage.origin.by.clone()),
    ]);
    facts.extend(lineage.origin.git_commit.iter().map(|commit| ("commit".to_owned(), commit.clone())));
    for (stage, plugin) in &lineage.components {
        facts.insert(format!("{stage} plugin"), format!("{} {} {}", plugin.name, plugin.version, plugin.digest));
    }
    for (stage, params) in &lineage.params {
        facts.extend(params.iter().map(|(name, value)| (format!("{stage} {name}"), value.to_string())));
    }
    facts
}
