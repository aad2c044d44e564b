//! A Parquet file column by column, a batch of rows at a time: never the whole file, and no more of it than the columns that are read.
//!
//! Each column is a reader of its own, so that columns are decoded on different cores. Arrays come as they are stored, nested ones too.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use crate::parquet::{MAGIC, caught, shorten_long};
use crate::source::open;
use crate::{DataError, Source};

/// A Parquet file whose footer was read.
#[derive(Debug)]
pub(crate) struct ParquetRows {
    path: PathBuf,
    file: Arc<File>,
    length: u64,
    metadata: ArrowReaderMetadata,
}

/// One column from some row on.
pub(crate) struct ColumnRows {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
}

impl ParquetRows {
    /// Opens a file and reads its footer.
    pub(crate) fn open(source: &Source) -> Result<Self, DataError> {
        let path = source.path.clone();
        let file = Arc::new(open(&path)?);
        let length = file.metadata().map_err(|error| DataError::read(&path, error))?.len();
        let bytes = Positioned { file: file.clone(), length };
        if let Some(found) = foreign(&bytes).map_err(|error| DataError::read(&path, error))? {
            return Err(not_parquet(&path, found));
        }
        let metadata = caught(|| ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new()))
            .and_then(|metadata| metadata.map_err(|error| error.to_string()))
            .map_err(|found| not_parquet(&path, &found))?;
        Ok(Self { path, file, length, metadata })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    pub(crate) fn row_count(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Whether a column is stored through a dictionary that makes it smaller: less than half the bytes that its values would take plainly.
    pub(crate) fn is_dictionary_worth(&self, column: usize, plain_width: u64) -> bool {
        let metadata = self.metadata.metadata();
        let leaves = metadata.file_metadata().schema_descr();
        let leaf = (0..leaves.num_columns()).find(|leaf| leaves.get_column_root_idx(*leaf) == column);
        let chunks = metadata.row_groups().iter().filter_map(|group| group.columns().get(leaf?));
        let (mut bytes, mut values) = (0_u64, 0_u64);
        for chunk in chunks {
            if chunk.dictionary_page_offset().is_none() {
                return false;
            }
            bytes = bytes.saturating_add(chunk.uncompressed_size().unsigned_abs());
            values = values.saturating_add(chunk.num_values().unsigned_abs());
        }
        bytes.saturating_mul(2) < values.saturating_mul(plain_width)
    }

    /// A column from a row on, `batch` rows at a time.
    pub(crate) fn column(&self, column: usize, first_row: u64, batch: usize) -> Result<ColumnRows, DataError> {
        let groups = self.metadata.metadata().row_groups();
        let (mut skip, mut from) = (first_row, 0);
        for group in groups {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            if rows > skip {
                break;
            }
            (skip, from) = (skip - rows, from + 1);
        }
        let bytes = Positioned { file: self.file.clone(), length: self.length };
        let made = caught(|| {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, self.metadata.clone());
            let mask = ProjectionMask::roots(builder.parquet_schema(), [column]);
            let builder = builder.with_projection(mask).with_batch_size(batch).with_row_groups((from..groups.len()).collect());
            if skip > 0 { builder.with_offset(skip as usize) } else { builder }.build()
        });
        let reader = made.and_then(|reader| reader.map_err(|error| error.to_string()));
        Ok(ColumnRows { path: self.path.clone(), reader: reader.map_err(|found| not_parquet(&self.path, &found))? })
    }
}

impl ColumnRows {
    /// The next rows of the column; none after the last.
    pub(crate) fn next(&mut self) -> Result<Option<ArrayRef>, DataError> {
        let next = caught(|| self.reader.next().transpose().map_err(|error| error.to_string()));
        let batch = next.and_then(|next| next).map_err(|found| not_parquet(&self.path, &found))?;
        Ok(batch.map(|batch| batch.column(0).clone()))
    }
}

pub(crate) fn not_parquet(path: &Path, found: &str) -> DataError {
    DataError::Parquet { path: path.to_owned(), found: shorten_long(found) }
}

/// What shows at its two ends that a file is no Parquet file.
fn foreign(bytes: &Positioned) -> io::Result<Option<&'static str>> {
    if bytes.length == 0 {
        return Ok(Some("the file is empty"));
    }
    let is_magic = |offset: u64| {
        let mut found = [0; MAGIC.len()];
        bytes.file.read_exact_at(&mut found, offset).map(|()| found == MAGIC)
    };
    if bytes.length < 12 || !is_magic(0)? {
        return Ok(Some("the file does not begin with `PAR1`"));
    }
    let ends = is_magic(bytes.length - MAGIC.len() as u64)?;
    Ok((!ends).then_some("the file does not end with `PAR1`: is it truncated?"))
}

/// A file that many read at once, each at its own place.
#[derive(Debug, Clone)]
struct Positioned {
    file: Arc<File>,
    length: u64,
}

impl Length for Positioned {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Positioned {
    type T = io::BufReader<From>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        // Page headers are read so, of which the longest has some hundred bytes.
        Ok(io::BufReader::with_capacity(512, From { file: self.file.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        // Checked first: a corrupt length must not ask for memory.
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!("expected {length} bytes at {start}, found the end of the file")));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// A file from some place on.
struct From {
    file: Arc<File>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
