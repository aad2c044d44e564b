//! One stored column: a contiguous Arrow array, its values at nulls set to zero, and how to read, gather and digest it.
//!
//! An enum over the four layouts, so that no code downcasts. Names, types and roles are [`crate::table`]'s.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use sprag_core::digest::{Digest, Hasher};

use crate::column::{Column, Values};
use crate::dtype::{DType, Field};
use crate::error::DataError;

/// The cells of one column. A timestamp is an integer number of microseconds.
#[derive(Clone)]
pub(crate) enum Cells {
    Floats(Float64Array),
    Integers(Int64Array),
    Booleans(BooleanArray),
    Texts(LargeStringArray),
}

impl Cells {
    pub(crate) fn of_floats(mut values: Vec<f64>, nulls: Option<NullBuffer>) -> Self {
        zero_at_nulls(&mut values, nulls.as_ref());
        Self::Floats(Float64Array::new(values.into(), nulls))
    }

    pub(crate) fn of_integers(mut values: Vec<i64>, nulls: Option<NullBuffer>) -> Self {
        zero_at_nulls(&mut values, nulls.as_ref());
        Self::Integers(Int64Array::new(values.into(), nulls))
    }

    pub(crate) fn of_booleans(values: BooleanBuffer, nulls: Option<NullBuffer>) -> Self {
        let values = match &nulls {
            Some(nulls) => &values & nulls.inner(),
            None => values,
        };
        Self::Booleans(BooleanArray::new(values, nulls))
    }

    /// Texts of which those at nulls are empty. Says what is wrong where the bytes are not UTF-8 or an end is inside a character.
    pub(crate) fn of_texts(bytes: Vec<u8>, offsets: Vec<i64>, nulls: Option<NullBuffer>) -> Result<Self, String> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let array = LargeStringArray::try_new(offsets, Buffer::from_vec(bytes), nulls).map_err(|error| error.to_string())?;
        Ok(Self::Texts(array))
    }

    /// The cells of values that a guest handed over, checked.
    pub(crate) fn from_column(field: &Field, column: Column, rows: usize) -> Result<Self, DataError> {
        let bad = |expected: String, found: String| DataError::BadColumn { column: field.name.clone(), expected, found };
        if column.values.len() != rows {
            return Err(bad(format!("{rows} rows, as in the first column"), format!("{}", column.values.len())));
        }
        let nulls = match column.validity {
            None => None,
            Some(bits) if bits.len() == rows.div_ceil(8) => nulls_of(BooleanBuffer::new(bits.into(), 0, rows)),
            Some(bits) => {
                return Err(bad(format!("a bitmap of {} bytes", rows.div_ceil(8)), format!("{} bytes", bits.len())));
            }
        };
        match (field.dtype, column.values) {
            (DType::Float, Values::Floats(values)) => Ok(Self::of_floats(values, nulls)),
            (DType::Integer | DType::Timestamp, Values::Integers(values)) => Ok(Self::of_integers(values, nulls)),
            (DType::Boolean, Values::Booleans(values)) => match values.iter().find(|value| **value > 1) {
                Some(value) => Err(bad("0 or 1".into(), value.to_string())),
                None => Ok(Self::of_booleans(values.iter().map(|value| *value == 1).collect(), nulls)),
            },
            (DType::Text, Values::Texts { bytes, ends }) => {
                if ends.is_empty() && !bytes.is_empty() {
                    return Err(bad("no bytes, as there are no rows".into(), format!("{} bytes", bytes.len())));
                }
                Self::from_texts(bytes, &ends, nulls).map_err(|found| bad("UTF-8 texts whose ends ascend".into(), found))
            }
            (dtype, values) => Err(bad(format!("values of type {dtype}"), values.kind().to_owned())),
        }
    }

    fn from_texts(bytes: Vec<u8>, ends: &[u32], nulls: Option<NullBuffer>) -> Result<Self, String> {
        let mut offsets = Vec::with_capacity(ends.len() + 1);
        offsets.push(0_i64);
        for (row, &end) in ends.iter().enumerate() {
            if i64::from(end) < offsets[row] {
                return Err(format!("end {end} of row {row} before its start {}", offsets[row]));
            }
            offsets.push(end.into());
        }
        if offsets[ends.len()] != bytes.len() as i64 {
            return Err(format!("a last end of {} for {} bytes", offsets[ends.len()], bytes.len()));
        }
        let checked = Self::of_texts(bytes, offsets, nulls)?;
        // A guest may leave bytes at a null; a gather of every row drops them.
        let rows: Vec<u32> = (0..checked.len() as u32).collect();
        Ok(if checked.has_nulls() { checked.gather(&rows) } else { checked })
    }

    /// The cells as an Arrow array of the type that says what they mean: a timestamp is one, and not the integer that it is stored as.
    pub(crate) fn to_arrow(&self, dtype: DType) -> ArrayRef {
        match self {
            Self::Floats(array) => Arc::new(array.clone()),
            Self::Integers(array) if dtype == DType::Timestamp => {
                let timestamps = array.reinterpret_cast::<TimestampMicrosecondType>();
                Arc::new(timestamps.with_timezone("UTC"))
            }
            Self::Integers(array) => Arc::new(array.clone()),
            Self::Booleans(array) => Arc::new(array.clone()),
            Self::Texts(array) => Arc::new(array.clone()),
        }
    }

    fn array(&self) -> &dyn Array {
        match self {
            Self::Floats(array) => array,
            Self::Integers(array) => array,
            Self::Booleans(array) => array,
            Self::Texts(array) => array,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.array().len()
    }

    pub(crate) fn nulls(&self) -> Option<&NullBuffer> {
        self.array().nulls()
    }

    pub(crate) fn has_nulls(&self) -> bool {
        self.null_count() > 0
    }

    pub(crate) fn null_count(&self) -> usize {
        self.array().null_count()
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.array().is_null(row)
    }

    /// Rows `start..start + len`, which exist, as flat lists; none where the text is too much for 32-bit ends.
    pub(crate) fn read(&self, start: usize, len: usize) -> Option<Column> {
        let range = start..start + len;
        let values = match self {
            Self::Floats(array) => Values::Floats(array.values()[range].to_vec()),
            Self::Integers(array) => Values::Integers(array.values()[range].to_vec()),
            Self::Booleans(array) => Values::Booleans(array.values().slice(start, len).iter().map(u8::from).collect()),
            Self::Texts(array) => {
                let offsets = &array.value_offsets()[start..=start + len];
                let (first, last) = (offsets[0], offsets[len]);
                u32::try_from(last - first).ok()?;
                let ends = offsets[1..].iter().map(|end| (end - first) as u32).collect();
                Values::Texts { bytes: array.value_data()[first as usize..last as usize].to_vec(), ends }
            }
        };
        let validity = self.array().nulls().and_then(|nulls| bitmap(&nulls.slice(start, len)));
        Some(Column { values, validity })
    }

    /// The values as floats with NaN at nulls; none for text.
    pub(crate) fn floats(&self) -> Option<Cow<'_, [f64]>> {
        let mut floats: Vec<f64> = match self {
            Self::Floats(array) if array.null_count() == 0 => return Some(Cow::Borrowed(array.values())),
            Self::Floats(array) => array.values().to_vec(),
            Self::Integers(array) => array.values().iter().map(|value| *value as f64).collect(),
            Self::Booleans(array) => array.values().iter().map(|value| f64::from(u8::from(value))).collect(),
            Self::Texts(_) => return None,
        };
        if let Some(nulls) = self.array().nulls() {
            floats.iter_mut().zip(nulls).filter(|(_, valid)| !valid).for_each(|(value, _)| *value = f64::NAN);
        }
        Some(Cow::Owned(floats))
    }

    /// The cells of these rows, all of which exist.
    pub(crate) fn gather(&self, rows: &[u32]) -> Self {
        let rows = || rows.iter().map(|row| *row as usize);
        let nulls = self.array().nulls().and_then(|nulls| nulls_of(rows().map(|row| nulls.is_valid(row)).collect()));
        match self {
            Self::Floats(array) => {
                let values = array.values();
                Self::Floats(Float64Array::new(rows().map(|row| values[row]).collect(), nulls))
            }
            Self::Integers(array) => {
                let values = array.values();
                Self::Integers(Int64Array::new(rows().map(|row| values[row]).collect(), nulls))
            }
            Self::Booleans(array) => {
                let values = array.values();
                Self::Booleans(BooleanArray::new(rows().map(|row| values.value(row)).collect(), nulls))
            }
            Self::Texts(array) => Self::Texts(rows().map(|row| array.is_valid(row).then(|| array.value(row))).collect()),
        }
    }

    fn digest_into(&self, hasher: &mut Hasher) {
        let validity = self.array().nulls().and_then(bitmap).unwrap_or_default();
        hasher.field(&validity);
        match self {
            Self::Floats(array) => hasher.field(array.values().inner().as_slice()),
            Self::Integers(array) => hasher.field(array.values().inner().as_slice()),
            Self::Booleans(array) => hasher.field(&packed(array.values())),
            Self::Texts(array) => hasher.field(array.offsets().inner().inner().as_slice()).field(array.value_data()),
        };
    }
}

