//! Parses a piece of a file: all columns of some whole records.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

use memchr::memchr;

use super::builder::{Builder, Part};
use super::fault::{Fault, What};
use super::header::Plan;
use super::pieces::lines;
use super::records::Records;
use crate::DType;

/// What a piece holds.
pub(super) struct Parsed {
    /// A part for each column, all with as many rows.
    pub(super) columns: Vec<Part>,
    /// How many line ends the piece has.
    pub(super) lines: u64,
}

/// What the pieces parsed so far say of those to come: how wide each column is, and how many rows a piece has.
///
/// Only a hint, which spares a piece from starting too narrow or with too little room: a column ends up as wide as its widest piece in
/// any case.
pub(super) struct Known {
    widths: Vec<AtomicU8>,
    rows: AtomicUsize,
}

impl Known {
    pub(super) fn new(columns: usize) -> Self {
        Self { widths: (0..columns).map(|_| AtomicU8::new(0)).collect(), rows: AtomicUsize::new(0) }
    }

    fn dtype(&self, column: usize) -> Option<DType> {
        [None, Some(DType::Float), Some(DType::Text)][usize::from(self.widths[column].load(Relaxed))]
    }

    fn learn(&self, columns: &[Part]) {
        for (width, part) in self.widths.iter().zip(columns) {
            match part.values.dtype() {
                Some(DType::Float) => width.fetch_max(1, Relaxed),
                Some(DType::Text) => width.fetch_max(2, Relaxed),
                _ => continue,
            };
        }
        let rows = columns.first().map_or(0, |part| part.rows);
        // A little more, since records are not all of one length.
        self.rows.fetch_max(rows + rows / 16, Relaxed);
    }
}

/// The text of a piece, or what shows that it is none.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Fault> {
    let nul = memchr(0, bytes);
    let (at, found) = match (std::str::from_utf8(bytes), nul) {
        (Ok(text), None) => return Ok(text),
        (Err(error), nul) if nul.is_none_or(|at| error.valid_up_to() < at) => (error.valid_up_to(), "invalid UTF-8"),
        (_, nul) => (nul.unwrap_or_default(), "a NUL byte"),
    };
    Err(What::NotText(found).on_line(lines(&bytes[..at])))
}

/// Parses the records of a piece.
pub(super) fn parse(text: &str, plan: &Plan, known: &Known) -> Result<Parsed, Fault> {
    let mut mixed = vec![false; plan.names.len()];
    let rows = known.rows.load(Relaxed);
    loop {
        let mut builders: Vec<Builder> = (0..plan.names.len())
            .map(|column| match plan.declared[column] {
                Some(dtype) => Builder::declared(dtype, rows),
                None if mixed[column] => Builder::inferred(Some(DType::Text), rows),
                None => Builder::inferred(known.dtype(column), rows),
            })
            .collect();
        let lines = fill(&mut builders, text, plan)?;
        // A column that was read as text is never mixed, so this comes round once at most.
        if builders.iter().any(Builder::is_mixed) {
            mixed.iter_mut().zip(&builders).for_each(|(mixed, builder)| *mixed |= builder.is_mixed());
            continue;
        }
        let columns: Vec<Part> = builders.into_iter().map(Builder::finish).collect();
        known.learn(&columns);
        return Ok(Parsed { columns, lines });
    }
}

/// Puts the fields of every record into the builders and returns the number of line ends.
fn fill(builders: &mut [Builder], text: &str, plan: &Plan) -> Result<u64, Fault> {
    let mut records = Records::new(text, plan.delimiter);
    let columns = builders.len();
    // A number that stands for no value must be looked at as text.
    let numbers = !plan.nulls.are_numbers();
    while records.advance() {
        for (column, builder) in builders.iter_mut().enumerate() {
            if numbers && let Some(last) = builder.push_number(&mut records) {
                if last != (column + 1 == columns) {
                    return Err(wrong_count(&mut records, column + 1, last, plan));
                }
                continue;
            }
            let (field, last) = records.field()?;
            if last != (column + 1 == columns) {
                return Err(wrong_count(&mut records, column + 1, last, plan));
            }
            if let Err(dtype) = builder.push(field, &plan.nulls) {
                return Err(What::value(column, dtype, &field.text()).on_line(records.record_line));
            }
        }
        if records.length() as u64 > plan.limit {
            return Err(What::LineTooLong.on_line(records.record_line));
        }
    }
    Ok(records.line)
}

/// The fault of a record with too few fields, or with more than the `found` that were taken.
#[cold]
fn wrong_count(records: &mut Records<'_>, mut found: usize, mut last: bool, plan: &Plan) -> Fault {
    while !last {
        found += 1;
        match records.field() {
            Ok((_, ends)) => last = ends,
            Err(fault) => return fault,
        }
    }
    let too_long = records.length() as u64 > plan.limit;
    if too_long { What::LineTooLong } else { What::FieldCount(found) }.on_line(records.record_line)
}
