//! Columns as Rust slices.

use std::borrow::Cow;

use crate::{Column, Dtype, Failure, Field, TextValues, Values};

/// A field without nulls.
pub fn field(name: &str, dtype: Dtype) -> Field {
    Field { name: name.to_owned(), dtype, nullable: false }
}

impl Dtype {
    /// The type's name in the contract, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Text => "text",
            Self::Timestamp => "timestamp",
        }
    }

    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Float, Self::Integer, Self::Boolean, Self::Text, Self::Timestamp].into_iter().find(|dtype| dtype.name() == name)
    }

    /// Whether values of this type are numbers to calculate with: floats, integers and booleans (as 0 and 1).
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Float | Self::Integer | Self::Boolean)
    }
}

impl Column {
    /// A column of numbers without nulls.
    pub fn floats(values: Vec<f64>) -> Self {
        Self { values: Values::Floats(values), validity: None }
    }

    /// A column of text without nulls.
    pub fn texts<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Self {
        let mut texts = TextValues { bytes: Vec::new(), ends: Vec::new() };
        for value in values {
            texts.bytes.extend_from_slice(value.as_ref().as_bytes());
            // The host caps a text column at the 4 GiB that its ends can address, long before a guest holds as much.
            texts.ends.push(u32::try_from(texts.bytes.len()).expect("a guest's memory holds less than 4 GiB"));
        }
        Self { values: Values::Texts(texts), validity: None }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Floats(values) => values.len(),
            Values::Integers(values) => values.len(),
            Values::Booleans(values) => values.len(),
            Values::Texts(texts) => texts.ends.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether row `row` holds no value.
    pub fn is_null(&self, row: usize) -> bool {
        self.validity.as_ref().is_some_and(|bits| bits.get(row / 8).is_none_or(|byte| byte >> (row % 8) & 1 == 0))
    }

    /// The first row that holds no value.
    pub fn first_null(&self) -> Option<usize> {
        self.validity.as_ref()?;
        (0..self.len()).find(|&row| self.is_null(row))
    }

    /// How many rows hold no value.
    pub fn null_count(&self) -> usize {
        if self.validity.is_none() { 0 } else { (0..self.len()).filter(|&row| self.is_null(row)).count() }
    }

    /// The values as numbers, nulls as NaN; booleans are 0 and 1. None of text. Floats without nulls are borrowed.
    pub fn numbers(&self) -> Option<Cow<'_, [f64]>> {
        let mut numbers: Cow<'_, [f64]> = match &self.values {
            Values::Floats(values) => Cow::Borrowed(values),
            #[allow(clippy::cast_precision_loss, reason = "beyond 2^53 the nearest number is what a model works on")]
            Values::Integers(values) => values.iter().map(|&value| value as f64).collect(),
            Values::Booleans(values) => values.iter().map(|&value| f64::from(value)).collect(),
            Values::Texts(_) => return None,
        };
        if self.validity.is_some() {
            for (row, number) in numbers.to_mut().iter_mut().enumerate() {
                if self.is_null(row) {
                    *number = f64::NAN;
                }
            }
        }
        Some(numbers)
    }

    /// The same as [`numbers`](Self::numbers), owned: floats without nulls are moved.
    pub fn into_numbers(self) -> Option<Vec<f64>> {
        match self {
            Self { values: Values::Floats(values), validity: None } => Some(values),
            other => other.numbers().map(Cow::into_owned),
        }
    }

    /// The values as numbers to score with.
    ///
    /// # Errors
    ///
    /// [`Failure::BadInput`] at text or a null, with the column's name.
    pub fn features(&self, name: &str) -> Result<Cow<'_, [f64]>, Failure> {
        if let Some(row) = self.first_null() {
            return Err(Failure::bad_input(format!(
                "expected a number in column `{name}`, row {row} of the batch, found no value"
            )));
        }
        self.numbers().ok_or_else(|| Failure::bad_input(format!("expected numbers in column `{name}`, found text")))
    }

    /// The text of row `row`; the empty text at a null. None of a column that is not text, or past its end.
    pub fn text(&self, row: usize) -> Option<Cow<'_, str>> {
        let Values::Texts(texts) = &self.values else { return None };
        let start = row.checked_sub(1).map_or(0, |before| texts.ends[before]) as usize;
        let bytes = texts.bytes.get(start..*texts.ends.get(row)? as usize)?;
        Some(String::from_utf8_lossy(bytes))
    }

    /// The value of row `row` as a person would write it; none at a null.
    pub fn display(&self, row: usize) -> Option<Cow<'_, str>> {
        if self.is_null(row) {
            return None;
        }
        match &self.values {
            Values::Floats(values) => values.get(row).map(|value| value.to_string().into()),
            Values::Integers(values) => values.get(row).map(|value| value.to_string().into()),
            Values::Booleans(values) => values.get(row).map(|&value| if value == 0 { "false" } else { "true" }.into()),
            Values::Texts(_) => self.text(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_hold_nan_at_nulls_and_borrow_without() {
        let plain = Column::floats(vec![1.0, 2.0]);
        assert!(matches!(plain.numbers(), Some(Cow::Borrowed([1.0, 2.0]))));
        let gaps = Column { values: Values::Integers(vec![7, 0, 9]), validity: Some(vec![0b101]) };
        let numbers = gaps.numbers().unwrap();
        assert_eq!((numbers[0], numbers[1].is_nan(), numbers[2]), (7.0, true, 9.0));
        assert_eq!((gaps.first_null(), gaps.null_count()), (Some(1), 1));
        assert!(Column::texts(["a"]).numbers().is_none());
    }

    #[test]
    fn text_is_cut_at_its_ends() {
        let column = Column::texts(["ab", "", "é"]);
        let all: Vec<_> = (0..4).map(|row| column.text(row).map(Cow::into_owned)).collect();
        assert_eq!(all, [Some("ab".into()), Some(String::new()), Some("é".into()), None]);
        let broken = Column { values: Values::Texts(TextValues { bytes: vec![b'a'], ends: vec![9] }), validity: None };
        assert_eq!(broken.text(0), None);
    }
}
