//! Gathers the values of one column of a piece, and finds the narrowest type that holds them all.
//!
//! A column starts without a type and takes that of its first value. Integers give way to floats in place. Anything else that does not
//! fit leaves only text; since the text of earlier values is gone by then, the column is marked to be read again as text.

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use super::decimal;
use super::records::{Raw, Records};
use super::value::{self, Nulls};
use crate::DType;

/// Values of one type, with zeros or empty text at nulls.
pub(super) enum Values {
    /// No value yet, only nulls.
    None,
    Floats(Vec<f64>),
    Integers(Vec<i64>),
    Booleans(Vec<bool>),
    Timestamps(Vec<i64>),
    Texts {
        bytes: Vec<u8>,
        ends: Vec<usize>,
    },
}

/// A column in the making.
pub(super) struct Builder {
    declared: bool,
    rows: usize,
    values: Values,
    validity: Option<BooleanBufferBuilder>,
    quoted_null: bool,
    mixed: bool,
}

/// A column of a piece.
pub(super) struct Part {
    pub(super) rows: usize,
    pub(super) values: Values,
    /// None where no row is null.
    pub(super) validity: Option<BooleanBuffer>,
    /// Whether a quoted field was taken as a null, which it is not in a column of text.
    pub(super) quoted_null: bool,
}

impl Values {
    /// No values of a type, with room for some.
    pub(super) fn empty(dtype: DType, rows: usize) -> Self {
        match dtype {
            DType::Float => Self::Floats(Vec::with_capacity(rows)),
            DType::Integer => Self::Integers(Vec::with_capacity(rows)),
            DType::Boolean => Self::Booleans(Vec::with_capacity(rows)),
            DType::Timestamp => Self::Timestamps(Vec::with_capacity(rows)),
            DType::Text => Self::Texts { bytes: Vec::new(), ends: Vec::with_capacity(rows) },
        }
    }

    /// The type, or none where there are only nulls.
    pub(super) const fn dtype(&self) -> Option<DType> {
        match self {
            Self::None => None,
            Self::Floats(_) => Some(DType::Float),
            Self::Integers(_) => Some(DType::Integer),
            Self::Booleans(_) => Some(DType::Boolean),
            Self::Timestamps(_) => Some(DType::Timestamp),
            Self::Texts { .. } => Some(DType::Text),
        }
    }

    /// Adds zeros or empty texts.
    pub(super) fn push_zeros(&mut self, rows: usize) {
        match self {
            Self::None => {}
            Self::Floats(values) => values.resize(values.len() + rows, 0.0),
            Self::Integers(values) | Self::Timestamps(values) => values.resize(values.len() + rows, 0),
            Self::Booleans(values) => values.resize(values.len() + rows, false),
            Self::Texts { bytes, ends } => ends.resize(ends.len() + rows, bytes.len()),
        }
    }
}

impl Builder {
    /// A column of a declared type, which refuses a value of another, with room for some rows.
    pub(super) fn declared(dtype: DType, rows: usize) -> Self {
        Self { declared: true, ..Self::inferred(Some(dtype), rows) }
    }

    /// A column whose type is inferred; at least as wide as `known`, where something is known of other pieces.
    pub(super) fn inferred(known: Option<DType>, rows: usize) -> Self {
        let values = known.map_or(Values::None, |dtype| Values::empty(dtype, rows));
        Self { declared: false, rows: 0, values, validity: None, quoted_null: false, mixed: false }
    }

    /// Whether the values are of no one type, so that the column must be read again as text.
    pub(super) const fn is_mixed(&self) -> bool {
        self.mixed
    }

    pub(super) fn finish(self) -> Part {
        let validity = self.validity.map(|mut bits| bits.finish());
        Part { rows: self.rows, values: self.values, validity, quoted_null: self.quoted_null }
    }

    /// Takes in the next field of a record where it is plainly of the type that the column has, which is the fast way, and says whether it
    /// is the last; none where the field is still to be taken, with [`Builder::push`]. No null value may be a number.
    #[inline]
    pub(super) fn push_number(&mut self, records: &mut Records<'_>) -> Option<bool> {
        let last = match &mut self.values {
            Values::Floats(values) => {
                let (value, last) = records.number(decimal::decimal)?;
                values.push(value);
                last
            }
            Values::Integers(values) => {
                let (value, last) = records.number(decimal::integer)?;
                values.push(value);
                last
            }
            _ => return None,
        };
        self.valid();
        Some(last)
    }

    /// Takes in the field of the next row; the declared type comes back where the field is not of it.
    pub(super) fn push(&mut self, field: Raw<'_>, nulls: &Nulls) -> Result<(), DType> {
        if self.mixed {
            return Ok(());
        }
        if let (Values::Texts { bytes, ends }, Raw::Plain(text)) = (&mut self.values, field)
            && !nulls.contains(value::trim(text))
        {
            bytes.extend_from_slice(text.as_bytes());
            ends.push(bytes.len());
            self.valid();
            return Ok(());
        }
        let text = field.text();
        let (quoted, bare) = match field {
            Raw::Plain(text) => (false, value::trim(text)),
            Raw::Quoted(_) => (true, &*text),
        };
        if nulls.contains(bare) && !(quoted && matches!(self.values, Values::Texts { .. })) {
            self.quoted_null |= quoted;
            self.null();
            return Ok(());
        }
        if self.put(bare, &text).is_some() {
            self.valid();
            return Ok(());
        }
        match self.values.dtype() {
            Some(dtype) if self.declared => return Err(dtype),
            _ => self.mixed = true,
        }
        Ok(())
    }

