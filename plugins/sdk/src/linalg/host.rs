//! The kernels as the host has them.

use super::{ColumnStats, Kernels, LinalgError, Matrix};
use crate::Table;
use crate::bindings::sprag::linalg::kernels;

impl Kernels for Table {
    fn describe(&self, columns: &[String]) -> Result<Vec<ColumnStats>, LinalgError> {
        kernels::describe(self, columns)
    }

    fn gram(&self, columns: &[String], shift: &[f64], weights: Option<&Matrix>) -> Result<Matrix, LinalgError> {
        kernels::gram(self, columns, shift, weights)
    }

    fn cross(&self, columns: &[String], right: &Matrix) -> Result<Matrix, LinalgError> {
        kernels::cross(self, columns, right)
    }

    fn product(&self, columns: &[String], right: &Matrix) -> Result<Matrix, LinalgError> {
        kernels::multiply(self, columns, right)
    }

    fn matrix(&self, columns: &[String]) -> Result<Matrix, LinalgError> {
        Matrix::from_table(self, columns)
    }
}
