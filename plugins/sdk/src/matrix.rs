//! A table as blocks of a matrix of finite numbers, for plugins that calculate.

use std::borrow::Cow;

use crate::{Failure, Source};

/// Walks the columns named as numbers: `visit` gets the batch's row count and a slice for each column.
///
/// # Errors
///
/// [`Failure::BadInput`] at text, a null, a NaN or an infinity, with the column, the row (from 0) and what was found; what `visit` gives.
pub fn scan_matrix(
    source: &impl Source,
    columns: &[String],
    batch_rows: u32,
    mut visit: impl FnMut(usize, &[Cow<'_, [f64]>]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for name in columns {
        let field = source.find_field(name)?;
        if !field.dtype.is_numeric() {
            let found = field.dtype.name();
            return Err(Failure::bad_input(format!("expected numbers in column `{name}`, found {found}")));
        }
    }
    let mut offset = 0;
    source.scan(columns, batch_rows, &mut |batch| {
        let mut numbers = Vec::with_capacity(batch.len());
        for (column, name) in batch.iter().zip(columns) {
            if let Some(row) = column.first_null() {
                let row = offset + row;
                return Err(Failure::bad_input(format!("expected a number in column `{name}`, row {row}, found no value")));
            }
            let Some(values) = column.numbers() else {
                return Err(Failure::bad_input(format!("expected numbers in column `{name}`, found text")));
            };
            // A sum is not finite when one of its terms is not, and adding is far cheaper than looking at each value; a sum of finite values that
            // overflows only costs the search below.
            if !values.iter().sum::<f64>().is_finite()
                && let Some(row) = values.iter().position(|value| !value.is_finite())
            {
                let (value, row) = (values[row], offset + row);
                return Err(Failure::bad_input(format!("expected a finite number in column `{name}`, row {row}, found {value}")));
            }
            numbers.push(values);
        }
        let rows = numbers.first().map_or(0, |values| values.len());
        offset += rows;
        visit(rows, &numbers)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Frame, Values};

    fn check(column: Column, expected: &str) {
        let frame = Frame::new([("x", column)]);
        let result = scan_matrix(&frame, &["x".into()], 2, |_, _| Ok(()));
        assert_eq!(result.map_or_else(|failure| failure.message().to_owned(), |()| String::new()), expected);
    }

    #[test]
    fn only_finite_numbers_pass() {
        check(Column::floats(vec![1.0, f64::MAX, f64::MAX]), "");
        check(Column::floats(vec![1.0, 2.0, f64::NAN]), "expected a finite number in column `x`, row 2, found NaN");
        check(Column::floats(vec![1.0, -f64::INFINITY]), "expected a finite number in column `x`, row 1, found -inf");
        check(Column::texts(["a"]), "expected numbers in column `x`, found text");
        let gap = Column { values: Values::Integers(vec![1, 2, 0, 4]), validity: Some(vec![0b1011]) };
        check(gap, "expected a number in column `x`, row 2, found no value");
    }
}
