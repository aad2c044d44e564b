//! Eigenvalues of a symmetric matrix, by cyclic Jacobi rotations.
//!
//! Slow but accurate and short (Golub and Van Loan, Matrix Computations, 4th edition, 8.5): it is for the rare matrix that Cholesky refuses.

/// Sweeps after which a matrix of any size that fits has long converged; six to ten are usual.
const SWEEPS: usize = 64;

/// Eigenvalues and eigenvectors.
#[derive(Debug, Clone)]
pub struct Eigen {
    /// The eigenvalues, in no order.
    pub values: Vec<f64>,
    /// The eigenvectors: row `i` belongs to value `i`, and has length 1.
    pub vectors: Vec<f64>,
}

impl Eigen {
    /// Solves `(A + shift I) x = b` in the directions whose eigenvalue is above `cutoff` times the largest, and gives the shortest such `x` with the number of
    /// directions used: the rank.
    ///
    /// # Panics
    ///
    /// When `b` has not as many entries as there are eigenvalues.
    pub fn solve(&self, b: &[f64], shift: f64, cutoff: f64) -> (Vec<f64>, usize) {
        let n = self.values.len();
        assert_eq!(b.len(), n, "an entry for each row");
        let smallest = cutoff * self.values.iter().copied().fold(0.0, f64::max);
        let (mut x, mut rank) = (vec![0.0; n], 0);
        for (&value, vector) in self.values.iter().zip(self.vectors.chunks_exact(n)) {
            if value > smallest {
                rank += 1;
                let share = vector.iter().zip(b).map(|(v, b)| v * b).sum::<f64>() / (value + shift);
                for (x, v) in x.iter_mut().zip(vector) {
                    *x += share * v;
                }
            }
        }
        (x, rank)
    }
}

/// The eigenvalues and eigenvectors of a symmetric `n` x `n` matrix.
///
/// # Panics
///
/// When the matrix has not `n * n` entries.
pub fn eigen(matrix: &[f64], n: usize) -> Eigen {
    assert_eq!(matrix.len(), n * n, "a square matrix");
    let mut a = matrix.to_vec();
    let mut vectors = vec![0.0; n * n];
    for i in 0..n {
        vectors[i * n + i] = 1.0;
    }
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let (off, pp, qq) = (a[p * n + q], a[p * n + p], a[q * n + q]);
                // Below this an entry changes no bit of the two eigenvalues.
                if off.abs() <= f64::EPSILON * (pp.abs().sqrt() * qq.abs().sqrt()).max(f64::MIN_POSITIVE) {
                    continue;
                }
                rotated = true;
                let theta = (qq - pp) / (2.0 * off);
                let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                for k in 0..n {
                    rotate(&mut a, k * n + p, k * n + q, cosine, sine);
                }
                for k in 0..n {
                    rotate(&mut a, p * n + k, q * n + k, cosine, sine);
                    rotate(&mut vectors, p * n + k, q * n + k, cosine, sine);
                }
                (a[p * n + q], a[q * n + p]) = (0.0, 0.0);
            }
        }
        if !rotated {
            break;
        }
    }
    Eigen { values: (0..n).map(|i| a[i * n + i]).collect(), vectors }
}

fn rotate(matrix: &mut [f64], left: usize, right: usize, cosine: f64, sine: f64) {
    let (l, r) = (matrix[left], matrix[right]);
    matrix[left] = cosine * l - sine * r;
    matrix[right] = sine * l + cosine * r;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_eigenvalues() {
        // The second difference matrix of order n has the eigenvalues 2 - 2 cos(k pi / (n + 1)).
        let n = 12;
        let mut matrix = vec![0.0; n * n];
        for i in 0..n {
            matrix[i * n + i] = 2.0;
            if i > 0 {
                matrix[i * n + i - 1] = -1.0;
                matrix[(i - 1) * n + i] = -1.0;
            }
        }
        let mut values = eigen(&matrix, n).values;
        values.sort_by(f64::total_cmp);
        for (k, value) in values.into_iter().enumerate() {
            let expected = 2.0 - 2.0 * ((k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64).cos();
            assert!((value - expected).abs() < 1e-13, "{k}: {value} for {expected}");
        }
    }

    #[test]
    fn the_shortest_solution_of_a_singular_system() {
        // x + y = 2, twice: of all the solutions (1, 1) is the shortest.
        let (x, rank) = eigen(&[1.0, 1.0, 1.0, 1.0], 2).solve(&[2.0, 2.0], 0.0, 1e-12);
        assert_eq!(rank, 1);
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-15), "{x:?}");
        assert_eq!(eigen(&[0.0; 4], 2).solve(&[0.0; 2], 0.0, 1e-12), (vec![0.0; 2], 0));
    }
}
