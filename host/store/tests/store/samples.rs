//! Records to put into a store.

use std::collections::BTreeMap;

use sprag_core::digest::Digest;
use sprag_schemas::manifest::{DataFormat, Kind};
use sprag_schemas::record::{
    AliasEntry, Artifact, DataRecord, Lineage, Metric, ModelField, ModelRecord, Origin, PluginRecord, RunOutcome, RunRecord,
    StageRecord, StageReport, StageStatus, Tier,
};
use sprag_store::{CacheEntry, NewAlias, NewVersion, Store};

pub(crate) const AT: &str = "2026-11-22T15:43:00Z";

/// A store in a folder that lasts as long as the first value.
pub(crate) fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join(".sprag")).unwrap();
    (folder, store)
}

/// A run that has begun.
pub(crate) fn run(id: &str) -> RunRecord {
    RunRecord {
        id: id.to_owned(),
        project: "diabetes".to_owned(),
        outcome: RunOutcome::Running,
        reason: String::new(),
        started_at: AT.to_owned(),
        finished_at: None,
        origin: Origin { by: "ada".to_owned(), sprag_version: "0.1.0".to_owned(), ..Origin::default() },
        seed: u64::MAX,
        data: Some(data()),
        stages: Vec::new(),
        candidate: None,
        production: None,
        registered: None,
        batches: Vec::new(),
        pipeline: None,
        trigger: None,
        tags: Default::default(),
        policies: Vec::new(),
        traceparent: None,
    }
}

/// A stage that left this report.
pub(crate) fn stage(name: &str, report: StageReport) -> StageRecord {
    StageRecord {
        name: name.to_owned(),
        kind: Kind::Train,
        plugin: PluginRecord {
            reference: "train-ridge".to_owned(),
            name: "train-ridge".to_owned(),
            version: "0.1.0".to_owned(),
            digest: Digest::of(b"component").to_string(),
            grants: Vec::new(),
        },
        status: StageStatus::Passed,
        reason: "trained".to_owned(),
        tier: Tier::Hermetic,
        cache_key: None,
        cached_from: None,
        started_at: None,
        duration_ms: 1.5,
        params: serde_json::from_str(r#"{"alpha": 0.1}"#).unwrap(),
        report,
        error: None,
    }
}

/// A metric.
pub(crate) fn metric(name: &str, value: f64) -> Metric {
    Metric { name: name.to_owned(), value, step: None, split: None }
}

/// A report that names this content as its only artifact.
pub(crate) fn report(bytes: &[u8]) -> StageReport {
    let artifact = Artifact {
        name: "report".to_owned(),
        media_type: "text/plain".to_owned(),
        digest: Digest::of(bytes).to_string(),
        bytes: bytes.len() as u64,
    };
    StageReport { artifacts: vec![artifact], metrics: vec![metric("mse", 0.1 + 0.2)], ..StageReport::default() }
}

/// A model with this state.
pub(crate) fn model(state: &[u8]) -> ModelRecord {
    ModelRecord {
        digest: Digest::of(&[state, b"scorer"].concat()).to_string(),
        scorer: Digest::of(b"scorer").to_string(),
        state: Digest::of(state).to_string(),
        state_bytes: state.len() as u64,
        media_type: "application/onnx".to_owned(),
        inputs: vec![ModelField { name: "BMI".to_owned(), dtype: "float".to_owned() }],
        outputs: vec![ModelField { name: "Y".to_owned(), dtype: "float".to_owned() }],
    }
}

/// What a stage of the run left in the cache.
pub(crate) fn entry(key: Digest, run_id: &str, report: StageReport) -> CacheEntry {
    let (stage, reason) = ("train".to_owned(), "trained".to_owned());
    CacheEntry { key, run_id: run_id.to_owned(), stage, status: StageStatus::Passed, reason, report, tier: Tier::Hermetic }
}

/// A version of `name` that this run registers.
pub(crate) fn version(name: &str, run_id: &str, state: &[u8]) -> NewVersion {
    NewVersion {
        name: name.to_owned(),
        model: model(state),
        created_at: AT.to_owned(),
        lineage: Lineage {
            run_id: run_id.to_owned(),
            trained_in: run_id.to_owned(),
            origin: Origin::default(),
            data: data(),
            components: BTreeMap::new(),
            params: BTreeMap::new(),
            tier: Tier::Hermetic,
            decision: None,
            processes: vec![],
        },
        tags: BTreeMap::from([("team".to_owned(), "health".to_owned())]),
        metrics: BTreeMap::from([("mse".to_owned(), 3_298.885_589_364_046)]),
    }
}

/// The alias `production` for a version that is being registered.
pub(crate) fn production() -> NewAlias {
    NewAlias {
        alias: "production".to_owned(),
        version: None,
        at: AT.to_owned(),
        by: "ada".to_owned(),
        reason: "better".to_owned(),
    }
}

/// One move of an alias.
pub(crate) fn alias(name: &str, alias: &str, version: u64, reason: &str) -> AliasEntry {
    let (at, by) = (AT.to_owned(), "ada".to_owned());
    AliasEntry { name: name.to_owned(), alias: alias.to_owned(), version, at, by, reason: reason.to_owned(), run_id: None }
}

fn data() -> DataRecord {
    DataRecord {
        path: "data/diabetes.csv".to_owned(),
        file_digest: Digest::of(b"file").to_string(),
        table_digest: Digest::of(b"table").to_string(),
        format: DataFormat::Csv,
        target: "Y".to_owned(),
        training_digest: Digest::of(b"training").to_string(),
        holdout_digest: Digest::of(b"holdout").to_string(),
        rows: Some(442),
    }
}
