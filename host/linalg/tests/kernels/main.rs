//! The kernels against NumPy and SciPy, against their own definitions, and against themselves on other numbers of threads.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod errors;
mod golden;
mod properties;

use sprag_linalg_host::Matrix;

/// Numbers from -1 to 1 by Knuth's linear congruential generator, column after column, as `golden.py` makes them.
fn noise(rows: usize, columns: usize, seed: u64) -> Matrix {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    Matrix::from_values(rows, columns, std::iter::repeat_with(next).take(rows * columns).collect()).unwrap()
}

/// The lengths of the columns.
fn lengths(matrix: &Matrix) -> Vec<f64> {
    matrix.as_columns().iter().map(|column| column.iter().map(|value| value * value).sum::<f64>().sqrt()).collect()
}

/// Fails where an entry is farther from what is expected than `tolerance` times the scale of its row and column.
fn assert_close(what: &str, found: &Matrix, expected: &[f64], tolerance: f64, scale: impl Fn(usize, usize) -> f64) {
    assert_eq!(found.values().len(), expected.len(), "{what}");
    for (at, (found_value, expected)) in found.values().iter().zip(expected).enumerate() {
        let (row, column) = (at % found.rows(), at / found.rows());
        let most = tolerance * scale(row, column);
        assert!(
            (found_value - expected).abs() <= most,
            "{what} {row}, {column}: {found_value:e} for {expected:e} within {most:e}"
        );
    }
}
