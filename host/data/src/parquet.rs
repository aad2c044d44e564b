//! Reads Parquet: the columns in parallel, each into one contiguous array of a table's type.
//!
//! The file is read once, whole, so that the bytes which are digested are the ones which are decoded; that holds the compressed file in
//! memory beside the table. Nested columns are refused by name, not flattened.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, LargeStringArray, new_empty_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use sprag_core::digest::Digest;

use crate::cells::Cells;
use crate::error::{Names, shorten};
use crate::source::{open, table_digest};
use crate::table::check_names;
use crate::{DType, DataError, Field, Source, Table, threads};

pub(crate) const MAGIC: &[u8] = b"PAR1";
/// How many rows of text are decoded at a time: one array in the file's own layout holds 2 GiB at most.
const TEXT_ROWS: usize = 64 << 10;

/// Loads a Parquet file.
pub(crate) fn load(source: &Source) -> Result<Table, DataError> {
    let bytes = read(source)?;
    let not_parquet = |found: String| DataError::Parquet { path: source.path.clone(), found: shorten_long(&found) };
    let metadata = match caught(|| ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new())) {
        Ok(metadata) => metadata.map_err(|error| not_parquet(error.to_string()))?,
        Err(panic) => return Err(not_parquet(panic)),
    };
    let fields = fields(&metadata, source)?;
    let rows = u64::try_from(metadata.metadata().file_metadata().num_rows())
        .map_err(|_| not_parquet("a negative number of rows".into()))?;
    let wanted: Vec<(usize, DType)> = fields.iter().enumerate().map(|(i, field)| (i, field.dtype)).collect();
    let (columns, digest) = std::thread::scope(|scope| {
        let digest = scope.spawn(|| Digest::of(&bytes));
        let columns = threads::map(wanted, bytes.len() > 1 << 20, |(column, dtype)| {
            caught(|| decode(&bytes, &metadata, column, dtype)).unwrap_or_else(|panic| Err(Failure::File(panic)))
        });
        (columns, digest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let mut cells = Vec::with_capacity(columns.len());
    for (field, column) in fields.iter().zip(columns) {
        let column = column.map_err(|failure| match failure {
            Failure::File(found) => not_parquet(found),
            Failure::Values(found) => convert(source, &field.name, field.dtype, &found),
        })?;
        if column.len() as u64 != rows {
            return Err(not_parquet(format!("{} rows in column `{}`, expected {rows}", column.len(), shorten(&field.name))));
        }
        cells.push(column);
    }
    Ok(Table::assemble(fields, cells, rows, table_digest(digest, source)))
}

/// The whole file, if it looks like a Parquet file at either end.
fn read(source: &Source) -> Result<Bytes, DataError> {
    let mut file = open(&source.path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| DataError::read(&source.path, error))?;
    let found = match &bytes[..] {
        [] => "the file is empty",
        bytes if !bytes.starts_with(MAGIC) => "the file does not begin with `PAR1`",
        bytes if !bytes.ends_with(MAGIC) || bytes.len() < 12 => "the file does not end with `PAR1`: is it truncated?",
        _ => return Ok(bytes.into()),
    };
    Err(DataError::Parquet { path: source.path.clone(), found: found.to_owned() })
}

/// The columns and the types that they are to have.
fn fields(metadata: &ArrowReaderMetadata, source: &Source) -> Result<Vec<Field>, DataError> {
    let schema = metadata.schema();
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    check_names(&format!("`{}`", source.path.display()), names())?;
    if let Some(column) = source.columns.keys().find(|column| !names().any(|name| name == column.as_str())) {
        let known = Names(names().map(str::to_owned).collect());
        return Err(DataError::DeclaredColumn { path: source.path.clone(), column: column.clone(), known });
    }
    let field = |field: &arrow_schema::FieldRef| {
        let (name, stored) = (field.name().clone(), field.data_type());
        let Some(natural) = natural(stored) else {
            let (path, found) = (source.path.clone(), shorten(&stored.to_string()));
            return Err(DataError::UnsupportedType { path, column: name, found });
        };
        let dtype = match source.columns.get(&name) {
            None => natural,
            Some(declared) if *declared == natural || *stored == DataType::Null => *declared,
            Some(DType::Float) if natural == DType::Integer => DType::Float,
            Some(declared) => {
                return Err(convert(source, &name, *declared, &format!("it is of type {}", shorten(&stored.to_string()))));
            }
        };
        Ok(Field { name, dtype, nullable: false })
    };
    schema.fields().iter().map(field).collect()
}

pub(crate) fn convert(source: &Source, column: &str, expected: DType, found: &str) -> DataError {
    DataError::Convert { path: source.path.clone(), column: column.to_owned(), expected, found: shorten_long(found) }
}

/// The type of a table's column that holds what a stored type holds; none for nested and binary types, times of day and intervals.
pub(crate) fn natural(stored: &DataType) -> Option<DType> {
    Some(match stored {
        DataType::Boolean => DType::Boolean,
        stored if stored.is_integer() => DType::Integer,
        stored if stored.is_floating() || stored.is_decimal() => DType::Float,
        // A column that was null throughout when it was written.
        DataType::Null => DType::Float,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DType::Text,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => DType::Timestamp,
        DataType::Dictionary(_, values) => return natural(values),
        _ => return None,
    })
}

/// Why a column could not be decoded.
enum Failure {
    /// The file is not what it should be.
    File(String),
    /// The values do not fit their type.
    Values(String),
}

fn decode(bytes: &Bytes, metadata: &ArrowReaderMetadata, column: usize, dtype: DType) -> Result<Cells, Failure> {
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), metadata.clone());
    // Numbers are decoded in one go, so that they need not be copied together. A corrupt row count must not ask for memory: no file has
    // more rows than bits, but for those that encodings run together, which then come in several batches.
    let rows = if dtype == DType::Text { TEXT_ROWS } else { bytes.len().saturating_mul(8) };
    let mask = ProjectionMask::roots(builder.parquet_schema(), [column]);
    let file = |error: &dyn std::error::Error| Failure::File(error.to_string());
    let reader = builder.with_projection(mask).with_batch_size(rows).build().map_err(|error| file(&error))?;
    let mut arrays = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| file(&error))?;
        arrays.push(cast(batch.column(0), dtype).map_err(|error| Failure::Values(error.to_string()))?);
    }
    if arrays.is_empty() {
        arrays.push(new_empty_array(&layout(dtype)));
    }
    match &arrays[..] {
        [array] => Ok(cells(array, dtype)),
        arrays => {
            let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
            let array = arrow_select::concat::concat(&arrays).map_err(|error| Failure::Values(error.to_string()))?;
            Ok(cells(&array, dtype))
        }
    }
}

