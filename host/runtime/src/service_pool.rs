//! Scorers of one model that many callers share: made when they are needed, used by one call at a time, kept for the next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sprag_data::Column;
use tokio::sync::Semaphore;

use crate::bindings::sprag::data::tables as wit;
use crate::engine::Runtime;
use crate::failure::StageFailure;
use crate::host::column_from_wit;
use crate::model::ModelSource;
use crate::scorer::{Scorer, Signature, prepare};
use crate::service::{ScorerFactory, ScorerSettings};

/// Scorers of one model.
///
/// A scorer that trapped, passed a limit, broke the contract or lost its caller in the middle of a call is thrown away, and the next call gets a fresh
/// one. So a future of [`ScorerPool::predict`] can be dropped at any time.
pub struct ScorerPool {
    factory: ScorerFactory,
    signature: Signature,
    wit_inputs: Vec<wit::Field>,
    idle: Mutex<Vec<Idle>>,
    room: Semaphore,
}

/// A scorer that waits for work, and whether it has done any.
struct Idle {
    /// Boxed, since it goes out and comes back with each call.
    scorer: Box<Scorer>,
    used: bool,
}

/// Rows that were scored.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The rows as the model took them, a column for each input.
    pub inputs: Vec<Column>,
    /// What it gave, a column for each output.
    pub outputs: Vec<Column>,
}

/// Why rows were not scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{failure}")]
pub struct ScoringFailure {
    /// What happened.
    pub failure: StageFailure,
    /// The end of what the scorer wrote to its standard output and error.
    pub last_words: String,
}

impl From<StageFailure> for ScoringFailure {
    fn from(failure: StageFailure) -> Self {
        Self { failure, last_words: String::new() }
    }
}

impl ScorerPool {
    /// Loads a model, and holds at most `most` scorers of it at once. One is made at once, so that a model that cannot be loaded shows here.
    ///
    /// # Errors
    /// The component does not fit the contract, refused the state, trapped or passed a limit.
    pub async fn load(
        runtime: &Runtime,
        source: &ModelSource,
        settings: &ScorerSettings,
        most: usize,
    ) -> Result<Self, StageFailure> {
        let factory = runtime.scorer_factory(source, settings)?;
        let scorer = Box::new(factory.make().await?);
        Ok(Self {
            signature: scorer.signature().clone(),
            wit_inputs: scorer.wit_inputs().to_vec(),
            idle: Mutex::new(vec![Idle { scorer, used: false }]),
            room: Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)),
            factory,
        })
    }

    /// The columns that the model takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Scores rows as [`Scorer::predict_columns`] does, on a scorer that is free, or when one is.
    ///
    /// A scorer that fills its memory over many calls, because its author never frees some of it, is replaced in the middle of a call: the caller notices
    /// nothing.
    ///
    /// # Errors
    /// Columns are not of the number, length or type that the model takes; the model refused, trapped, passed a limit or broke the contract.
    pub async fn predict(&self, rows: u32, inputs: Vec<Column>) -> Result<Scored, ScoringFailure> {
        let batch = prepare(&self.wit_inputs, rows, inputs)?;
        let outputs = self.predict_prepared(rows, &batch).await?;
        Ok(Scored { inputs: batch.into_iter().map(column_from_wit).collect(), outputs })
    }

    async fn predict_prepared(&self, rows: u32, batch: &[wit::Column]) -> Result<Vec<Column>, ScoringFailure> {
        let _permit = self.room.acquire().await.expect("the pool never closes it");
        if let Some(Idle { mut scorer, used }) = self.take() {
            let predicted = scorer.predict_prepared(rows, batch).await;
            let worn_out = used && matches!(&predicted, Err(StageFailure::Limit(hit)) if hit.key != "time");
            if !worn_out {
                return self.settle(scorer, predicted);
            }
        }
        let mut scorer = Box::new(self.factory.make().await?);
        let predicted = scorer.predict_prepared(rows, batch).await;
        self.settle(scorer, predicted)
    }

    /// Makes scorers until as many wait as there is room for calls.
    ///
    /// # Errors
    /// One could not be made.
    pub async fn fill(&self) -> Result<(), StageFailure> {
        let waiting = self.lock().len();
        for _ in waiting..self.room.available_permits() {
            let scorer = Box::new(self.factory.make().await?);
            self.lock().push(Idle { scorer, used: false });
        }
        Ok(())
    }

    fn take(&self) -> Option<Idle> {
        self.lock().pop()
    }

    /// Keeps a scorer that can be asked again, and takes the last words of one that cannot.
    fn settle<T>(&self, scorer: Box<Scorer>, result: Result<T, StageFailure>) -> Result<T, ScoringFailure> {
        let last_words = if result.is_err() { scorer.last_words() } else { String::new() };
        if scorer.is_usable() {
            self.lock().push(Idle { scorer, used: true });
        }
        result.map_err(|failure| ScoringFailure { failure, last_words })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
