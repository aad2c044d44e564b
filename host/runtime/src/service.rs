//! Models outside of any stage: for a service, a batch job, a comparison.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use sprag_core::digest::Digest;
use sprag_core::limits::Limits;
use sprag_schemas::manifest::Clock;

use crate::blobs::{BlobSink, Blobs, NoSink, ReadAt, ReaderHandle};
use crate::call::{Cancel, StageCall};
use crate::engine::Runtime;
use crate::failure::StageFailure;
use crate::model::{ModelSource, name_failure};
use crate::scorer::{Linked, Scorer, Serves};
use crate::state::Shared;

/// What a scorer outside of any stage may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScorerSettings {
    /// The limits: `time` holds for each call on its own, and for loading; `memory` holds for each instance.
    pub limits: Limits,
    /// The seed of all chance.
    pub seed: u64,
}

/// Makes scorers of one model. The component is linked once, so that a further scorer costs microseconds and the reading of the model's state.
pub struct ScorerFactory {
    runtime: Runtime,
    linked: Linked,
    call: StageCall,
    state: ReaderHandle,
    name: String,
}

impl Runtime {
    /// Gets ready to make scorers of a model.
    ///
    /// # Errors
    /// The component does not fit the contract.
    pub fn scorer_factory(&self, source: &ModelSource, settings: &ScorerSettings) -> Result<ScorerFactory, StageFailure> {
        let call = StageCall {
            component: source.scorer.clone(),
            params_json: "{}".to_owned(),
            seed: settings.seed,
            inputs: BTreeMap::new(),
            env: vec![],
            clock: Clock::Frozen,
            limits: settings.limits.clone(),
            blobs: Arc::new(Nowhere),
            observer: Arc::new(|_| ()),
            cancel: Cancel::default(),
            outbound: None,
            folders: None,
            services: None,
            processes: None,
        };
        let linked = Linked::new(self, &source.scorer)?;
        let name = source.version.clone().unwrap_or_else(|| source.digest.to_string());
        Ok(ScorerFactory { runtime: self.clone(), linked, call, state: source.state.clone(), name })
    }

    /// Loads a model outside of any stage.
    ///
    /// # Errors
    /// The component does not fit the contract, refused the state, trapped or passed a limit.
    pub async fn scorer(&self, source: &ModelSource, settings: &ScorerSettings) -> Result<Scorer, StageFailure> {
        self.scorer_factory(source, settings)?.make().await
    }
}

impl ScorerFactory {
    /// Makes one more scorer: an instance that has read the model's state.
    ///
    /// # Errors
    /// The scorer refused the state, trapped or passed a limit.
    pub async fn make(&self) -> Result<Scorer, StageFailure> {
        let shared = Shared::new(&self.call);
        let clock = shared.clock.clone();
        let started = Scorer::start(&self.runtime, &self.linked, &self.call, shared, self.state.clone(), Serves::Caller);
        started.await.map_err(|failure| name_failure(&format!("the scorer of {}", self.name), failure.into_failure(&clock)))
    }
}

/// Storage that keeps nothing: what a scorer writes beside its predictions goes nowhere.
struct Nowhere;

impl Blobs for Nowhere {
    fn create(&self) -> io::Result<Box<dyn BlobSink>> {
        Ok(Box::new(NoSink::default()))
    }

    fn open(&self, _: &Digest) -> io::Result<Arc<dyn ReadAt>> {
        Err(io::ErrorKind::NotFound.into())
    }
}