    /// Adds a value; none where it does not fit.
    fn put(&mut self, bare: &str, text: &str) -> Option<()> {
        match &mut self.values {
            Values::None => return self.start(bare, text),
            Values::Floats(values) => values.push(value::float(bare)?),
            Values::Integers(values) if self.declared => values.push(value::integer(bare)?),
            Values::Integers(values) => match value::exact_integer(bare) {
                Some(value) => values.push(value),
                None => {
                    let float = value::float(bare)?;
                    let floats = values.iter().map(|value| *value as f64).chain([float]).collect();
                    self.values = Values::Floats(floats);
                }
            },
            Values::Booleans(values) if self.declared => values.push(value::declared_boolean(bare)?),
            Values::Booleans(values) => values.push(value::boolean(bare)?),
            Values::Timestamps(values) => values.push(value::timestamp(bare)?),
            Values::Texts { bytes, ends } => {
                bytes.extend_from_slice(text.as_bytes());
                ends.push(bytes.len());
            }
        }
        Some(())
    }

    /// Adds the first value after nothing but nulls.
    fn start(&mut self, bare: &str, text: &str) -> Option<()> {
        let rows = self.rows;
        self.values = if let Some(value) = value::exact_integer(bare) {
            Values::Integers(after(rows, value))
        } else if let Some(value) = value::float(bare) {
            Values::Floats(after(rows, value))
        } else if let Some(value) = value::boolean(bare) {
            Values::Booleans(after(rows, value))
        } else if let Some(value) = value::timestamp(bare) {
            Values::Timestamps(after(rows, value))
        } else if self.quoted_null {
            return None;
        } else {
            Values::Texts { bytes: text.as_bytes().to_vec(), ends: after(rows, text.len()) }
        };
        Some(())
    }

    #[inline]
    fn valid(&mut self) {
        self.rows += 1;
        if let Some(bits) = &mut self.validity {
            bits.append(true);
        }
    }

    /// Takes in a row without a value.
    pub(super) fn null(&mut self) {
        let rows = self.rows;
        let bits = self.validity.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(rows + 1);
            bits.append_n(rows, true);
            bits
        });
        bits.append(false);
        self.rows += 1;
        self.values.push_zeros(1);
    }
}

fn after<T: Default + Clone>(rows: usize, value: T) -> Vec<T> {
    let mut values = vec![T::default(); rows];
    values.push(value);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(fields: &[&str]) -> Option<Option<DType>> {
        let nulls = Nulls::new(&crate::Source::NULL_VALUES.map(str::to_owned));
        let mut builder = Builder::inferred(None, 0);
        for field in fields {
            builder.push(Raw::Plain(field), &nulls).unwrap();
        }
        (!builder.is_mixed()).then(|| builder.finish().values.dtype())
    }

    #[test]
    fn the_narrowest_type_that_holds_all() {
        let cases: [(&[&str], Option<DType>); 9] = [
            (&["1", "", " 2 "], Some(DType::Integer)),
            (&["1", "2.5"], Some(DType::Float)),
            (&["1", "-0"], Some(DType::Float)),
            (&["1", "9223372036854775808"], Some(DType::Float)),
            (&["2.5", "inf", "NaN"], Some(DType::Float)),
            (&["NA", "True", "false"], Some(DType::Boolean)),
            (&["2026-01-31", "2026-01-31T10:00"], Some(DType::Timestamp)),
            (&["", "x", "1"], Some(DType::Text)),
            (&["", "NA"], None),
        ];
        for (fields, dtype) in cases {
            assert_eq!(inferred(fields), Some(dtype), "{fields:?}");
        }
        for mixed in [["1", "x"], ["true", "1"], ["2026-01-31", "x"], ["1.5", "true"]] {
            assert_eq!(inferred(&mixed), None, "{mixed:?}");
        }
    }

    #[test]
    fn integers_become_the_floats_that_the_text_says() {
        let nulls = Nulls::new(&[]);
        let mut builder = Builder::inferred(None, 0);
        for field in ["9007199254740993", "0.5"] {
            builder.push(Raw::Plain(field), &nulls).unwrap();
        }
        let Values::Floats(values) = builder.finish().values else { panic!("floats") };
        assert_eq!(values, ["9007199254740993", "0.5"].map(|text| text.parse::<f64>().unwrap()));
    }

    #[test]
    fn a_declared_type_refuses_others() {
        let nulls = Nulls::new(&["".to_owned()]);
        let push = |dtype, field| Builder::declared(dtype, 0).push(Raw::Plain(field), &nulls);
        assert_eq!(push(DType::Integer, "1.0"), Err(DType::Integer));
        assert_eq!(push(DType::Float, "abc"), Err(DType::Float));
        assert_eq!(push(DType::Boolean, "2"), Err(DType::Boolean));
        assert_eq!(
            [push(DType::Integer, "-0"), push(DType::Boolean, "1"), push(DType::Text, "7"), push(DType::Float, "")],
            [Ok(()); 4]
        );
    }
}
