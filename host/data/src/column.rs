//! A run of rows of one column as flat lists: the shape in which values cross to and from a guest.
//!
//! Nothing is checked here; [`crate::Table::from_columns`] checks what a guest hands over.

/// The values of a column, one entry per row. At a null the entry is 0, 0.0 or the empty text.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// A `float` column.
    Floats(Vec<f64>),
    /// An `integer` column, or a `timestamp` column in microseconds since 1970-01-01T00:00:00Z.
    Integers(Vec<i64>),
    /// A `boolean` column: 0 or 1.
    Booleans(Vec<u8>),
    /// A `text` column in Arrow's layout: value `i` is `bytes[ends[i - 1]..ends[i]]`, with `ends[-1]` taken as 0.
    Texts {
        /// The bytes of all values, one after the other.
        bytes: Vec<u8>,
        /// The end of each value in `bytes`; as many as there are rows.
        ends: Vec<u32>,
    },
}

impl Values {
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

    /// The kind of list, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Floats(_) => "floats",
            Self::Integers(_) => "integers",
            Self::Booleans(_) => "booleans",
            Self::Texts { .. } => "texts",
        }
    }
}

/// A run of rows of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The values, one for each row.
    pub values: Values,
    /// A bitmap, least significant bit first: bit `i` is 1 where row `i` has a value. None where no row is null.
    pub validity: Option<Vec<u8>>,
}

impl Column {
    /// Whether row `row` has a value.
    pub fn is_valid(&self, row: usize) -> bool {
        self.validity.as_ref().is_none_or(|bits| bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1))
    }

    /// The text at a row of a `text` column; none at a null, past the end, or where the column holds no text.
    pub fn text(&self, row: usize) -> Option<&str> {
        let Values::Texts { bytes, ends } = &self.values else { return None };
        let start = if row == 0 { 0 } else { *ends.get(row - 1)? as usize };
        let text = std::str::from_utf8(bytes.get(start..*ends.get(row)? as usize)?).ok()?;
        self.is_valid(row).then_some(text)
    }
}
