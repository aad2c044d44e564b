//! A table as files that numpy reads: one for the values of each column, one for which of them are there, and one text that says what they are.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::json;
use sprag_data::{Column, DType, DataError, Field, Table, Values};

use crate::npy::{self, Kind};

/// Rows that are read at a time.
const BATCH: u32 = 64 << 10;

/// Writes a table under a name into a folder, and gives the names of the files. Memory: one batch of one column.
pub(crate) fn write(dir: &Path, name: &str, table: &Table) -> Result<Vec<String>, WriteError> {
    let mut names = vec![];
    let mut columns = vec![];
    for (at, field) in table.schema().iter().enumerate() {
        let file = |part: &str| format!("{name}.{at}.{part}.npy");
        let mut about = json!({ "name": field.name, "dtype": field.dtype.name() });
        for part in parts(field) {
            let file = file(part);
            about[part] = json!(file);
            let mut out = BufWriter::with_capacity(1 << 18, File::create(dir.join(&file))?);
            write_part(&mut out, part, table, field)?;
            out.into_inner().map_err(io::IntoInnerError::into_error)?;
            names.push(file);
        }
        columns.push(about);
    }
    let about = json!({ "rows": table.row_count(), "target": table.target(), "features": table.features(), "columns": columns });
    let file = format!("{name}.json");
    std::fs::write(dir.join(&file), about.to_string())?;
    names.push(file);
    Ok(names)
}

/// Why a table was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("{0}")]
    Data(#[from] DataError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The files of a column.
fn parts(field: &Field) -> Vec<&'static str> {
    let mut parts = if field.dtype == DType::Text { vec!["bytes", "ends"] } else { vec!["values"] };
    if field.nullable {
        parts.push("valid");
    }
    parts
}

fn write_part(out: &mut impl Write, part: &str, table: &Table, field: &Field) -> Result<(), WriteError> {
    let rows = table.row_count();
    match part {
        "bytes" => {
            let mut length = 0;
            each(table, field, |column| {
                length += text_bytes(&column).len() as u64;
                Ok(())
            })?;
            npy::header(out, Kind::Byte, length)?;
            each(table, field, |column| Ok(out.write_all(text_bytes(&column))?))
        }
        "ends" => {
            npy::header(out, Kind::Integer, rows)?;
            let mut before = 0;
            each(table, field, |column| {
                let Values::Texts { ends, .. } = &column.values else { return Ok(()) };
                let last = ends.last().copied().unwrap_or_default();
                npy::words(out, ends, |end| (before + i64::from(end)).to_le_bytes())?;
                before += i64::from(last);
                Ok(())
            })
        }
        "valid" => {
            npy::header(out, Kind::Boolean, rows)?;
            each(table, field, |column| {
                let valid: Vec<_> = (0..column.values.len()).map(|row| u8::from(column.is_valid(row))).collect();
                Ok(out.write_all(&valid)?)
            })
        }
        _ => {
            npy::header(out, kind(field.dtype), rows)?;
            each(table, field, |column| {
                match &column.values {
                    Values::Floats(values) => npy::words(out, values, f64::to_le_bytes)?,
                    Values::Integers(values) => npy::words(out, values, i64::to_le_bytes)?,
                    Values::Booleans(values) => out.write_all(values)?,
                    Values::Texts { .. } => {}
                }
                Ok(())
            })
        }
    }
}

/// Walks a column by batches.
fn each(table: &Table, field: &Field, mut visit: impl FnMut(Column) -> Result<(), WriteError>) -> Result<(), WriteError> {
    let rows = table.row_count();
    for offset in (0..rows).step_by(BATCH as usize) {
        let len = u32::try_from(rows - offset).map_or(BATCH, |left| left.min(BATCH));
        visit(table.read(&field.name, offset, len)?)?;
    }
    Ok(())
}

fn text_bytes(column: &Column) -> &[u8] {
    match &column.values {
        Values::Texts { bytes, .. } => bytes,
        _ => &[],
    }
}

const fn kind(dtype: DType) -> Kind {
    match dtype {
        DType::Float => Kind::Float,
        DType::Integer => Kind::Integer,
        DType::Boolean => Kind::Boolean,
        DType::Timestamp => Kind::Timestamp,
        DType::Text => Kind::Byte,
    }
}
