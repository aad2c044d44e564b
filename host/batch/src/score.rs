//! What scores: a model on each thread.

use sprag_data::{Field, Table};
use sprag_runtime::{Scorer, ScorerFactory, StageFailure};

/// Why rows were not scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unscored {
    /// The model does not take these rows, or one of them; another may be tried.
    Refused(String),
    /// The model can score nothing more.
    Failed(StageFailure),
}

/// Scores rows, on one thread.
pub trait Score {
    /// The model's outputs for each row, in the same order.
    ///
    /// # Errors
    /// The model refused or failed.
    fn score(&mut self, rows: &Table) -> Result<Table, Unscored>;
}

/// Makes what scores, for each thread one of its own.
pub trait Scorers: Sync {
    /// What it makes.
    type Score: Score;

    /// Makes one more.
    ///
    /// # Errors
    /// The model cannot be loaded.
    fn make(&self) -> Result<Self::Score, StageFailure>;
}

/// Scorers of a registered model.
pub struct RuntimeScorers(pub ScorerFactory);

/// A registered model in memory, made anew where a row was too much for it.
pub struct RuntimeScore<'a> {
    factory: &'a ScorerFactory,
    // Calls into a guest are futures; this thread is the only one to wait for them.
    waiting: tokio::runtime::Runtime,
    scorer: Scorer,
}

impl<'a> RuntimeScore<'a> {
    fn new(factory: &'a ScorerFactory) -> Result<Self, StageFailure> {
        let waiting = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let waiting = waiting.map_err(|error| StageFailure::Host(format!("failed to start a thread of work: {error}")))?;
        let scorer = waiting.block_on(factory.make())?;
        Ok(Self { factory, waiting, scorer })
    }
}

impl RuntimeScorers {
    /// The columns that the model takes and those that it gives.
    ///
    /// # Errors
    /// The model cannot be loaded.
    pub fn signature(&self) -> Result<(Vec<Field>, Vec<Field>), StageFailure> {
        let made = RuntimeScore::new(&self.0)?;
        Ok((made.scorer.inputs().to_vec(), made.scorer.outputs().to_vec()))
    }
}

impl Score for RuntimeScore<'_> {
    fn score(&mut self, rows: &Table) -> Result<Table, Unscored> {
        if !self.scorer.is_usable() {
            self.scorer = self.waiting.block_on(self.factory.make()).map_err(Unscored::Failed)?;
        }
        let scored = self.waiting.block_on(self.scorer.predict(rows));
        scored.map_err(|failure| match &failure {
            // What a model cannot take shows in many ways: it says so, it falls over, or it gives what is no prediction.
            StageFailure::Plugin { .. } | StageFailure::Trap { .. } | StageFailure::Contract(_) => {
                Unscored::Refused(failure.to_string())
            }
            _ => Unscored::Failed(failure),
        })
    }
}

/// As [`Scorers`], with a lifetime: each scorer borrows the factory.
impl<'a> Scorers for &'a RuntimeScorers {
    type Score = RuntimeScore<'a>;

    fn make(&self) -> Result<Self::Score, StageFailure> {
        RuntimeScore::new(&self.0)
    }
}
