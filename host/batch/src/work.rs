//! One block's work: score its rows, find those that the model refuses, and encode what is to be written.

use std::ops::Range;

use sprag_data::{Block, Part, RowFault, RowPlan, Table, merge_faults};

use crate::error::BatchError;
use crate::score::{Score, Unscored};

/// What came of a block.
pub(crate) struct Worked {
    pub(crate) block: Block,
    pub(crate) part: Part,
    /// The rows that were refused, ascending, each with its line.
    pub(crate) faults: Vec<RowFault>,
}

/// How a model's failure is told.
pub(crate) type Named<'a> = &'a (dyn Fn(sprag_runtime::StageFailure) -> BatchError + Sync);

/// Scores a block. Where more than `most` rows are refused, the rest of them is not looked for: the job fails in any case.
pub(crate) fn work(
    plan: &RowPlan,
    scorer: &mut impl Score,
    block: Block,
    most: Option<u64>,
    named: Named<'_>,
) -> Result<Worked, BatchError> {
    let mut faults = block.faults().to_vec();
    let most = most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    let mut accepted = accepted(block.row_count(), &faults);
    let good = match faults.is_empty() {
        true => block.inputs().clone(),
        false => block.inputs().rows(&accepted)?,
    };
    let predictions = match scorer.score(&good) {
        Ok(predictions) => predictions,
        Err(Unscored::Failed(failure)) => return Err(named(failure)),
        Err(Unscored::Refused(reason)) => {
            let mut search = Search { scorer, table: &good, refused: Vec::new(), room: most.saturating_sub(faults.len()) };
            search.halve(0..good.row_count() as u32, reason).map_err(named)?;
            let refused = search.refused;
            let fault = |(at, reason): &(u32, String)| {
                let row = accepted[*at as usize];
                RowFault { row, line: None, column: None, reason: reason.clone() }
            };
            merge_faults(&mut faults, refused.iter().map(fault).collect());
            accepted = self::accepted(block.row_count(), &faults);
            let rest = block.inputs().rows(&accepted)?;
            match (faults.len() > most, scorer.score(&rest)) {
                (_, Ok(predictions)) => predictions,
                (_, Err(Unscored::Failed(failure))) => return Err(named(failure)),
                // The search ended early, as the job fails; or the model takes each row and not all together, which no row is to blame for.
                (true, Err(Unscored::Refused(_))) => return Ok(given_up(block, faults)),
                (false, Err(Unscored::Refused(reason))) => {
                    return Err(named(sprag_runtime::StageFailure::Contract(format!(
                        "took {} rows one by one and refused them together: {reason}",
                        accepted.len()
                    ))));
                }
            }
        }
    };
    let part = plan.part(&block, (!faults.is_empty()).then_some(&accepted[..]), &predictions)?;
    block.locate(&mut faults);
    Ok(Worked { block, part, faults })
}

/// What is told of a block with which the job fails.
fn given_up(block: Block, mut faults: Vec<RowFault>) -> Worked {
    block.locate(&mut faults);
    Worked { block, part: Part { bytes: Vec::new(), note: Vec::new(), rows: 0 }, faults }
}

/// The rows that have no fault.
fn accepted(rows: usize, faults: &[RowFault]) -> Vec<u32> {
    let mut faults = faults.iter().peekable();
    let is_good = |row: &u32| faults.next_if(|fault| fault.row == *row).is_none();
    (0..rows as u32).filter(is_good).collect()
}

/// A search for the rows that a model refuses, by halves.
struct Search<'a, S> {
    scorer: &'a mut S,
    table: &'a Table,
    refused: Vec<(u32, String)>,
    /// How many may be found before the search has found enough.
    room: usize,
}

impl<S: Score> Search<'_, S> {
    /// Looks into rows of which one or more are refused.
    fn halve(&mut self, rows: Range<u32>, reason: String) -> Result<(), sprag_runtime::StageFailure> {
        if self.refused.len() > self.room || rows.is_empty() {
            return Ok(());
        }
        if rows.len() == 1 {
            self.refused.push((rows.start, reason));
            return Ok(());
        }
        let middle = rows.start + rows.len() as u32 / 2;
        for half in [rows.start..middle, middle..rows.end] {
            let numbers: Vec<u32> = half.clone().collect();
            let table = self.table.rows(&numbers).map_err(|error| sprag_runtime::StageFailure::Host(error.to_string()))?;
            match self.scorer.score(&table) {
                Ok(_) => {}
                Err(Unscored::Refused(reason)) => self.halve(half, reason)?,
                Err(Unscored::Failed(failure)) => return Err(failure),
            }
        }
        Ok(())
    }
}
