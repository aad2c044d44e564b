//! What must be true of the model that a trainer made: it scores, in any division of the rows, and refuses states that no trainer wrote.

use std::sync::Arc;

use sprag_core::digest::Digest;
use sprag_core::model::model_digest;
use sprag_data::{Table, Values};
use sprag_runtime::blobs::ReaderHandle;
use sprag_runtime::{Loaded, ModelSource, Runtime, ScorerSettings, StageFailure};

use crate::judge::difference;
use crate::observed::Outcome;

/// The rows of a piece: few, and no divisor of the usual sizes.
const PIECE: usize = 7;

/// How many places of a state are damaged, one after the other.
const PLACES: usize = 48;

/// A model with what it takes to score with it.
pub(crate) struct Model<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) scorer: Loaded,
    pub(crate) state: Arc<Vec<u8>>,
    pub(crate) media_type: String,
    pub(crate) settings: ScorerSettings,
}

impl Model<'_> {
    /// The model as a stage is handed it.
    pub(crate) fn source(&self) -> ModelSource {
        self.of_state(self.state.clone())
    }

    fn of_state(&self, state: Arc<Vec<u8>>) -> ModelSource {
        let digest = model_digest(&self.scorer.digest, &Digest::of(&state));
        let state = ReaderHandle { bytes: state, media_type: self.media_type.clone() };
        ModelSource { scorer: self.scorer.clone(), state, digest, version: None }
    }

    /// The predictions for all rows of a table.
    pub(crate) async fn predict(&self, rows: &Table) -> Result<Table, StageFailure> {
        self.runtime.scorer(&self.source(), &self.settings).await?.predict(rows).await
    }

    /// What is wrong with the predictions for the rows of a table; none where all is well.
    pub(crate) async fn problem(&self, rows: &Table) -> Option<String> {
        let predicted = match self.predict(rows).await {
            Ok(predicted) => predicted,
            Err(failure) => return Some(format!("its model scores no row: {failure}")),
        };
        let Some(first) = predicted.schema().first() else { return Some("its model gives no column".to_owned()) };
        let most = u32::try_from(predicted.row_count()).unwrap_or(u32::MAX);
        let column = predicted.read(&first.name, 0, most).ok()?;
        let Values::Floats(values) = column.values else { return None };
        let row = values.iter().position(|value| !value.is_finite())?;
        Some(format!("its model predicts {} for row {}", values[row], row + 1))
    }

    /// How the predictions differ where the rows come in pieces; none where they do not.
    pub(crate) async fn in_pieces(&self, rows: &Table) -> Option<String> {
        let whole = match self.predict(rows).await {
            Ok(whole) => whole,
            Err(failure) => return Some(format!("its model scores no row: {failure}")),
        };
        let mut scorer = match self.runtime.scorer(&self.source(), &self.settings).await {
            Ok(scorer) => scorer,
            Err(failure) => return Some(failure.to_string()),
        };
        let numbers: Vec<u32> = (0..u32::try_from(rows.row_count()).unwrap_or(u32::MAX)).collect();
        for piece in numbers.chunks(PIECE) {
            let (Ok(rows), Ok(expected)) = (rows.rows(piece), whole.rows(piece)) else { continue };
            let found = match scorer.predict(&rows).await {
                Ok(found) => found,
                Err(failure) => return Some(format!("rows {} to {}: {failure}", piece[0] + 1, piece[piece.len() - 1] + 1)),
            };
            if let Some(difference) = difference(&expected, &found) {
                return Some(format!("{difference} of those from row {} on, scored alone", piece[0] + 1));
            }
        }
        None
    }

    /// Gives the scorer states that no trainer wrote: what it did with them that it must not; none where it refused.
    pub(crate) async fn damaged(&self, rows: &Table) -> Option<String> {
        let whole = &self.state;
        let noise: Vec<u8> = (0..4096_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for (what, state) in [
            ("an empty state", vec![]),
            ("the first half of a state", whole[..whole.len() / 2].to_vec()),
            ("all but the last byte of a state", whole[..whole.len().saturating_sub(1)].to_vec()),
            ("bytes at random", noise),
        ] {
            match self.runtime.scorer(&self.of_state(Arc::new(state)), &self.settings).await {
                Ok(_) => return Some(format!("it took {what} for a model")),
                Err(failure) if Outcome::of(&failure).is_said() => {}
                Err(failure) => return Some(format!("given {what}, it did not refuse: {failure}")),
            }
        }
        // A bit that turned within a number makes another model, which nobody can tell; but it may not bring the scorer down.
        for place in 0..PLACES.min(whole.len()) {
            let at = place * whole.len() / PLACES.min(whole.len());
            let mut state = whole.to_vec();
            state[at] ^= 1 << (place % 8);
            let source = self.of_state(Arc::new(state));
            let scored = async { self.runtime.scorer(&source, &self.settings).await?.predict(rows).await };
            if let Err(failure @ (StageFailure::Trap { .. } | StageFailure::Limit(_))) = scored.await {
                return Some(format!("a state with one bit turned in byte {at} brought it down: {failure}"));
            }
        }
        None
    }
}
