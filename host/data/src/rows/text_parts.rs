//! CSV output in parts, and the lines of refused rows, which are CSV whatever the output is.
//!
//! What came as CSV goes out with the text that it came with, field by field: nothing is read as a number only to be written again.

use std::io::{self, Write};

use arrow_array::{Array, ArrayRef};
use arrow_cast::display::array_value_to_string;

use super::block::{Block, Original};
use super::plan::Part;
use super::{Inner, RowFault, RowPlan};
use crate::csv::fields::{Quoted, fields};
use crate::csv::write::{cell, text};
use crate::parquet::{cast, cells, natural, shorten_long};
use crate::{DType, DataError, Field, Table};

/// The columns of a file of refused rows that say where the row was and what is wrong with it.
const REFUSED: [&str; 4] = ["refused_row", "refused_line", "refused_column", "refused_reason"];

/// Writes parts.
pub(super) struct TextParts {
    names: Vec<String>,
    /// The types of the columns that are kept of a Parquet file.
    dtypes: Vec<DType>,
    delimiter: u8,
    outputs: Vec<Field>,
    /// Whether whole records are kept, so that they need not be taken apart.
    whole: bool,
}

impl TextParts {
    pub(super) fn new(names: Vec<String>, dtypes: Vec<DType>, delimiter: u8, outputs: &[Field], whole: bool) -> Self {
        Self { names, dtypes, delimiter, outputs: outputs.to_vec(), whole }
    }

    pub(super) fn head(&self) -> Result<Vec<u8>, DataError> {
        let names = self.names.iter().chain(self.outputs.iter().map(|field| &field.name));
        line(names.map(String::as_str), self.delimiter).map_err(failed)
    }

    pub(super) fn part(
        &self,
        plan: &RowPlan,
        block: &Block,
        accepted: Option<&[u32]>,
        predictions: &Table,
    ) -> Result<Part, DataError> {
        let rows = predictions.row_count();
        let all: Vec<u32>;
        let accepted = match accepted {
            Some(accepted) => accepted,
            None => {
                all = (0..block.rows as u32).collect();
                &all
            }
        };
        let mut bytes = Vec::with_capacity(rows as usize * (self.names.len() + self.outputs.len()) * 12);
        match &block.original {
            Original::Arrays(arrays) => {
                let kept = plan.kept.iter().filter_map(|kept| Some(&arrays[plan.read.binary_search(kept).ok()?]));
                let kept: Vec<_> =
                    kept.zip(&self.dtypes).map(|(array, dtype)| as_cells(array, *dtype)).collect::<Result<_, _>>()?;
                let fields = kept.len() + self.outputs.len();
                for (at, row) in accepted.iter().enumerate() {
                    for (cells, dtype) in kept.iter().zip(&self.dtypes) {
                        cell(&mut bytes, *dtype, cells, *row as usize, fields).map_err(failed)?;
                        bytes.push(b',');
                    }
                    self.predictions(&mut bytes, predictions, at).map_err(failed)?;
                }
            }
            Original::Text(parsed) => {
                for (at, row) in accepted.iter().enumerate() {
                    self.kept_fields(&mut bytes, parsed.record(*row as usize), &plan.kept);
                    self.predictions(&mut bytes, predictions, at).map_err(failed)?;
                }
            }
        }
        Ok(Part { bytes, note: Vec::new(), rows })
    }

    /// The fields of a record that are kept, as they stand, each with a delimiter after it.
    fn kept_fields(&self, bytes: &mut Vec<u8>, record: &str, kept: &[usize]) {
        if self.whole {
            bytes.extend_from_slice(record.as_bytes());
            bytes.push(self.delimiter);
            return;
        }
        for (at, field) in fields(record, self.delimiter, Quoted::Keep).enumerate() {
            if kept.binary_search(&at).is_ok() {
                bytes.extend_from_slice(field.as_bytes());
                bytes.push(self.delimiter);
            }
        }
    }

