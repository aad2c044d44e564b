//! Between the contract's columns and the tables'.

use sprag_data::{Column, DType, DataError, Field, Values};

use crate::bindings::sprag::data::tables as wit;

pub(crate) fn field_to_wit(field: &Field) -> wit::Field {
    let dtype = match field.dtype {
        DType::Float => wit::Dtype::Float,
        DType::Integer => wit::Dtype::Integer,
        DType::Boolean => wit::Dtype::Boolean,
        DType::Text => wit::Dtype::Text,
        DType::Timestamp => wit::Dtype::Timestamp,
    };
    wit::Field { name: field.name.clone(), dtype, nullable: field.nullable }
}

pub(crate) fn field_from_wit(field: wit::Field) -> Field {
    let dtype = match field.dtype {
        wit::Dtype::Float => DType::Float,
        wit::Dtype::Integer => DType::Integer,
        wit::Dtype::Boolean => DType::Boolean,
        wit::Dtype::Text => DType::Text,
        wit::Dtype::Timestamp => DType::Timestamp,
    };
    Field { name: field.name, dtype, nullable: field.nullable }
}

pub(crate) fn column_to_wit(column: Column) -> wit::Column {
    let values = match column.values {
        Values::Floats(values) => wit::Values::Floats(values),
        Values::Integers(values) => wit::Values::Integers(values),
        Values::Booleans(values) => wit::Values::Booleans(values),
        Values::Texts { bytes, ends } => wit::Values::Texts(wit::TextValues { bytes, ends }),
    };
    wit::Column { values, validity: column.validity }
}

pub(crate) fn column_to_raw(column: Column) -> wit::RawColumn {
    fn packed<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
        let mut packed = Vec::with_capacity(values.len() * N);
        values.iter().for_each(|value| packed.extend_from_slice(&bytes(*value)));
        packed
    }
    let (bytes, ends) = match column.values {
        Values::Floats(values) => (packed(&values, f64::to_le_bytes), vec![]),
        Values::Integers(values) => (packed(&values, i64::to_le_bytes), vec![]),
        Values::Booleans(values) => (values, vec![]),
        Values::Texts { bytes, ends } => (bytes, ends),
    };
    wit::RawColumn { bytes, ends, validity: column.validity }
}

pub(crate) fn column_from_wit(column: wit::Column) -> Column {
    let values = match column.values {
        wit::Values::Floats(values) => Values::Floats(values),
        wit::Values::Integers(values) => Values::Integers(values),
        wit::Values::Booleans(values) => Values::Booleans(values),
        wit::Values::Texts(wit::TextValues { bytes, ends }) => Values::Texts { bytes, ends },
    };
    Column { values, validity: column.validity }
}

/// The bytes that a column's values take, in the host as in a guest.
pub(crate) fn column_bytes(column: &Column) -> u64 {
    let values = match &column.values {
        Values::Floats(values) => values.len() * 8,
        Values::Integers(values) => values.len() * 8,
        Values::Booleans(values) => values.len(),
        Values::Texts { bytes, ends } => bytes.len() + ends.len() * 4,
    };
    (values + column.validity.as_ref().map_or(0, Vec::len)) as u64
}

pub(crate) fn error_to_wit(error: &DataError) -> wit::DataError {
    match error {
        DataError::UnknownColumn { column, .. } => wit::DataError::NoSuchColumn(column.clone()),
        DataError::OutOfRange { .. } => wit::DataError::OutOfRange(error.to_string()),
        _ => wit::DataError::WrongType(error.to_string()),
    }
}
