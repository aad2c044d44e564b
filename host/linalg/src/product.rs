//! The product of two matrices.

use crate::matrix::row_count;
use crate::pack::{pack, panels};
use crate::tile::{PANEL, Update};
use crate::{LinalgError, Matrix, Work};

/// Inner steps that are worked on at a time, so that a panel stays in the first cache.
const DEPTH: usize = 256;
/// Values of the left matrix that a thread lays out at a time.
const BLOCK_VALUES: usize = 1 << 16;

/// The product `A B`, of `m` x `k` and `k` x `n`, both given as columns.
///
/// # Errors
///
/// [`LinalgError::Rows`] where columns differ in length or `B` has not as many rows as `A` has columns; [`LinalgError::Stopped`].
pub fn multiply(work: &Work<'_>, a: &[&[f64]], b: &[&[f64]]) -> Result<Matrix, LinalgError> {
    let (rows, inner, columns) = (row_count(a)?, a.len(), b.len());
    let found = row_count(b)?;
    if columns > 0 && found != inner {
        return Err(LinalgError::Rows { what: "the matrix on the right".to_owned(), expected: inner, found });
    }
    let mut product = Matrix::zeros(rows, columns);
    if rows == 0 || inner == 0 || columns == 0 {
        return Ok(product);
    }
    let mut right = vec![0.0; panels(columns) * inner * PANEL];
    pack(b, 0..inner, &mut right, |_, _, value| value);
    let block = (BLOCK_VALUES / inner).clamp(64, 1024).next_multiple_of(PANEL);
    work.each(row_blocks(&mut product, block).into_iter().enumerate(), |(at, mut into)| {
        let first = at * block;
        let height = into.first().map_or(0, |column| column.len());
        let left = pack_rows(a, first, height);
        let tall = panels(height) * PANEL;
        let mut sums = vec![0.0; tall * PANEL];
        for (right, into) in right.chunks_exact(inner * PANEL).zip(into.chunks_mut(PANEL)) {
            work.go_on()?;
            sums.fill(0.0);
            for start in (0..inner).step_by(DEPTH) {
                let end = inner.min(start + DEPTH);
                let left = &left[start * tall..end * tall];
                Update { left, right: &right[start * PANEL..end * PANEL], sums: &mut sums, stride: tall }.run();
            }
            for (into, sums) in into.iter_mut().zip(sums.chunks_exact(tall)) {
                into.copy_from_slice(&sums[..height]);
            }
        }
        Ok(())
    })?;
    Ok(product)
}

/// Cuts each column after every `block` rows, and gives for each block the parts of all columns.
fn row_blocks(matrix: &mut Matrix, block: usize) -> Vec<Vec<&mut [f64]>> {
    let rows = matrix.rows();
    let mut blocks: Vec<Vec<_>> = (0..rows.div_ceil(block)).map(|_| vec![]).collect();
    for column in matrix.values_mut().chunks_exact_mut(rows) {
        for (part, block) in column.chunks_mut(block).zip(&mut blocks) {
            block.push(part);
        }
    }
    blocks
}

/// Lays out rows of `a` as panels of eight rows, in groups of [`DEPTH`] inner steps.
fn pack_rows(a: &[&[f64]], first: usize, height: usize) -> Vec<f64> {
    let mut packed = Vec::with_capacity(panels(height) * PANEL * a.len());
    for columns in a.chunks(DEPTH) {
        for start in (first..first + height).step_by(PANEL) {
            let end = (first + height).min(start + PANEL);
            for column in columns {
                packed.extend_from_slice(&column[start..end]);
                packed.extend_from_slice(&[0.0; PANEL][end - start..]);
            }
        }
    }
    packed
}
