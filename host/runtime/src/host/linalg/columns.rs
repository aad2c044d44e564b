//! Columns of a table as computations take them.

use std::borrow::Cow;

use sprag_data::{DType, Field, Table};
use sprag_linalg_host::{LinalgError as Error, Matrix};

use super::refusal::refused;
use crate::bindings::sprag::linalg::kernels::LinalgError;

/// Columns of numbers, not looked into yet.
pub(super) struct Columns {
    table: Table,
    names: Vec<String>,
}

impl Columns {
    /// Finds columns of types that count as numbers.
    pub(super) fn find(table: &Table, names: Vec<String>) -> Result<Self, LinalgError> {
        for name in &names {
            match table.field(name) {
                Ok(Field { dtype: DType::Float | DType::Integer | DType::Boolean, .. }) => {}
                Ok(Field { dtype, .. }) => {
                    return Err(LinalgError::BadValue(format!("expected numbers in column `{name}`, found {dtype}")));
                }
                Err(_) => return Err(LinalgError::NoSuchColumn(name.clone())),
            }
        }
        Ok(Self { table: table.clone(), names })
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// How many rows there are: they lie in memory.
    pub(super) fn rows(&self) -> usize {
        self.table.row_count() as usize
    }

    /// The bytes of the columns that cannot be used where they lie.
    pub(super) fn copied(&self) -> u64 {
        let lies_ready =
            |name: &&String| self.table.field(name).is_ok_and(|field| field.dtype == DType::Float && !field.nullable);
        let copied = self.names.iter().filter(|name| !lies_ready(name)).count();
        self.table.row_count().saturating_mul(copied as u64).saturating_mul(8)
    }

    /// Computes with the values; a null is NaN.
    pub(super) fn with<T>(&self, compute: impl FnOnce(&[&[f64]]) -> Result<T, Error>) -> Result<T, Error> {
        // The names and types are known to be good.
        let values: Vec<Cow<'_, [f64]>> = self.names.iter().filter_map(|name| self.table.column_f64(name).ok()).collect();
        let values: Vec<&[f64]> = values.iter().map(|values| &**values).collect();
        compute(&values)
    }

    /// Computes a matrix that is finite where the columns are, which spares looking through them first: whatever a NaN or an infinity meets in a product or
    /// a sum, the result is one of the two.
    pub(super) fn compute(&self, compute: impl FnOnce(&[&[f64]]) -> Result<Matrix, Error>) -> Result<Matrix, LinalgError> {
        self.with(compute).and_then(check_result).map_err(|error| self.explain(error))
    }

    /// Says what of the columns it was that made an error.
    pub(super) fn explain(&self, error: Error) -> LinalgError {
        if matches!(error, Error::NotFinite { .. } | Error::Overflow { .. }) {
            for name in &self.names {
                let values = self.table.column_f64(name).unwrap_or_default();
                if let Some(row) = values.iter().position(|value| !value.is_finite()) {
                    let message = if self.is_null(name, row) {
                        format!("expected a number in column `{name}`, row {row}, found no value")
                    } else {
                        format!("expected a finite number in column `{name}`, row {row}, found {}", values[row])
                    };
                    return LinalgError::BadValue(message);
                }
            }
        }
        refused(error)
    }

    fn is_null(&self, name: &str, row: usize) -> bool {
        self.table.read(name, row as u64, 1).is_ok_and(|column| column.validity.is_some())
    }
}

/// Refuses a result that is not finite.
pub(super) fn check_result(matrix: Matrix) -> Result<Matrix, Error> {
    if matrix.values().iter().all(|value| value.is_finite()) {
        return Ok(matrix);
    }
    Err(Error::Overflow { what: "product" })
}
