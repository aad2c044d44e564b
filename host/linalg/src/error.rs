//! Why a computation has no result.

/// Why a computation has no result. Rows and columns count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LinalgError {
    /// The columns of a matrix differ in length, or something that goes with the rows has another number of them.
    #[error("expected {expected} rows in {what}, found {found}")]
    Rows {
        /// What has the wrong number: `column 3`, `the weights`.
        what: String,
        /// The number of rows elsewhere.
        expected: usize,
        /// The number of rows there.
        found: usize,
    },
    /// A matrix has another number of columns than goes with what it meets.
    #[error("expected {expected} columns in {what}, found {found}")]
    Columns {
        /// What has the wrong number.
        what: &'static str,
        /// The number that would go with the rest.
        expected: usize,
        /// The number of columns there.
        found: usize,
    },
    /// More columns than a square matrix can reasonably have.
    #[error("expected at most {most} columns, found {found}")]
    TooManyColumns {
        /// The most there may be.
        most: usize,
        /// How many there are.
        found: usize,
    },
    /// Flat values do not fill the shape.
    #[error("expected {rows} x {columns} values, found {found}")]
    Values {
        /// The number of rows.
        rows: usize,
        /// The number of columns.
        columns: usize,
        /// How many values there are.
        found: usize,
    },
    /// There is nothing to describe.
    #[error("expected at least one row, found none")]
    NoRows,
    /// A matrix that must be square is not.
    #[error("expected a square matrix, found {rows} x {columns}")]
    NotSquare {
        /// The number of rows.
        rows: usize,
        /// The number of columns.
        columns: usize,
    },
    /// A matrix that must be positive definite is not, to working precision.
    #[error(
        "expected a positive definite matrix, found the pivot {value:e} in column {column}, whose diagonal entry is {diagonal:e}"
    )]
    NotPositiveDefinite {
        /// The column at which the factorisation ends: its leading minor is not positive.
        column: usize,
        /// What is left of the diagonal entry after the columns before it.
        value: f64,
        /// The diagonal entry.
        diagonal: f64,
    },
    /// A value is NaN or infinite.
    #[error("expected finite numbers, found {value} in column {column}, row {row}")]
    NotFinite {
        /// The first column that has such a value.
        column: usize,
        /// Its first row that does.
        row: usize,
        /// The value.
        value: f64,
    },
    /// The values are finite, but what is computed from them is not.
    #[error("expected values whose {what} is finite, found larger ones")]
    Overflow {
        /// What grew too large.
        what: &'static str,
    },
    /// An iteration did not come to an end. No finite matrix is known to do this.
    #[error("expected the {what} to converge, found that it did not in {iterations} iterations")]
    NoConvergence {
        /// The iteration.
        what: &'static str,
        /// How many were made.
        iterations: usize,
    },
    /// The caller's check said to stop.
    #[error("stopped before the end")]
    Stopped,
}
