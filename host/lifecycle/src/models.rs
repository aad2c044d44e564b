//! Models between the store and the runtime.

use std::sync::Arc;

use sprag_core::digest::Digest;
use sprag_core::model::model_digest;
use sprag_runtime::blobs::{Blobs, ReaderHandle};
use sprag_runtime::{ModelSource, Runtime, Trained};
use sprag_schemas::record::{ModelRecord, ModelVersion};
use sprag_store::Store;

use crate::RunError;
use crate::blobs::StoreBlobs;
use crate::project::Component;

/// The record of a model that was just trained.
pub(crate) fn record(trained: Trained, scorer: Digest) -> ModelRecord {
    ModelRecord {
        digest: model_digest(&scorer, &trained.state).to_string(),
        scorer: scorer.to_string(),
        state: trained.state.to_string(),
        state_bytes: trained.bytes,
        media_type: trained.media_type,
        inputs: trained.inputs,
        outputs: trained.outputs,
    }
}

/// Opens a registered version, to be scored with.
///
/// # Errors
/// Its scorer or its state is not in the store, or the scorer cannot be compiled.
pub fn open_version(runtime: &Runtime, store: &Arc<Store>, version: &ModelVersion) -> Result<ModelSource, RunError> {
    open(runtime, store, &version.model, Some(version), None)
}

/// Opens a model: its scorer, which is the project's own trainer or lies in the store since it was registered, and its state.
pub(crate) fn open(
    runtime: &Runtime,
    store: &Arc<Store>,
    model: &ModelRecord,
    version: Option<&ModelVersion>,
    trainer: Option<&Component>,
) -> Result<ModelSource, RunError> {
    let parse = |text: &str| text.parse::<Digest>().expect("the store reads back only records that it wrote");
    let scorer = parse(&model.scorer);
    let loaded = match trainer.filter(|component| component.digest == scorer) {
        Some(component) => runtime.load(scorer, &component.bytes)?,
        None => runtime.load(scorer, &store.read_blob(&scorer)?)?,
    };
    let state = parse(&model.state);
    // Opened through the store first, for the store's own error where it is missing.
    store.open_blob(&state)?;
    let bytes = StoreBlobs(store.clone()).open(&state).map_err(|error| sprag_runtime::LoadError::Engine(error.to_string()))?;
    Ok(ModelSource {
        scorer: loaded,
        state: ReaderHandle { bytes, media_type: model.media_type.clone() },
        digest: parse(&model.digest),
        version: version.map(|version| version.version.to_string()),
    })
}
