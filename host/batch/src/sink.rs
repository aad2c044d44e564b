//! The end of the line: blocks in their order, written, counted, and entered in the journal.

use std::fs::File;
use std::sync::OnceLock;

use sprag_core::digest::Digest;
use sprag_data::{Position, RowFault, RowPlan};

use crate::error::BatchError;
use crate::files::Files;
use crate::job::Progress;
use crate::journal::{self, Entry, Identity};
use crate::resume::{Earlier, Part};
use crate::tolerance::Tolerance;
use crate::work::Worked;

/// The digest of the input, which is known some time after the job has begun.
pub(crate) type InputDigest = OnceLock<Digest>;

/// Takes blocks in their order.
pub(crate) struct Sink<'a> {
    plan: &'a RowPlan,
    files: &'a Files,
    pub(crate) output: Part,
    pub(crate) rejects: Part,
    journal: File,
    /// The lines of the journal that wait for the digest of the input, without which they say nothing.
    waiting: Vec<Entry>,
    identity: Box<dyn Fn(Digest) -> Identity + Send + Sync + 'a>,
    is_headed: bool,
    input_digest: &'a InputDigest,
    tolerance: Tolerance,
    total: Option<u64>,
    observer: &'a (dyn Fn(&Progress) + Send + Sync),
    pub(crate) at: Position,
    pub(crate) refused: u64,
    pub(crate) written: u64,
    notes: Vec<Vec<u8>>,
    /// The first row that was refused in this attempt, in words.
    first: Option<String>,
}

/// What a sink is made with.
pub(crate) struct Setup<'a> {
    pub(crate) plan: &'a RowPlan,
    pub(crate) files: &'a Files,
    pub(crate) journal: File,
    pub(crate) identity: Box<dyn Fn(Digest) -> Identity + Send + Sync + 'a>,
    pub(crate) input_digest: &'a InputDigest,
    pub(crate) tolerance: Tolerance,
    pub(crate) observer: &'a (dyn Fn(&Progress) + Send + Sync),
}

impl<'a> Sink<'a> {
    /// Goes on after what an earlier attempt has left.
    pub(crate) fn new(setup: Setup<'a>, earlier: &Earlier) -> Result<Self, BatchError> {
        let Setup { plan, files, journal, identity, input_digest, tolerance, observer } = setup;
        let last = earlier.entries.last();
        let mut output = Part::open(&files.output_part(), last.map_or(0, |entry| entry.output.0))?;
        let rejects = Part::open(&files.rejects_part(), last.map_or(0, |entry| entry.rejects.0))?;
        if last.is_none() {
            output.write(&files.output_part(), &plan.head()?)?;
        }
        Ok(Self {
            plan,
            files,
            output,
            rejects,
            journal,
            // All are written again, after the line that says what the job is.
            waiting: earlier.entries.clone(),
            identity,
            is_headed: false,
            input_digest,
            tolerance,
            total: plan.file().row_count(),
            observer,
            at: last.map_or_else(Position::default, |entry| entry.end),
            refused: last.map_or(0, |entry| entry.refused),
            written: last.map_or(0, |entry| entry.written),
            notes: earlier.entries.iter().filter_map(Entry::note).collect(),
            first: None,
        })
    }

    /// Where the job goes on; none at the beginning.
    pub(crate) fn position(&self) -> Option<Position> {
        (self.at.rows > 0).then_some(self.at)
    }

    /// Takes the next block.
    pub(crate) fn take(&mut self, worked: Worked) -> Result<(), BatchError> {
        let first_row = self.at.rows + 1;
        self.at = worked.block.end(self.at);
        self.refused += worked.faults.len() as u64;
        if self.first.is_none() {
            self.first = worked.faults.first().map(|fault| told(fault, first_row));
        }
        self.check_tolerance(self.total.unwrap_or(u64::MAX))?;
        if !worked.faults.is_empty() {
            let path = self.files.rejects_part();
            if self.rejects.bytes == 0 {
                self.rejects.write(&path, &self.plan.refused_head()?)?;
            }
            self.rejects.write(&path, &self.plan.refused(&worked.block, &worked.faults, first_row)?)?;
        }
        self.output.write(&self.files.output_part(), &worked.part.bytes)?;
        self.written += worked.part.rows;
        let (output, rejects) = (self.output.state(), self.rejects.state());
        self.waiting.push(Entry::new(self.at, self.refused, self.written, output, rejects, &worked.part.note));
        self.notes.push(worked.part.note);
        self.write_journal()?;
        (self.observer)(&Progress { rows: self.at.rows, refused: self.refused, total: self.total, bytes: self.at.bytes });
        Ok(())
    }

    /// Ends the output, when all blocks are taken.
    pub(crate) fn finish(&mut self) -> Result<(), BatchError> {
        self.check_tolerance(self.at.rows)?;
        let foot = self.plan.foot(&self.notes)?;
        self.output.write(&self.files.output_part(), &foot)
    }

    fn check_tolerance(&self, rows: u64) -> Result<(), BatchError> {
        // A percentage of rows that nobody has counted yet waits for the end.
        let is_known = rows != u64::MAX || matches!(self.tolerance, Tolerance::Rows(_));
        if !is_known || !self.tolerance.is_passed(self.refused, rows) {
            return Ok(());
        }
        let first = self.first.clone().unwrap_or_else(|| "they were found before this attempt".to_owned());
        Err(BatchError::TooManyRefused { refused: self.refused, rows: self.at.rows, allowed: self.tolerance.to_string(), first })
    }

    /// Enters what waits, once it is known what the job is.
    pub(crate) fn write_journal(&mut self) -> Result<(), BatchError> {
        let Some(digest) = self.input_digest.get() else { return Ok(()) };
        let failed = |error| BatchError::io("write", &self.files.journal(), error);
        let mut lines = Vec::new();
        if !self.is_headed {
            journal::write_line(&mut lines, &(self.identity)(*digest)).map_err(failed)?;
            self.is_headed = true;
        }
        for entry in self.waiting.drain(..) {
            journal::write_line(&mut lines, &entry).map_err(failed)?;
        }
        std::io::Write::write_all(&mut self.journal, &lines).map_err(failed)
    }
}

/// A fault in words: `row 5, line 7, column `x`: expected ...`.
fn told(fault: &RowFault, first_row: u64) -> String {
    let line = fault.line.map(|line| format!(", line {line}")).unwrap_or_default();
    let column = fault.column.as_ref().map(|column| format!(", column `{column}`")).unwrap_or_default();
    format!("row {}{line}{column}: {}", first_row + u64::from(fault.row), fault.reason)
}
