//! The hold-out and the predictions on it, side by side.

use sprag_sdk::{BATCH_ROWS, Column, Failure, Source, Watch};

/// The hold-out, and what two models predict on it.
#[derive(Clone, Copy)]
pub struct Contest<'a> {
    /// The rows that neither model was trained on.
    pub holdout: &'a dyn Source,
    /// The candidate's outputs, row for row.
    pub candidate: &'a dyn Source,
    /// The outputs of the model in production, where there is one.
    pub production: Option<&'a dyn Source>,
    /// Who is told how many rows are done, and may stop the walk.
    pub watch: &'a dyn Watch,
}

/// The same rows of all three.
#[derive(Debug)]
pub struct Batch {
    /// The columns asked for of the hold-out.
    pub holdout: Vec<Column>,
    /// Those of the candidate.
    pub candidate: Vec<Column>,
    /// Those of production.
    pub production: Option<Vec<Column>>,
}

impl<'a> Contest<'a> {
    /// The name of the column to predict.
    ///
    /// # Errors
    ///
    /// [`Failure::BadInput`] when the project names none, or the hold-out has no rows.
    pub fn target(&self) -> Result<String, Failure> {
        if self.holdout.row_count() == 0 {
            return Err(Failure::bad_input("expected at least one row in the hold-out, found none"));
        }
        self.holdout.target().ok_or_else(|| Failure::bad_input("expected a target column, found that the project names none"))
    }

    /// Walks the rows, over these columns of the hold-out and of each model's outputs.
    ///
    /// # Errors
    ///
    /// When a table does not have its columns, or a model not as many rows as the hold-out; and in the walk, when it is stopped.
    pub fn batches(
        &self,
        holdout: &[String],
        candidate: &[String],
        production: &[String],
    ) -> Result<impl Iterator<Item = Result<Batch, Failure>> + 'a, Failure> {
        let expected = self.holdout.row_count();
        for (who, table) in [("the candidate", Some(self.candidate)), ("production", self.production)] {
            if let Some(found) = table.map(Source::row_count).filter(|&found| found != expected) {
                return Err(Failure::bad_input(format!("expected {expected} predictions of {who}, found {found}")));
            }
        }
        let mut rows = self.holdout.batches(holdout, BATCH_ROWS)?;
        let mut candidate = self.candidate.batches(candidate, BATCH_ROWS)?;
        let mut production = self.production.map(|table| table.batches(production, BATCH_ROWS)).transpose()?;
        let ended = || Failure::internal("a table ended before its row count");
        let (watch, mut done) = (self.watch, 0);
        let mut next = move || {
            watch.advance(done, expected)?;
            done = (done + u64::from(BATCH_ROWS)).min(expected);
            let Some(holdout) = rows.next().transpose()? else { return Ok(None) };
            let candidate = candidate.next().ok_or_else(ended)??;
            let production = production.as_mut().map(|batches| batches.next().ok_or_else(ended)?).transpose()?;
            Ok(Some(Batch { holdout, candidate, production }))
        };
        Ok(std::iter::from_fn(move || next().transpose()))
    }
}
