//! Columns of values, and how they are filled row by row.

use crate::signature::DType;

/// The values of a column, one entry per row. At a missing value the entry is 0, 0.0 or the empty text.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// A `float` column.
    Floats(Vec<f64>),
    /// An `integer` or `timestamp` column.
    Integers(Vec<i64>),
    /// A `boolean` column: 0 or 1.
    Booleans(Vec<u8>),
    /// A `text` column: value `i` is `bytes[ends[i - 1]..ends[i]]`, with `ends[-1]` taken as 0.
    Texts {
        /// The bytes of all values, one after the other.
        bytes: Vec<u8>,
        /// The end of each value in `bytes`.
        ends: Vec<u32>,
    },
}

impl Values {
    /// No values, of a type.
    pub(crate) const fn empty(dtype: DType) -> Self {
        match dtype {
            DType::Float => Self::Floats(vec![]),
            DType::Integer | DType::Timestamp => Self::Integers(vec![]),
            DType::Boolean => Self::Booleans(vec![]),
            DType::Text => Self::Texts { bytes: vec![], ends: vec![] },
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Booleans(values) => values.len(),
            Self::Texts { ends, .. } => ends.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the text at a row; none past the end, where the ends are out of order, or where the column holds no text.
    pub(crate) fn text(&self, row: usize) -> Option<&[u8]> {
        let Self::Texts { bytes, ends } = self else { return None };
        let start = if row == 0 { 0 } else { *ends.get(row - 1)? as usize };
        bytes.get(start..*ends.get(row)? as usize)
    }

    /// Adds the entry of a missing value.
    pub(crate) fn push_nothing(&mut self) {
        match self {
            Self::Floats(values) => values.push(0.0),
            Self::Integers(values) => values.push(0),
            Self::Booleans(values) => values.push(0),
            Self::Texts { ends, .. } => ends.push(ends.last().copied().unwrap_or_default()),
        }
    }

    /// Adds a text, where this is a text column. Gives back false where the column would pass 4 GiB.
    pub(crate) fn push_text(&mut self, text: &[u8]) -> bool {
        let Self::Texts { bytes, ends } = self else { return false };
        let Ok(end) = u32::try_from(bytes.len() + text.len()) else { return false };
        bytes.extend_from_slice(text);
        ends.push(end);
        true
    }
}

/// A run of rows of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The values, one for each row.
    pub values: Values,
    /// A bitmap, least significant bit first: bit `i` is 1 where row `i` has a value. None where no value is missing.
    pub validity: Option<Vec<u8>>,
}

impl Column {
    pub(crate) const fn empty(dtype: DType) -> Self {
        Self { values: Values::empty(dtype), validity: None }
    }

    /// Adds a missing value.
    pub(crate) fn push_null(&mut self) {
        let row = self.values.len();
        self.values.push_nothing();
        let bits = self.validity.get_or_insert_with(|| all_valid(row));
        bits.resize((row + 1).div_ceil(8), 0);
    }

    /// Says that the value that was just added is there.
    pub(crate) fn mark_present(&mut self) {
        if let Some(bits) = &mut self.validity {
            let row = self.values.len() - 1;
            bits.resize((row + 1).div_ceil(8), 0);
            bits[row / 8] |= 1 << (row % 8);
        }
    }
}

/// A bitmap of `rows` ones.
fn all_valid(rows: usize) -> Vec<u8> {
    let mut bits = vec![0xff; rows / 8];
    if !rows.is_multiple_of(8) {
        bits.push((1 << (rows % 8)) - 1);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_anywhere_leaves_the_others_present() {
        let mut column = Column::empty(DType::Float);
        for row in 0..20 {
            if row % 9 == 8 {
                column.push_null();
            } else {
                let Values::Floats(values) = &mut column.values else { unreachable!() };
                values.push(1.0);
                column.mark_present();
            }
        }
        assert_eq!(column.validity, Some(vec![0xff, 0b1111_1110, 0b0000_1101]));
        assert_eq!(column.values.len(), 20);
    }
}
