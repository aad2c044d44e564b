//! A file of any size, read a block of rows at a time, and written again with what a model says of each row.
//!
//! Nothing here holds more than some blocks. Reading is parted into [`Lane`]s, each of which goes through the file from its beginning to
//! its end: one for each column of a Parquet file, one for a CSV file. What the lanes give for one block goes into [`RowPlan::block`], and
//! the block with its predictions into [`RowPlan::part`], which makes the bytes of a part of the output. Both may be called from any thread
//! and give the same for the same block, so that what is written does not depend on the number of threads. Parts are put together in order,
//! between [`RowPlan::head`] and [`RowPlan::foot`].
//!
//! A row that is wrong is a [`RowFault`] of its block. Threads, files to write and what comes of faults are the caller's.

mod block;
pub(crate) mod fault;
mod parquet;
mod parquet_parts;
mod plan;
mod text_parts;

use serde::{Deserialize, Serialize};

pub use block::Block;
pub use fault::RowFault;
pub use plan::{Kept, Part, RowPlan};

use crate::csv::rows::{CsvRows, Text, Texts};
use crate::{DataError, Format, Source};

/// A place between two records of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// How many rows come before it.
    pub rows: u64,
    /// How many bytes of a CSV file.
    pub bytes: u64,
    /// How many line ends of a CSV file.
    pub lines: u64,
}

/// A data file whose columns are known and whose rows are still to be read.
#[derive(Debug)]
pub struct RowFile {
    source: Source,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Parquet(parquet::ParquetRows),
    Csv(Box<CsvRows>),
}

impl RowFile {
    /// Opens a file and reads what says which columns it has: a header or a footer.
    ///
    /// # Errors
    ///
    /// When the file is absent, a directory, empty, cut off, of no known format, or has no proper names for its columns.
    pub fn open(source: &Source) -> Result<Self, DataError> {
        let inner = match source.resolved_format() {
            Some(Format::Csv) => Inner::Csv(Box::new(CsvRows::open(source)?)),
            Some(Format::Parquet) => Inner::Parquet(parquet::ParquetRows::open(source)?),
            None => return Err(DataError::UnknownFormat { path: source.path.clone() }),
        };
        let file = Self { source: source.clone(), inner };
        crate::table::check_names(&format!("`{}`", source.path.display()), file.columns().iter().map(String::as_str))?;
        Ok(file)
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> Vec<String> {
        match &self.inner {
            Inner::Parquet(file) => file.schema().fields().iter().map(|field| field.name().clone()).collect(),
            Inner::Csv(file) => file.names().to_vec(),
        }
    }

    /// How many rows there are, where the file says so.
    pub fn row_count(&self) -> Option<u64> {
        match &self.inner {
            Inner::Parquet(file) => Some(file.row_count()),
            Inner::Csv(_) => None,
        }
    }

    /// The format.
    pub const fn format(&self) -> Format {
        match &self.inner {
            Inner::Parquet(_) => Format::Parquet,
            Inner::Csv(_) => Format::Csv,
        }
    }
}

/// What reads some columns from one end of a file to the other.
pub struct Lane(Way);

enum Way {
    Column(parquet::ColumnRows),
    Text(Box<Texts>),
}

/// What a lane gives for one block.
pub struct Strip(Piece);

enum Piece {
    Column(arrow_array::ArrayRef),
    Text(Text),
}

impl Lane {
    /// What comes next; none at the end of the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not what its format demands.
    pub fn read_next(&mut self) -> Result<Option<Strip>, DataError> {
        match &mut self.0 {
            Way::Column(column) => Ok(column.next()?.map(|array| Strip(Piece::Column(array)))),
            Way::Text(texts) => Ok(texts.next()?.map(|text| Strip(Piece::Text(text)))),
        }
    }
}

/// Adds faults to others, which ascend by row; of two in one row the earlier stays.
pub fn merge_faults(faults: &mut Vec<RowFault>, more: Vec<RowFault>) {
    fault::merge(faults, more);
}
