//! Joins the parts of a column, one from each piece, into one contiguous array of one type.

use arrow_buffer::{BooleanBufferBuilder, NullBuffer};

use super::builder::{Part, Values};
use crate::DType;
use crate::cells::{Cells, nulls_of};

/// The type of a column with these parts, or none where it is text and some part was not read as such.
pub(super) fn dtype(parts: &[Part], declared: Option<DType>) -> Option<DType> {
    let joined = parts.iter().filter_map(|part| part.values.dtype()).reduce(|a, b| match (a, b) {
        _ if a == b => a,
        (DType::Integer | DType::Float, DType::Integer | DType::Float) => DType::Float,
        _ => DType::Text,
    });
    let dtype = joined.or(declared).unwrap_or(DType::Float);
    let reads_as_text = |part: &Part| match part.values {
        Values::Texts { .. } => true,
        Values::None => !part.quoted_null,
        _ => false,
    };
    (dtype != DType::Text || parts.iter().all(reads_as_text)).then_some(dtype)
}

/// The cells of a column of this type, which [`dtype`] gave for its parts.
pub(super) fn cells(parts: Vec<Part>, dtype: DType) -> Cells {
    let rows = parts.iter().map(|part| part.rows).sum();
    let nulls = nulls(&parts, rows);
    match dtype {
        DType::Float => Cells::of_floats(floats(parts, rows), nulls),
        DType::Integer | DType::Timestamp => Cells::of_integers(integers(parts, rows), nulls),
        DType::Boolean => Cells::of_booleans(booleans(parts).finish(), nulls),
        DType::Text => {
            let (bytes, offsets) = texts(parts, rows);
            Cells::of_texts(bytes, offsets, nulls).expect("fields of a valid text are valid text")
        }
    }
}

fn nulls(parts: &[Part], rows: usize) -> Option<NullBuffer> {
    if parts.iter().all(|part| part.validity.is_none()) {
        return None;
    }
    let mut bits = BooleanBufferBuilder::new(rows);
    for part in parts {
        match &part.validity {
            Some(validity) => bits.append_buffer(validity),
            None => bits.append_n(part.rows, true),
        }
    }
    nulls_of(bits.finish())
}

fn floats(parts: Vec<Part>, rows: usize) -> Vec<f64> {
    let mut joined = Vec::with_capacity(rows);
    for part in parts {
        match part.values {
            Values::Floats(values) => joined.extend_from_slice(&values),
            Values::Integers(values) => joined.extend(values.iter().map(|value| *value as f64)),
            _ => joined.resize(joined.len() + part.rows, 0.0),
        }
    }
    joined
}

fn integers(parts: Vec<Part>, rows: usize) -> Vec<i64> {
    let mut joined = Vec::with_capacity(rows);
    for part in parts {
        match part.values {
            Values::Integers(values) | Values::Timestamps(values) => joined.extend_from_slice(&values),
            _ => joined.resize(joined.len() + part.rows, 0),
        }
    }
    joined
}

fn booleans(parts: Vec<Part>) -> BooleanBufferBuilder {
    let mut joined = BooleanBufferBuilder::new(0);
    for part in parts {
        match part.values {
            Values::Booleans(values) => joined.append_slice(&values),
            _ => joined.append_n(part.rows, false),
        }
    }
    joined
}

fn texts(parts: Vec<Part>, rows: usize) -> (Vec<u8>, Vec<i64>) {
    let mut joined = Vec::new();
    let mut offsets = Vec::with_capacity(rows + 1);
    offsets.push(0);
    for part in parts {
        let start = joined.len();
        match part.values {
            Values::Texts { bytes, ends } => {
                joined.extend_from_slice(&bytes);
                offsets.extend(ends.iter().map(|end| (start + end) as i64));
            }
            _ => offsets.resize(offsets.len() + part.rows, start as i64),
        }
    }
    (joined, offsets)
}
