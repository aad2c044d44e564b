//! A matrix that is small enough to be held.

use crate::LinalgError;

/// The most columns of which a square matrix is made: it then takes 512 MiB.
pub const MOST_COLUMNS: usize = 8192;

/// A dense matrix, column after column.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// A matrix of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![0.0; rows * columns] }
    }

    /// The identity of this order.
    pub fn identity(order: usize) -> Self {
        let mut matrix = Self::zeros(order, order);
        matrix.values.iter_mut().step_by(order + 1).for_each(|value| *value = 1.0);
        matrix
    }

    /// A matrix of columns of one length.
    ///
    /// # Errors
    ///
    /// [`LinalgError::Rows`] where a column's length is not that of the first.
    pub fn from_columns(columns: &[&[f64]]) -> Result<Self, LinalgError> {
        let rows = row_count(columns)?;
        Ok(Self { rows, columns: columns.len(), values: columns.concat() })
    }

    /// A matrix of values that lie column after column.
    ///
    /// # Errors
    ///
    /// [`LinalgError::Values`] where there are not `rows * columns` of them.
    pub fn from_values(rows: usize, columns: usize, values: Vec<f64>) -> Result<Self, LinalgError> {
        if rows.checked_mul(columns) != Some(values.len()) {
            return Err(LinalgError::Values { rows, columns, found: values.len() });
        }
        Ok(Self { rows, columns, values })
    }

    /// The number of rows.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// The values, column after column.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values, column after column.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// The values of a column.
    ///
    /// # Panics
    ///
    /// When there is no such column.
    pub fn column(&self, column: usize) -> &[f64] {
        &self.values[column * self.rows..(column + 1) * self.rows]
    }

    /// The columns, as computations take them.
    pub fn as_columns(&self) -> Vec<&[f64]> {
        (0..self.columns).map(|column| self.column(column)).collect()
    }

    /// One value.
    ///
    /// # Panics
    ///
    /// When there is no such row or column.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.column(column)[row]
    }

    /// The matrix with rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        let values = (0..self.rows).flat_map(|row| self.values.iter().skip(row).step_by(self.rows.max(1)).copied());
        Self { rows: self.columns, columns: self.rows, values: values.collect() }
    }

    /// Adds to each entry of the diagonal: what a ridge penalty does to a Gram matrix.
    pub fn add_to_diagonal(&mut self, value: f64) {
        self.values.iter_mut().step_by(self.rows + 1).take(self.columns).for_each(|entry| *entry += value);
    }

    pub(crate) fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// The order of a square matrix.
    pub(crate) fn order(&self) -> Result<usize, LinalgError> {
        if self.rows != self.columns {
            return Err(LinalgError::NotSquare { rows: self.rows, columns: self.columns });
        }
        limited(self.rows)
    }
}

/// The number of rows of columns that must agree in it; 0 where there is no column.
pub(crate) fn row_count(columns: &[&[f64]]) -> Result<usize, LinalgError> {
    let rows = columns.first().map_or(0, |column| column.len());
    match columns.iter().position(|column| column.len() != rows) {
        Some(at) => Err(LinalgError::Rows { what: format!("column {at}"), expected: rows, found: columns[at].len() }),
        None => Ok(rows),
    }
}

/// A number of columns of which there can be a square matrix.
pub(crate) fn limited(columns: usize) -> Result<usize, LinalgError> {
    if columns > MOST_COLUMNS {
        return Err(LinalgError::TooManyColumns { most: MOST_COLUMNS, found: columns });
    }
    Ok(columns)
}

/// Finds the first value that is NaN or infinite, column by column.
pub(crate) fn check_finite(columns: &[&[f64]]) -> Result<(), LinalgError> {
    for (column, values) in columns.iter().enumerate() {
        // A sum of zeros is cheaper than a search, and NaN where any value is infinite or NaN.
        let finite = values.iter().map(|value| value * 0.0).sum::<f64>() == 0.0;
        if !finite && let Some(row) = values.iter().position(|value| !value.is_finite()) {
            return Err(LinalgError::NotFinite { column, row, value: values[row] });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_checked() {
        let found = Matrix::from_values(2, 2, vec![1.0]).unwrap_err();
        assert_eq!(found.to_string(), "expected 2 x 2 values, found 1");
        assert!(Matrix::from_values(usize::MAX, 2, vec![]).is_err(), "no overflow");
        let found = Matrix::from_columns(&[&[1.0], &[]]).unwrap_err();
        assert_eq!(found.to_string(), "expected 1 rows in column 1, found 0");
    }

    #[test]
    fn what_is_not_finite_has_a_place() {
        let found = check_finite(&[&[1.0, 2.0], &[3.0, f64::INFINITY]]).unwrap_err();
        assert_eq!(found.to_string(), "expected finite numbers, found inf in column 1, row 1");
        assert_eq!(check_finite(&[&[f64::MAX, f64::MIN]]), Ok(()));
    }

    #[test]
    fn empty_matrices_are_matrices() {
        let mut empty = Matrix::zeros(0, 0);
        empty.add_to_diagonal(1.0);
        assert_eq!(empty.transposed(), Matrix::identity(0));
        assert_eq!(Matrix::zeros(0, 3).transposed().rows(), 3);
        assert_eq!(Matrix::zeros(3, 0).transposed().columns(), 3);
    }
}