    fn predictions(&self, bytes: &mut Vec<u8>, predictions: &Table, row: usize) -> io::Result<()> {
        let fields = self.names.len() + self.outputs.len();
        for (i, (cells, field)) in predictions.columns().cells.iter().zip(&self.outputs).enumerate() {
            if i > 0 {
                bytes.push(self.delimiter);
            }
            match cells {
                crate::cells::Cells::Texts(array) if array.is_valid(row) => text(bytes, array.value(row), self.delimiter)?,
                cells => cell(&mut *bytes, field.dtype, cells, row, fields)?,
            }
        }
        bytes.push(b'\n');
        Ok(())
    }
}

/// The names of the columns that are shown of a refused row: those that are read, but for what an earlier refusal says.
fn shown(plan: &RowPlan) -> Vec<(usize, String)> {
    let columns = plan.file.columns();
    let read: Vec<usize> = match plan.file.inner {
        Inner::Parquet(_) => plan.read.clone(),
        Inner::Csv(_) => (0..columns.len()).collect(),
    };
    let names = read.into_iter().map(|at| (at, columns[at].clone()));
    names.filter(|(_, name)| !REFUSED.contains(&name.as_str())).collect()
}

pub(super) fn refused_head(plan: &RowPlan) -> Result<Vec<u8>, DataError> {
    let shown = shown(plan);
    line(REFUSED.into_iter().chain(shown.iter().map(|(_, name)| name.as_str())), b',').map_err(failed)
}

pub(super) fn refused(plan: &RowPlan, block: &Block, faults: &[RowFault], first_row: u64) -> Result<Vec<u8>, DataError> {
    let (shown, mut bytes) = (shown(plan), Vec::new());
    for fault in faults {
        let row = (first_row + u64::from(fault.row)).to_string();
        let place = fault.line.map(|line| line.to_string()).unwrap_or_default();
        let values: Vec<String> = match &block.original {
            Original::Arrays(arrays) => {
                let value = |(at, _): &(usize, String)| match plan.read.binary_search(at) {
                    Ok(at) => value(&arrays[at], fault.row as usize),
                    Err(_) => Ok(String::new()),
                };
                shown.iter().map(value).collect::<Result<_, _>>()?
            }
            Original::Text(parsed) => {
                let (record, Inner::Csv(file)) = (parsed.record(fault.row as usize), &plan.file.inner) else { continue };
                let found: Vec<_> = fields(record, file.delimiter(), Quoted::Open).collect();
                shown.iter().map(|(at, _)| found.get(*at).map(ToString::to_string).unwrap_or_default()).collect()
            }
        };
        let column = fault.column.as_deref().unwrap_or_default();
        let first = [row.as_str(), &place, column, &fault.reason].map(str::to_owned);
        bytes.extend(line(first.iter().chain(&values).map(String::as_str), b',').map_err(failed)?);
    }
    Ok(bytes)
}

/// A value of a column as text; nothing where there is none.
fn value(array: &ArrayRef, row: usize) -> Result<String, DataError> {
    if array.is_null(row) {
        return Ok(String::new());
    }
    let one = array.slice(row, 1);
    let Some(dtype) = natural(one.data_type()) else {
        return array_value_to_string(array, row).map_err(|error| refused_by(&error.to_string()));
    };
    let mut bytes = Vec::new();
    match as_cells(&one, dtype)? {
        // Without the quotes, which the line puts around it.
        crate::cells::Cells::Texts(array) => bytes.extend_from_slice(array.value(0).as_bytes()),
        cells => cell(&mut bytes, dtype, &cells, 0, 2).map_err(failed)?,
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn as_cells(array: &ArrayRef, dtype: DType) -> Result<crate::cells::Cells, DataError> {
    let cast = cast(array, dtype).map_err(|error| refused_by(&error.to_string()))?;
    Ok(cells(&cast, dtype))
}

/// A line of CSV. Nothing is written for an empty field, which is a null.
fn line<'a>(values: impl Iterator<Item = &'a str>, delimiter: u8) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for (i, value) in values.enumerate() {
        if i > 0 {
            bytes.write_all(&[delimiter])?;
        }
        if !value.is_empty() {
            text(&mut bytes, value, delimiter)?;
        }
    }
    bytes.push(b'\n');
    Ok(bytes)
}

fn failed(error: io::Error) -> DataError {
    refused_by(&error.to_string())
}

fn refused_by(found: &str) -> DataError {
    DataError::Write { format: "CSV", found: shorten_long(found) }
}
