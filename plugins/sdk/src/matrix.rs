//! A table as blocks of a matrix of finite numbers, for plugins that calculate.

use crate::{Column, Failure, Source};

/// Walks the columns named as numbers: for each batch a vector for each column. Floats are handed on without a copy.
///
/// # Errors
///
/// [`Failure::BadInput`] at text, a null, a NaN or an infinity, with the column, the row (from 0) and what was found.
pub fn matrix_batches<'a>(
    source: &'a (impl Source + ?Sized),
    columns: &'a [String],
    batch_rows: u32,
) -> Result<impl Iterator<Item = Result<Vec<Vec<f64>>, Failure>> + 'a, Failure> {
    for name in columns {
        let field = source.find_field(name)?;
        if !field.dtype.is_numeric() {
            return Err(Failure::bad_input(format!("expected numbers in column `{name}`, found {}", field.dtype.name())));
        }
    }
    let mut offset = 0;
    Ok(source.batches(columns, batch_rows)?.map(move |batch| {
        let batch = batch?;
        let rows = batch.first().map_or(0, Column::len);
        let numbers = batch.into_iter().zip(columns).map(|(column, name)| finite(column, name, offset)).collect();
        offset += rows;
        numbers
    }))
}

/// The numbers of a column whose first row is row `offset` of the table.
fn finite(column: Column, name: &str, offset: usize) -> Result<Vec<f64>, Failure> {
    if let Some(row) = column.first_null() {
        let row = offset + row;
        return Err(Failure::bad_input(format!("expected a number in column `{name}`, row {row}, found no value")));
    }
    let Some(values) = column.into_numbers() else {
        return Err(Failure::bad_input(format!("expected numbers in column `{name}`, found text")));
    };
    // A sum is not finite when one of its terms is not, and adding is far cheaper than looking at each value; a sum of finite values that overflows only
    // costs the search below.
    if !values.iter().sum::<f64>().is_finite()
        && let Some(row) = values.iter().position(|value| !value.is_finite())
    {
        let (value, row) = (values[row], offset + row);
        return Err(Failure::bad_input(format!("expected a finite number in column `{name}`, row {row}, found {value}")));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frame, Values};

    fn check(column: Column, expected: &str) {
        let frame = Frame::new([("x", column)]);
        let names = ["x".to_owned()];
        let walk = matrix_batches(&frame, &names, 2).and_then(|mut batches| batches.try_for_each(|batch| batch.map(drop)));
        assert_eq!(walk.map_or_else(|failure| failure.message().to_owned(), |()| String::new()), expected);
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