const fn layout(dtype: DType) -> DataType {
    match dtype {
        DType::Float => DataType::Float64,
        DType::Integer | DType::Timestamp => DataType::Int64,
        DType::Boolean => DataType::Boolean,
        DType::Text => DataType::LargeUtf8,
    }
}

/// The values in the layout of a table; an error where a value does not fit it.
pub(crate) fn cast(array: &ArrayRef, dtype: DType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let array = match array.data_type() {
        DataType::Dictionary(_, values) => cast_with_options(array, values, &options)?,
        _ => array.clone(),
    };
    let cast = cast_with_options(&array, &layout(dtype), &options)?;
    if dtype != DType::Timestamp {
        return Ok(cast);
    }
    let integers = cast.as_primitive::<Int64Type>();
    // Microseconds in one unit; none for a unit of nanoseconds.
    let unit = match array.data_type() {
        DataType::Date32 => Some(86_400_000_000),
        DataType::Timestamp(TimeUnit::Second, _) => Some(1_000_000),
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => Some(1_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => None,
        _ => return Ok(cast),
    };
    let micros = integers.try_unary::<_, Int64Type, _>(|value| match unit {
        None => Ok(value.div_euclid(1_000)),
        Some(unit) => value.checked_mul(unit).ok_or_else(|| ArrowError::ComputeError(format!("{value} is out of range"))),
    })?;
    Ok(std::sync::Arc::new(micros))
}

/// The cells of an array in its type's layout.
pub(crate) fn cells(array: &ArrayRef, dtype: DType) -> Cells {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
    match dtype {
        DType::Float if nulls.is_none() => Cells::Floats(array.as_primitive::<Float64Type>().clone()),
        DType::Float => Cells::of_floats(array.as_primitive::<Float64Type>().values().to_vec(), nulls),
        DType::Integer | DType::Timestamp => Cells::of_integers(array.as_primitive::<Int64Type>().values().to_vec(), nulls),
        DType::Boolean => Cells::of_booleans(array.as_boolean().values().clone(), nulls),
        DType::Text if nulls.is_none() => Cells::Texts(array.as_string::<i64>().clone()),
        // Bytes that stand at nulls are dropped.
        DType::Text => Cells::Texts(array.as_string::<i64>().iter().collect::<LargeStringArray>()),
    }
}

/// Runs a decoder, which may panic where a corrupt file breaks what it takes for granted.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "the file is corrupt".to_owned())
}

/// The first line of another library's message, cut where it is very long.
pub(crate) fn shorten_long(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() > 200 { line.chars().take(200).chain(['…']).collect() } else { line.to_owned() }
}