/// The digest of a table by its schema and cells.
pub(crate) fn content_digest(fields: &[Field], cells: &[Cells], rows: u64) -> Digest {
    let mut hasher = Hasher::new();
    hasher.field(b"sprag-columns/1").field(&rows.to_le_bytes());
    for (field, cells) in fields.iter().zip(cells) {
        hasher.field(field.name.as_bytes()).field(field.dtype.name().as_bytes());
        cells.digest_into(&mut hasher);
    }
    hasher.finish()
}

/// The digest of rows picked from a table, by the table's digest and their numbers.
pub(crate) fn rows_digest(table: Digest, rows: &[u32]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.field(b"sprag-rows/1").field(table.as_bytes());
    rows.iter().for_each(|row| hasher.update(&row.to_le_bytes()));
    hasher.finish()
}

/// A null buffer of these validity bits, or none where all are set.
pub(crate) fn nulls_of(valid: BooleanBuffer) -> Option<NullBuffer> {
    Some(NullBuffer::new(valid)).filter(|nulls| nulls.null_count() > 0)
}

fn zero_at_nulls<T: Default>(values: &mut [T], nulls: Option<&NullBuffer>) {
    if let Some(nulls) = nulls {
        values.iter_mut().zip(nulls).filter(|(_, valid)| !valid).for_each(|(value, _)| *value = T::default());
    }
}

/// The bitmap of a null buffer; none where nothing is null.
fn bitmap(nulls: &NullBuffer) -> Option<Vec<u8>> {
    (nulls.null_count() > 0).then(|| packed(nulls.inner()))
}

/// Bits from position 0, the unused ones of the last byte zero.
fn packed(bits: &BooleanBuffer) -> Vec<u8> {
    let mut bytes = bits.inner().bit_slice(bits.offset(), bits.len()).to_vec();
    bytes.truncate(bits.len().div_ceil(8));
    if let (Some(last), used @ 1..) = (bytes.last_mut(), bits.len() % 8) {
        *last &= (1 << used) - 1;
    }
    bytes
}
