//! What stands in for the host in a native test: the same functions as loops over columns in memory.

mod dense;

pub use dense::{Factors, Matrix, Solution, Spectrum};

use super::{ColumnStats, Kernels, LinalgError};
use crate::{Failure, Source, batch_rows, matrix_batches};

impl<S: Source> Kernels for S {
    fn describe(&self, columns: &[String]) -> Result<Vec<ColumnStats>, LinalgError> {
        let columns = load(self, columns)?;
        if columns.iter().any(Vec::is_empty) {
            return Err(LinalgError::BadShape("expected at least one row, found none".to_owned()));
        }
        let stats = columns.iter().map(|values| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            ColumnStats {
                count: values.len() as u64,
                mean,
                squares: values.iter().map(|value| (value - mean).powi(2)).sum(),
                min: values.iter().copied().fold(f64::INFINITY, f64::min),
                max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            }
        });
        let stats: Vec<_> = stats.collect();
        if stats.iter().any(|stats| !stats.squares.is_finite()) {
            return Err(LinalgError::NoResult("expected values whose sum of squares is finite, found larger ones".to_owned()));
        }
        Ok(stats)
    }

    fn gram(&self, columns: &[String], shift: &[f64], weights: Option<&Matrix>) -> Result<Matrix, LinalgError> {
        let mut columns = load(self, columns)?;
        if columns.len() != shift.len() {
            let (expected, found) = (columns.len(), shift.len());
            return Err(LinalgError::BadShape(format!("expected {expected} values in shift, found {found}")));
        }
        for (column, shift) in columns.iter_mut().zip(shift) {
            column.iter_mut().for_each(|value| *value -= shift);
        }
        let left = Matrix::of(columns.clone());
        if let Some(weights) = weights {
            for column in &mut columns {
                column.iter_mut().zip(weights.column(0)).for_each(|(value, weight)| *value *= weight);
            }
        }
        left.transposed().multiply(&Matrix::of(columns))
    }

    fn cross(&self, columns: &[String], right: &Matrix) -> Result<Matrix, LinalgError> {
        Matrix::of(load(self, columns)?).transposed().multiply(right)
    }

    fn product(&self, columns: &[String], right: &Matrix) -> Result<Matrix, LinalgError> {
        Matrix::of(load(self, columns)?).multiply(right)
    }

    fn matrix(&self, columns: &[String]) -> Result<Matrix, LinalgError> {
        Ok(Matrix::of(load(self, columns)?))
    }
}

fn load(source: &impl Source, columns: &[String]) -> Result<Vec<Vec<f64>>, LinalgError> {
    let known = source.schema();
    if let Some(unknown) = columns.iter().find(|name| known.iter().all(|field| field.name != **name)) {
        return Err(LinalgError::NoSuchColumn(unknown.clone()));
    }
    let refused = |failure: Failure| LinalgError::BadValue(failure.message().to_owned());
    let mut whole = vec![vec![]; columns.len()];
    for batch in matrix_batches(source, columns, batch_rows(columns.len())).map_err(refused)? {
        for (whole, mut values) in whole.iter_mut().zip(batch.map_err(refused)?) {
            whole.append(&mut values);
        }
    }
    Ok(whole)
}
