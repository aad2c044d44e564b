//! Between the protocol's columns and the scorer's. The lists are handed on, not copied.

use sprag_scoring as wire;

use crate::bindings::sprag::data::tables::{Column, Dtype, Field, TextValues, Values};

/// Columns as a scorer takes them.
pub(crate) fn to_scorer(columns: Vec<wire::Column>) -> Vec<Column> {
    let values = |values| match values {
        wire::Values::Floats(values) => Values::Floats(values),
        wire::Values::Integers(values) => Values::Integers(values),
        wire::Values::Booleans(values) => Values::Booleans(values),
        wire::Values::Texts { bytes, ends } => Values::Texts(TextValues { bytes, ends }),
    };
    columns.into_iter().map(|column| Column { values: values(column.values), validity: column.validity }).collect()
}

/// Columns as the protocol writes them.
pub(crate) fn to_wire(columns: Vec<Column>) -> Vec<wire::Column> {
    let values = |values| match values {
        Values::Floats(values) => wire::Values::Floats(values),
        Values::Integers(values) => wire::Values::Integers(values),
        Values::Booleans(values) => wire::Values::Booleans(values),
        Values::Texts(TextValues { bytes, ends }) => wire::Values::Texts { bytes, ends },
    };
    columns.into_iter().map(|column| wire::Column { values: values(column.values), validity: column.validity }).collect()
}

/// A field as the protocol describes it.
pub(crate) fn field(field: Field) -> wire::Field {
    wire::Field { name: field.name, dtype: dtype(field.dtype), nullable: field.nullable }
}

const fn dtype(dtype: Dtype) -> wire::DType {
    match dtype {
        Dtype::Float => wire::DType::Float,
        Dtype::Integer => wire::DType::Integer,
        Dtype::Boolean => wire::DType::Boolean,
        Dtype::Text => wire::DType::Text,
        Dtype::Timestamp => wire::DType::Timestamp,
    }
}

/// What is wrong with a column that the scorer gave for an output; nothing where it can be written.
pub(crate) fn check(column: &Column, rows: u32, output: &wire::Field) -> Result<(), String> {
    let wrong = |found: &str| {
        Err(format!("expected {rows} rows of {} for the output `{}`, found {found}", output.dtype.name(), output.name))
    };
    let (is_of_type, length) = match &column.values {
        Values::Floats(values) => (output.dtype == wire::DType::Float, values.len()),
        Values::Integers(values) => (matches!(output.dtype, wire::DType::Integer | wire::DType::Timestamp), values.len()),
        Values::Booleans(values) => (output.dtype == wire::DType::Boolean, values.len()),
        Values::Texts(values) => (output.dtype == wire::DType::Text, values.ends.len()),
    };
    if length != rows as usize {
        return wrong(&format!("{length} rows"));
    }
    if column.validity.is_some() {
        return wrong("nulls");
    }
    if !is_of_type {
        return wrong("values of another type");
    }
    match &column.values {
        Values::Floats(values) => match values.iter().position(|value| !value.is_finite()) {
            Some(row) => wrong(&format!("{} in row {row}", values[row])),
            None => Ok(()),
        },
        Values::Booleans(values) if values.iter().any(|value| *value > 1) => wrong("a number beyond 0 and 1"),
        Values::Texts(values) if !is_whole(values) => wrong("other bytes than UTF-8 text"),
        _ => Ok(()),
    }
}

/// Whether each row is text: the ends in order and within the bytes, and UTF-8 between them.
fn is_whole(values: &TextValues) -> bool {
    let starts = std::iter::once(0).chain(values.ends.iter().copied());
    let mut rows = starts.zip(&values.ends).map(|(start, end)| values.bytes.get(start as usize..*end as usize));
    rows.all(|row| row.is_some_and(|bytes| std::str::from_utf8(bytes).is_ok()))
}
