//! Systems of equations with a symmetric, positive definite matrix.

/// The lower factor `L` of `A = L L'`.
#[derive(Debug, Clone)]
pub struct Cholesky {
    n: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors the `n` x `n` matrix. None where it is singular to working precision: where a pivot is no more than `n` rounding errors of its diagonal entry.
    ///
    /// # Panics
    ///
    /// When the matrix has not `n * n` entries.
    pub fn new(matrix: &[f64], n: usize) -> Option<Self> {
        assert_eq!(matrix.len(), n * n, "a square matrix");
        let mut lower = matrix.to_vec();
        for row in 0..n {
            for column in 0..=row {
                let (before, rest) = lower.split_at(row * n);
                // Row `column` lies above this one, or is this one.
                let above = if column == row { rest } else { &before[column * n..] };
                let sum: f64 = above[..column].iter().zip(&rest[..column]).map(|(a, b)| a * b).sum();
                let value = rest[column] - sum;
                lower[row * n + column] = if column < row {
                    value / lower[column * n + column]
                } else {
                    let smallest = 8.0 * n as f64 * f64::EPSILON * matrix[row * n + row];
                    if value.is_nan() || value <= smallest {
                        return None;
                    }
                    value.sqrt()
                };
            }
        }
        Some(Self { n, lower })
    }

    /// Solves `A x = b`.
    ///
    /// # Panics
    ///
    /// When `b` has not `n` entries.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        assert_eq!(b.len(), self.n, "an entry for each row");
        let (n, lower) = (self.n, &self.lower);
        let mut x = b.to_vec();
        for row in 0..n {
            let known: f64 = (0..row).map(|column| lower[row * n + column] * x[column]).sum();
            x[row] = (x[row] - known) / lower[row * n + row];
        }
        for row in (0..n).rev() {
            let known: f64 = (row + 1..n).map(|column| lower[column * n + row] * x[column]).sum();
            x[row] = (x[row] - known) / lower[row * n + row];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves() {
        let matrix = [4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0];
        let x = Cholesky::new(&matrix, 3).unwrap().solve(&[1.0, -2.0, 0.5]);
        for (row, expected) in [1.0, -2.0, 0.5].into_iter().enumerate() {
            let found: f64 = (0..3).map(|column| matrix[row * 3 + column] * x[column]).sum();
            assert!((found - expected).abs() < 1e-14, "row {row}: {found}");
        }
    }

    #[test]
    fn a_singular_matrix_is_none_whatever_its_scale() {
        for scale in [1e-200, 1.0, 1e200] {
            assert!(Cholesky::new(&[scale, scale, scale, scale], 2).is_none());
            assert!(Cholesky::new(&[scale, 0.0, 0.0, 0.0], 2).is_none());
            assert!(Cholesky::new(&[scale, 0.0, 0.0, 1.0], 2).is_some(), "different scales are no reason");
        }
        assert!(Cholesky::new(&[f64::NAN], 1).is_none());
        assert!(Cholesky::new(&[], 0).is_some());
    }
}
