//! Systems of equations with a symmetric, positive definite matrix.

use crate::matrix::limited;
use crate::pack::panels;
use crate::tile::{PANEL, Update};
use crate::vector::{self, fast};
use crate::{LinalgError, Matrix, Work};

/// Columns that are factored before the rest of the matrix is updated.
const BLOCK: usize = 64;

/// The lower factor `L` of `A = L L'`.
///
/// Its entries are those of the textbook's loop (Golub and Van Loan, Matrix Computations, 4th edition, 4.2): `l[i][j]` is `a[i][j]` less
/// `l[i][k] * l[j][k]` for `k` from 0 to `j - 1`, each step fused, then divided by `l[j][j]`.
#[derive(Debug, Clone)]
pub struct Cholesky {
    factor: Matrix,
}

impl Cholesky {
    /// Factors a matrix, of which only the diagonal and what lies below is read. Zero rows are a matrix, too.
    ///
    /// A pivot that is no more than `8 n` rounding errors of its diagonal entry is what rounding leaves of 0, and refused with those that are not
    /// positive, so that a singular matrix is refused whatever its scale.
    ///
    /// # Errors
    ///
    /// [`LinalgError::NotPositiveDefinite`] with the column; a NaN in the matrix ends there too. [`LinalgError::NotSquare`],
    /// [`LinalgError::TooManyColumns`], [`LinalgError::Stopped`].
    pub fn factor(work: &Work<'_>, matrix: &Matrix) -> Result<Self, LinalgError> {
        let order = limited(matrix.order()?)?;
        // Whole panels, with the identity for what is not there.
        let stride = panels(order) * PANEL;
        let mut padded = vec![0.0; stride * stride];
        for column in 0..stride {
            let into = &mut padded[column * stride..][..stride];
            match column < order {
                true => into[column..order].copy_from_slice(&matrix.column(column)[column..]),
                false => into[column] = 1.0,
            }
        }
        let smallest = |column: usize| match column < order {
            true => 8.0 * order as f64 * f64::EPSILON * matrix.at(column, column),
            false => 0.0,
        };
        for first in (0..stride).step_by(BLOCK) {
            work.go_on()?;
            let end = stride.min(first + BLOCK);
            let (done, rest) = padded.split_at_mut(end * stride);
            let block = &mut done[first * stride..];
            if let Err((column, value)) = fast(|| factor_block(block, stride, first, smallest)) {
                return Err(LinalgError::NotPositiveDefinite { column, value, diagonal: matrix.at(column, column) });
            }
            update_rest(work, block, rest, stride, end)?;
        }
        let mut factor = Matrix::zeros(order, order);
        for column in 0..order {
            factor.values_mut()[column * order..][column..order].copy_from_slice(&padded[column * stride..][column..order]);
        }
        Ok(Self { factor })
    }

    /// The factor, with zeros above its diagonal.
    pub const fn lower(&self) -> &Matrix {
        &self.factor
    }

    /// Solves `A X = B`, for each column of `B`.
    ///
    /// # Errors
    ///
    /// [`LinalgError::Rows`] where `B` has not as many rows as `A`; [`LinalgError::Stopped`].
    pub fn solve(&self, work: &Work<'_>, b: &Matrix) -> Result<Matrix, LinalgError> {
        let order = self.factor.rows();
        if b.rows() != order {
            return Err(LinalgError::Rows { what: "the right side".to_owned(), expected: order, found: b.rows() });
        }
        let mut x = b.clone();
        if order > 0 {
            work.each(x.values_mut().chunks_exact_mut(order), |x| {
                fast(|| self.solve_one(x));
                Ok(())
            })?;
        }
        Ok(x)
    }

    #[inline(always)]
    fn solve_one(&self, x: &mut [f64]) {
        let order = x.len();
        for at in 0..order {
            let column = &self.factor.column(at)[at..];
            let value = x[at] / column[0];
            x[at] = value;
            vector::add_multiple(&mut x[at + 1..], -value, &column[1..]);
        }
        for at in (0..order).rev() {
            let column = &self.factor.column(at)[at..];
            x[at] = (x[at] - vector::dot(&column[1..], &x[at + 1..])) / column[0];
        }
    }
}

/// Factors the columns of a block, over all rows from its own first. The error is a column with its pivot.
#[inline(always)]
fn factor_block(block: &mut [f64], stride: usize, first: usize, smallest: impl Fn(usize) -> f64) -> Result<(), (usize, f64)> {
    for at in 0..block.len() / stride {
        let (before, own) = block.split_at_mut(at * stride);
        let row = first + at;
        let own = &mut own[row..stride];
        for before in before.chunks_exact(stride) {
            vector::add_multiple_fused(own, -before[row], &before[row..]);
        }
        let pivot = own[0];
        if pivot.is_nan() || pivot <= smallest(row) {
            return Err((row, pivot));
        }
        let root = pivot.sqrt();
        own.iter_mut().for_each(|value| *value /= root);
        own[0] = root;
    }
    Ok(())
}

/// Takes the block's share from the columns after it.
fn update_rest(work: &Work<'_>, block: &[f64], rest: &mut [f64], stride: usize, end: usize) -> Result<(), LinalgError> {
    let depth = block.len() / stride;
    let panel = depth * PANEL;
    // Here panels are of rows: for each column of the block, eight rows.
    let mut left = vec![0.0; (stride - end) * depth];
    for (at, panel) in left.chunks_exact_mut(panel).enumerate() {
        let rows = end + at * PANEL;
        for (step, column) in panel.chunks_exact_mut(PANEL).zip(block.chunks_exact(stride)) {
            step.copy_from_slice(&column[rows..rows + PANEL]);
        }
    }
    let right: Vec<f64> = left.iter().map(|value| -value).collect();
    work.each(rest.chunks_exact_mut(stride * PANEL).enumerate(), |(at, columns)| {
        let sums = &mut columns[end + at * PANEL..];
        Update { left: &left[at * panel..], right: &right[at * panel..][..panel], sums, stride }.run();
        Ok(())
    })
}
