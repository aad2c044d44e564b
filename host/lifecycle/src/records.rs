//! The records of stages that ran, were taken from the cache, or were skipped.

use std::time::Duration;

use sprag_core::digest::Digest;
use sprag_core::plan::PlannedStage;
use sprag_schemas::record::{PluginRecord, StageRecord, StageReport, StageStatus};
use sprag_store::CacheEntry;

use crate::execute::Executed;
use crate::time::{before, now};

pub(crate) fn plugin_record(stage: &PlannedStage) -> PluginRecord {
    PluginRecord {
        reference: stage.plugin.to_string(),
        name: stage.info.name.clone(),
        version: stage.info.version.clone(),
        digest: stage.component.digest.to_string(),
        grants: stage.grant_lines(),
    }
}

pub(crate) fn skipped(stage: &PlannedStage, why: &str) -> StageRecord {
    StageRecord {
        name: stage.name.clone(),
        kind: stage.kind,
        plugin: plugin_record(stage),
        status: StageStatus::Skipped,
        reason: why.to_owned(),
        tier: stage.tier(),
        cache_key: None,
        cached_from: None,
        started_at: None,
        duration_ms: 0.0,
        params: stage.params.clone(),
        report: StageReport::default(),
        error: None,
    }
}

pub(crate) fn from_cache(stage: &PlannedStage, key: &Digest, entry: CacheEntry) -> StageRecord {
    StageRecord {
        status: entry.status,
        reason: entry.reason,
        tier: entry.tier,
        cache_key: Some(key.to_string()),
        cached_from: Some(entry.run_id),
        started_at: Some(now()),
        report: entry.report,
        ..skipped(stage, "")
    }
}

pub(crate) fn executed_record(stage: &PlannedStage, key: &Digest, executed: Executed, took: Duration) -> StageRecord {
    StageRecord { cache_key: Some(key.to_string()), ..told_record(stage, executed, took) }
}

/// The record of a stage whose work the cache never keeps.
pub(crate) fn told_record(stage: &PlannedStage, executed: Executed, took: Duration) -> StageRecord {
    StageRecord {
        status: executed.status,
        reason: executed.reason,
        started_at: Some(before(took)),
        duration_ms: took.as_secs_f64() * 1000.0,
        report: executed.report,
        error: executed.error,
        ..skipped(stage, "")
    }
}
