//! Models as judging and registering stages hold them: loaded when first asked for a prediction.

use std::sync::Arc;

use sprag_core::digest::Digest;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use crate::blobs::ReaderHandle;
use crate::call::StageCall;
use crate::engine::{Loaded, Runtime};
use crate::failure::StageFailure;
use crate::scorer::Scorer;
use crate::state::Shared;

/// What a model is made of.
#[derive(Clone)]
pub struct ModelSource {
    /// The component that scores.
    pub scorer: Loaded,
    /// The model's state.
    pub state: ReaderHandle,
    /// The digest over both.
    pub digest: Digest,
    /// The name and version that it is registered under.
    pub version: Option<String>,
}

impl ModelSource {
    /// What errors call it.
    fn name(&self) -> &str {
        self.version.as_deref().unwrap_or("the candidate")
    }
}

/// The handle behind `sprag:stage/models.model`.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct ModelHandle(Arc<Slot>);

struct Slot {
    source: ModelSource,
    scorer: Mutex<Option<Scorer>>,
}

impl ModelHandle {
    pub(crate) fn new(source: ModelSource) -> Self {
        Self(Arc::new(Slot { source, scorer: Mutex::new(None) }))
    }

    pub(crate) fn source(&self) -> &ModelSource {
        &self.0.source
    }

    /// Loads the model's scorer where that has not happened, and gives it for a piece of work.
    pub(crate) async fn scorer(&self, needs: ScorerNeeds) -> Result<MappedMutexGuard<'_, Scorer>, StageFailure> {
        let mut slot = self.0.scorer.lock().await;
        if slot.is_none() {
            let ScorerNeeds { runtime, call, shared } = needs;
            let call = StageCall { component: self.0.source.scorer.clone(), ..call };
            let clock = shared.clock.clone();
            let loaded = Scorer::load(&runtime, &call, shared, self.0.source.state.clone()).await;
            *slot = Some(loaded.map_err(|failure| self.named(failure.into_failure(&clock)))?);
        }
        Ok(MutexGuard::map(slot, |slot| slot.as_mut().expect("the lines above filled it")))
    }

    /// A failure of the scorer, with the model's name.
    ///
    /// It fails the stage that asked: were it handed to the guest, a gate could look away and promote.
    pub(crate) fn named(&self, failure: StageFailure) -> StageFailure {
        name_failure(&format!("the scorer of {}", self.source().name()), failure)
    }
}

/// What loading a scorer takes from the stage that asks.
pub(crate) struct ScorerNeeds {
    pub(crate) runtime: Runtime,
    pub(crate) call: StageCall,
    pub(crate) shared: Shared,
}

/// A failure in which `scorer` had a part: says so.
pub(crate) fn name_failure(scorer: &str, failure: StageFailure) -> StageFailure {
    match failure {
        StageFailure::Plugin { kind, message } => StageFailure::Plugin { kind, message: format!("{scorer}: {message}") },
        StageFailure::Trap { message, frames } => StageFailure::Trap { message: format!("{scorer} {message}"), frames },
        StageFailure::Contract(message) => StageFailure::Contract(format!("{scorer}: {message}")),
        other => other,
    }
}
