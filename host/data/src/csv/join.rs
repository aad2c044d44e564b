//! Joins the parts of a column, one from each piece and in the order of the pieces, into one contiguous array of one type.

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use super::builder::{Part, Values};
use crate::DType;
use crate::cells::{Cells, nulls_of};

/// A column of a file as far as it has been read.
pub(super) struct Joined {
    rows: usize,
    values: Values,
    validity: Option<BooleanBufferBuilder>,
    quoted_null: bool,
    broken: bool,
}

impl Joined {
    /// A column of which nothing has been read.
    pub(super) const fn new() -> Self {
        Self { rows: 0, values: Values::None, validity: None, quoted_null: false, broken: false }
    }

    /// How many rows there are.
    pub(super) const fn rows(&self) -> u64 {
        self.rows as u64
    }

    /// Whether the column is text, and some of it was not read as such.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Adds the next part.
    pub(super) fn append(&mut self, part: Part) {
        if self.broken {
            self.rows += part.rows;
            return;
        }
        self.append_validity(&part);
        let appended = append(&mut self.values, self.rows, part.values, part.rows);
        self.rows += part.rows;
        self.quoted_null |= part.quoted_null;
        self.broken = !appended || self.quoted_null && matches!(self.values, Values::Texts { .. });
        if self.broken {
            self.values = Values::None;
        }
    }

    fn append_validity(&mut self, part: &Part) {
        if self.validity.is_none() && part.validity.is_none() {
            return;
        }
        let bits = self.validity.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(self.rows + part.rows);
            bits.append_n(self.rows, true);
            bits
        });
        match &part.validity {
            Some(validity) => bits.append_buffer(validity),
            None => bits.append_n(part.rows, true),
        }
    }

    /// The type and the cells. A column without a value has the declared type, or else is one of floats.
    pub(super) fn finish(self, declared: Option<DType>) -> (DType, Cells) {
        let nulls = self.validity.and_then(|mut bits| nulls_of(bits.finish()));
        let dtype = self.values.dtype().or(declared).unwrap_or(DType::Float);
        let mut values = self.values;
        if let Values::None = values {
            values = Values::empty(dtype, 0);
            values.push_zeros(self.rows);
        }
        let cells = match values {
            Values::Floats(values) => Cells::of_floats(values, nulls),
            Values::Integers(values) | Values::Timestamps(values) => Cells::of_integers(values, nulls),
            Values::Booleans(values) => Cells::of_booleans(BooleanBuffer::from(values), nulls),
            Values::Texts { bytes, ends } => {
                let offsets = std::iter::once(0).chain(ends.iter().map(|end| *end as i64)).collect();
                Cells::of_texts(bytes, offsets, nulls).expect("fields of a valid text are valid text")
            }
            Values::None => unreachable!("replaced above"),
        };
        (dtype, cells)
    }
}

/// Appends values to others of which there are `rows`; false where no type but text holds both.
fn append(values: &mut Values, rows: usize, more: Values, more_rows: usize) -> bool {
    if let (Values::None, Some(dtype)) = (&*values, more.dtype()) {
        *values = Values::empty(dtype, 0);
        values.push_zeros(rows);
    }
    if let (Values::Integers(integers), Values::Floats(_)) = (&mut *values, &more) {
        *values = Values::Floats(integers.iter().map(|value| *value as f64).collect());
    }
    match (values, more) {
        (values, Values::None) => values.push_zeros(more_rows),
        (Values::Floats(values), Values::Floats(more)) => values.extend_from_slice(&more),
        (Values::Floats(values), Values::Integers(more)) => values.extend(more.iter().map(|value| *value as f64)),
        (Values::Integers(values), Values::Integers(more)) => values.extend_from_slice(&more),
        (Values::Timestamps(values), Values::Timestamps(more)) => values.extend_from_slice(&more),
        (Values::Booleans(values), Values::Booleans(more)) => values.extend_from_slice(&more),
        (Values::Texts { bytes, ends }, Values::Texts { bytes: more_bytes, ends: more_ends }) => {
            let start = bytes.len();
            bytes.extend_from_slice(&more_bytes);
            ends.extend(more_ends.iter().map(|end| start + end));
        }
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(values: Values, rows: usize) -> Part {
        let validity = matches!(values, Values::None).then(|| BooleanBuffer::new_unset(rows));
        Part { rows, values, validity, quoted_null: false }
    }

    fn joined(parts: Vec<Part>) -> Joined {
        let mut joined = Joined::new();
        parts.into_iter().for_each(|part| joined.append(part));
        joined
    }

    fn text(text: &str) -> Part {
        part(Values::Texts { bytes: text.into(), ends: vec![text.len()] }, 1)
    }

    #[test]
    fn integers_and_floats_join_as_floats_in_either_order() {
        for flip in [false, true] {
            let mut parts = vec![part(Values::Integers(vec![1]), 1), part(Values::None, 1), part(Values::Floats(vec![2.5]), 1)];
            if flip {
                parts.reverse();
            }
            let (dtype, cells) = joined(parts).finish(None);
            assert_eq!((dtype, cells.null_count(), cells.is_null(1)), (DType::Float, 1, true));
            let sum: f64 = cells.floats().unwrap().iter().filter(|value| !value.is_nan()).sum();
            assert_eq!(sum, 3.5);
        }
    }

    #[test]
    fn what_only_text_holds_is_broken() {
        assert!(joined(vec![part(Values::Integers(vec![1]), 1), text("x")]).is_broken());
        assert!(joined(vec![part(Values::Booleans(vec![true]), 1), part(Values::Integers(vec![1]), 1)]).is_broken());
        assert!(!joined(vec![part(Values::None, 2), text("x"), part(Values::None, 1)]).is_broken());
    }

    #[test]
    fn a_quoted_null_breaks_text_only() {
        let quoted = || Part { quoted_null: true, ..part(Values::None, 1) };
        assert!(joined(vec![quoted(), text("x")]).is_broken());
        assert!(joined(vec![text("x"), quoted()]).is_broken());
        assert!(!joined(vec![quoted(), part(Values::Floats(vec![1.0]), 1)]).is_broken());
    }

    #[test]
    fn a_column_of_nulls_is_what_is_declared_or_floats() {
        let nulls = || joined(vec![part(Values::None, 3)]);
        let (dtype, cells) = nulls().finish(None);
        assert_eq!((dtype, cells.len(), cells.null_count()), (DType::Float, 3, 3));
        assert_eq!(nulls().finish(Some(DType::Text)).0, DType::Text);
    }
}
