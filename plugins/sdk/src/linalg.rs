//! Linear algebra by the host, at its speed and in its memory.
//!
//! What is asked of a [`Table`](crate::Table) through [`Kernels`] reads the data where it lies. It pays from some hundred thousand values on; below that,
//! a walk by batches in the guest is as fast, and needs no host. In a native test the same calls compute in plain, slow Rust, over any [`Source`], and
//! agree with the host to rounding errors.
//!
//! ```
//! use sprag_sdk::linalg::{Kernels, Matrix};
//! use sprag_sdk::{Column, Failure, Frame};
//!
//! /// The slope of a line through the points, by the closed form of least squares.
//! fn slope(data: &impl Kernels) -> Result<f64, Failure> {
//!     let columns = ["x".to_owned(), "y".to_owned()];
//!     let means: Vec<_> = data.describe(&columns)?.iter().map(|stats| stats.mean).collect();
//!     let gram = data.gram(&columns, &means, None)?.values()?;
//!     Ok(gram[1] / gram[0])
//! }
//!
//! let points = Frame::new([("x", Column::floats(vec![1.0, 2.0, 3.0])), ("y", Column::floats(vec![2.0, 4.0, 6.0]))]);
//! assert_eq!(slope(&points)?, 2.0);
//! # Ok::<_, sprag_sdk::Failure>(())
//! ```

#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(not(target_arch = "wasm32"))]
mod native;

pub use crate::bindings::sprag::linalg::kernels::{ColumnStats, LinalgError};
#[cfg(target_arch = "wasm32")]
pub use crate::bindings::sprag::linalg::kernels::{Factors, Matrix, Solution, Spectrum};
#[cfg(not(target_arch = "wasm32"))]
pub use native::{Factors, Matrix, Solution, Spectrum};

use crate::{Failure, Source};

/// Values that are read from the host at a time.
const CHUNK: u32 = 1 << 20;

/// Computations over columns of a table, which stay with the host. All columns are numbers: floats, integers, and booleans as 0 and 1.
pub trait Kernels: Source {
    /// Describes each column.
    ///
    /// # Errors
    ///
    /// Where there is no row, or a value is not a finite number.
    fn describe(&self, columns: &[String]) -> Result<Vec<ColumnStats>, LinalgError>;

    /// The Gram matrix of the columns, each less its entry of `shift`. Where there are weights, one for each row, each row counts so many times.
    ///
    /// # Errors
    ///
    /// Where shapes do not fit, or a value is not a finite number.
    fn gram(&self, columns: &[String], shift: &[f64], weights: Option<&Matrix>) -> Result<Matrix, LinalgError>;

    /// `X' V`, for a `V` with a row for each of the table's.
    ///
    /// # Errors
    ///
    /// Those of [`gram`](Self::gram).
    fn cross(&self, columns: &[String], right: &Matrix) -> Result<Matrix, LinalgError>;

    /// `X W`, for a `W` with a row for each column.
    ///
    /// # Errors
    ///
    /// Those of [`gram`](Self::gram).
    fn product(&self, columns: &[String], right: &Matrix) -> Result<Matrix, LinalgError>;

    /// A copy of the columns.
    ///
    /// # Errors
    ///
    /// Where a value is not a finite number.
    fn matrix(&self, columns: &[String]) -> Result<Matrix, LinalgError>;
}

impl Matrix {
    /// A matrix of one column.
    ///
    /// # Errors
    ///
    /// Where a value is not finite.
    pub fn vector(values: &[f64]) -> Result<Self, LinalgError> {
        Self::from_values(values.len() as u64, 1, values)
    }

    /// All values, column after column.
    ///
    /// # Errors
    ///
    /// None that can be met.
    pub fn values(&self) -> Result<Vec<f64>, LinalgError> {
        let count = self.rows() * u64::from(self.columns());
        let mut values = vec![];
        for offset in (0..count).step_by(CHUNK as usize) {
            let len = u32::try_from(count - offset).map_or(CHUNK, |left| left.min(CHUNK));
            values.append(&mut self.read(offset, len)?);
        }
        Ok(values)
    }
}

impl From<LinalgError> for Failure {
    fn from(error: LinalgError) -> Self {
        match error {
            LinalgError::NoSuchColumn(name) => Self::BadInput(format!("the table has no column `{name}`")),
            LinalgError::BadValue(message)
            | LinalgError::BadShape(message)
            | LinalgError::NotPositiveDefinite(message)
            | LinalgError::NoResult(message) => Self::BadInput(message),
        }
    }
}
