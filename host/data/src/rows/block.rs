//! Some rows of a file, as they came and as a model wants them.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use sprag_core::digest::Hasher;

use super::fault::{self, RowFault};
use super::{Inner, Piece, Position, RowPlan, Strip};
use crate::cells::Cells;
use crate::csv::rows::Parsed;
use crate::parquet::{cast, caught, cells, natural};
use crate::{DType, DataError, Table};

/// Some rows of a file.
pub struct Block {
    pub(super) rows: usize,
    inputs: Table,
    faults: Vec<RowFault>,
    pub(super) original: Original,
    end: Option<Position>,
}

/// The rows as they came.
pub(super) enum Original {
    /// The columns that the plan reads, in the order of the file.
    Arrays(Vec<ArrayRef>),
    /// Records, and the columns that the plan has parsed.
    Text(Parsed),
}

impl Block {
    /// How many rows there are.
    pub const fn row_count(&self) -> usize {
        self.rows
    }

    /// The columns that the model reads, in its order and of its types. A row that has a fault is null or zero here.
    pub const fn inputs(&self) -> &Table {
        &self.inputs
    }

    /// What is wrong with rows, ascending by row and at most one fault a row.
    pub fn faults(&self) -> &[RowFault] {
        &self.faults
    }

    /// Where the block ends, if it begins at `start`.
    pub fn end(&self, start: Position) -> Position {
        let rows = start.rows + self.rows as u64;
        self.end.map_or(Position { rows, ..start }, |end| Position { rows, ..end })
    }

    /// Gives faults, which ascend by row, the line of the file on which their record begins.
    pub fn locate(&self, faults: &mut [RowFault]) {
        if let Original::Text(parsed) = &self.original {
            parsed.locate(faults);
        }
    }
}

impl RowPlan {
    /// Makes a block of what each of the plan's lanes gave for it.
    ///
    /// # Errors
    ///
    /// When the strips are not of one length, as in a damaged file, or hold bytes that are no text.
    pub fn block(&self, strips: Vec<Strip>) -> Result<Block, DataError> {
        let mut faults = Vec::new();
        let (columns, original, rows, end) = match &self.file.inner {
            Inner::Parquet(_) => {
                let arrays: Vec<ArrayRef> = strips.into_iter().filter_map(Strip::column).collect();
                let rows = arrays.first().map_or(0, |array| array.len());
                if arrays.len() != self.read.len() || arrays.iter().any(|array| array.len() != rows) {
                    return Err(self.uneven());
                }
                let columns = self.cast_inputs(&arrays, &mut faults)?;
                (columns, Original::Arrays(arrays), rows, None)
            }
            Inner::Csv(file) => {
                let text = strips.into_iter().find_map(Strip::text).ok_or_else(|| self.damaged("no records"))?;
                let end = text.end;
                let mut parsed = file.parse(text, &self.parsed)?;
                faults = std::mem::take(&mut parsed.faults);
                let columns = parsed.columns[..self.inputs.len()].to_vec();
                let rows = parsed.records.len();
                (columns, Original::Text(parsed), rows, Some(end))
            }
        };
        fault::find(&mut faults, &self.inputs, &columns);
        let mut hasher = Hasher::new();
        hasher.field(b"sprag-rows-of-a-file/1").field(self.file.source.path.as_os_str().as_encoded_bytes());
        let inputs = Table::assemble(self.inputs.clone(), columns, rows as u64, hasher.finish());
        Ok(Block { rows, inputs, faults, original, end })
    }

    fn cast_inputs(&self, arrays: &[ArrayRef], faults: &mut Vec<RowFault>) -> Result<Vec<Cells>, DataError> {
        let cast_one = |(field, at): (&crate::Field, &usize)| {
            let array = &arrays[*at];
            let convert = |found: String| self.unfit(&field.name, field.dtype, &found);
            let stored = natural(array.data_type());
            if field.dtype == DType::Integer && stored == Some(DType::Float) {
                let floats = cast(array, DType::Float).map_err(|error| convert(error.to_string()))?;
                return Ok(fault::whole_numbers(field, floats.as_primitive::<Float64Type>(), faults));
            }
            let cast = caught(|| cast(array, field.dtype).map_err(|error| error.to_string()));
            Ok(cells(&cast.and_then(|cast| cast).map_err(convert)?, field.dtype))
        };
        self.inputs.iter().zip(&self.input_at).map(cast_one).collect()
    }

    /// The error where the lanes of a file do not come to its end with the same block.
    pub fn uneven(&self) -> DataError {
        self.damaged("columns of different lengths")
    }

    fn damaged(&self, found: &str) -> DataError {
        super::parquet::not_parquet(&self.file.source.path, found)
    }
}

impl Strip {
    fn column(self) -> Option<ArrayRef> {
        match self.0 {
            Piece::Column(array) => Some(Arc::clone(&array)),
            Piece::Text(_) => None,
        }
    }

    fn text(self) -> Option<crate::csv::rows::Text> {
        match self.0 {
            Piece::Column(_) => None,
            Piece::Text(text) => Some(text),
        }
    }
}
