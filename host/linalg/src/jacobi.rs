//! Columns made orthogonal to each other by rotations: the singular value decomposition of a small matrix.

use crate::vector::{dot, rotate};
use crate::{LinalgError, Work};

/// Sweeps over all pairs after which any matrix has long converged; six to ten are usual.
const SWEEPS: usize = 60;

/// Rotates pairs of columns until each is orthogonal to the others: `A V = U S`, where the lengths `S` are the singular values of `A`.
///
/// One-sided Jacobi (Golub and Van Loan, Matrix Computations, 4th edition, 8.6.3). A column is its first `rows` values; what it has beyond them is rotated
/// along and so multiplied by `V'`, without a part in the angles. Squares of the values must neither overflow nor vanish.
#[inline(always)]
pub(crate) fn orthogonalise(work: &Work<'_>, columns: &mut [Vec<f64>], rows: usize) -> Result<(), LinalgError> {
    let enough = f64::EPSILON * (rows as f64).sqrt().max(1.0);
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for left in 0..columns.len() {
            work.go_on()?;
            let (before, after) = columns.split_at_mut(left + 1);
            let own = &mut before[left];
            for other in after {
                let (a, b, product) =
                    (dot(&own[..rows], &own[..rows]), dot(&other[..rows], &other[..rows]), dot(&own[..rows], &other[..rows]));
                if product.abs() <= enough * a.sqrt() * b.sqrt() {
                    continue;
                }
                rotated = true;
                let zeta = (b - a) / (2.0 * product);
                let tangent = 1.0f64.copysign(zeta) / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
                rotate(own, other, cosine, cosine * tangent);
            }
        }
        if !rotated {
            return Ok(());
        }
    }
    Err(LinalgError::NoConvergence { what: "singular values", iterations: SWEEPS })
}
