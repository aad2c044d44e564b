//! What a page shows of a run that is not in its record: predictions, and what earlier versions had.

use std::collections::BTreeMap;

use sprag_core::digest::Digest;
use sprag_pages::evaluation::{self, Evaluation};
use sprag_pages::facts;
use sprag_pages::predictions::{self, Predictions};
use sprag_pages::run::Beside;
use sprag_schemas::record::RunRecord;
use sprag_store::{Store, StoreError};

/// How many versions back a metric is shown.
const VERSIONS: usize = 50;

/// What a page shows beside a run's record.
///
/// # Errors
/// The store cannot be read.
pub fn beside(store: &Store, record: &RunRecord) -> Result<Beside, StoreError> {
    let predictions = text(store, record, predictions::ARTIFACT).and_then(|text| Predictions::read(&text));
    Ok(Beside { predictions, evaluation: evaluation(store, record), history: history(store, record)?, artifacts: None })
}

/// What a run's evaluation knows beyond the record.
pub fn evaluation(store: &Store, record: &RunRecord) -> Option<Evaluation> {
    text(store, record, evaluation::ARTIFACT).and_then(|text| Evaluation::read(&text))
}

/// The text of an artifact. One that is gone takes nothing else with it.
fn text(store: &Store, record: &RunRecord, name: &str) -> Option<String> {
    let artifacts = record.stages.iter().flat_map(|stage| &stage.report.artifacts);
    let digest =
        artifacts.filter(|artifact| artifact.name == name).find_map(|artifact| artifact.digest.parse::<Digest>().ok())?;
    String::from_utf8(store.read_blob(&digest).ok()?).ok()
}

/// What the versions of the run's model had, of what the run itself was measured by.
fn history(store: &Store, record: &RunRecord) -> Result<BTreeMap<String, Vec<(u64, f64)>>, StoreError> {
    let mut history: BTreeMap<String, Vec<(u64, f64)>> = BTreeMap::new();
    let Some(name) = record.registered.as_ref().or(record.production.as_ref()).map(|version| version.name.clone()) else {
        return Ok(history);
    };
    let versions = store.versions(&name)?;
    for version in &versions[versions.len().saturating_sub(VERSIONS)..] {
        let Some(run) = store.run(&version.lineage.run_id)? else { continue };
        for metric in facts::compared(&run) {
            history.entry(metric.name).or_default().push((version.version.version, metric.candidate));
        }
    }
    Ok(history)
}
