//! Writing a table as CSV that [`crate::load`] reads back with the same rows.
//!
//! Types that the text alone does not tell, such as a text column of digits, come back only if they are declared. Floats are written in
//! their shortest form that reads back the same, timestamps in ISO 8601, nulls as nothing, and text in quotes where it needs them.

use std::io::{self, Write};

use crate::cells::Cells;
use crate::{DType, Table};

/// Writes a table as CSV: a header line, then a line per row, parted by commas and ended by `\n`.
///
/// # Errors
///
/// When the writer refuses. Buffer a file: each field is one small write.
pub fn write_csv(table: &Table, mut out: impl Write) -> io::Result<()> {
    let columns = table.columns();
    for (i, field) in columns.fields.iter().enumerate() {
        comma(&mut out, i)?;
        text(&mut out, &field.name, b',')?;
    }
    writeln!(out)?;
    for row in 0..table.row_count() as usize {
        for (i, (field, cells)) in columns.fields.iter().zip(&columns.cells).enumerate() {
            comma(&mut out, i)?;
            cell(&mut out, field.dtype, cells, row, columns.cells.len())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Writes one cell of a record of `fields` fields that commas part.
pub(crate) fn cell(mut out: impl Write, dtype: DType, cells: &Cells, row: usize, fields: usize) -> io::Result<()> {
    match cells {
        // A lone empty field would be an empty line, which is no row.
        _ if cells.is_null(row) && fields == 1 => write!(out, "NA"),
        _ if cells.is_null(row) => Ok(()),
        Cells::Floats(array) => write!(out, "{:?}", array.value(row)),
        Cells::Integers(array) if dtype == DType::Timestamp => super::timestamp::write(&mut out, array.value(row)),
        Cells::Integers(array) => write!(out, "{}", array.value(row)),
        Cells::Booleans(array) => write!(out, "{}", array.value(row)),
        Cells::Texts(array) => text(&mut out, array.value(row), b','),
    }
}

fn comma(out: &mut impl Write, position: usize) -> io::Result<()> {
    if position > 0 { out.write_all(b",") } else { Ok(()) }
}

/// Text in quotes where it holds a mark of the format, or would otherwise be read as a null.
pub(crate) fn text(out: &mut impl Write, value: &str, delimiter: u8) -> io::Result<()> {
    let null = crate::Source::NULL_VALUES.contains(&value.trim_matches([' ', '\t']));
    if !null && !value.contains(['"', char::from(delimiter), '\n', '\r']) {
        return out.write_all(value.as_bytes());
    }
    write!(out, "\"{}\"", value.replace('"', "\"\""))
}
