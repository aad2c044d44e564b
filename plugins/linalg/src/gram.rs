//! The Gram matrix of columns that come by batches.

use crate::pair::{Pair, add_product, pair, total};

/// Rows that are worked on at a time: with them, the six columns of a tile stay in the innermost cache.
const BLOCK: usize = 256;
/// Columns on one side of a tile, and on the other: eight sums of two lanes, which is what sixteen vector registers hold beside their operands.
const TALL: usize = 4;
const WIDE: usize = 2;
const LANES: usize = 2;

/// A block of one column.
type Block = [[f64; LANES]; BLOCK / LANES];

/// Sums up `X' X` over any number of batches, in memory for the result and one block.
///
/// ```
/// let mut gram = sprag_linalg::Gram::new(2);
/// gram.add(&[[1.0, 2.0], [3.0, 4.0]], &[0.0, 0.0], None);
/// assert_eq!(gram.finish(), [5.0, 11.0, 11.0, 25.0]);
/// ```
#[derive(Debug, Clone)]
pub struct Gram {
    columns: usize,
    /// The upper triangle, tile by tile, over the columns rounded up to whole tiles.
    sums: Vec<f64>,
    /// The block's columns, one after the other; those past the last are zero.
    block: Vec<Block>,
}

impl Gram {
    /// The sum over no rows, of this many columns.
    pub fn new(columns: usize) -> Self {
        let padded = columns.next_multiple_of(TALL);
        Self { columns, sums: vec![0.0; padded * padded], block: vec![[[0.0; LANES]; BLOCK / LANES]; padded] }
    }

    /// Adds rows: of each value its column's `shift` is taken away, and the rest is multiplied by its row's entry in `scale`, where that is given.
    ///
    /// # Panics
    ///
    /// When there are not as many columns and shifts as promised, or the columns and `scale` differ in length.
    pub fn add<C: AsRef<[f64]>>(&mut self, columns: &[C], shift: &[f64], scale: Option<&[f64]>) {
        assert_eq!((columns.len(), shift.len()), (self.columns, self.columns), "a column and a shift for each of the matrix");
        let rows = columns.first().map_or(0, |column| column.as_ref().len());
        for start in (0..rows).step_by(BLOCK) {
            let range = start..rows.min(start + BLOCK);
            for ((slot, column), &shift) in self.block.iter_mut().zip(columns).zip(shift) {
                let values = &column.as_ref()[range.clone()];
                let (filled, rest) = slot.as_flattened_mut().split_at_mut(values.len());
                for (filled, &value) in filled.iter_mut().zip(values) {
                    *filled = value - shift;
                }
                rest.fill(0.0);
                if let Some(scale) = scale {
                    for (filled, &scale) in filled.iter_mut().zip(&scale[range.clone()]) {
                        *filled *= scale;
                    }
                }
            }
            add_block(&self.block, &mut self.sums);
        }
    }

    /// The whole symmetric matrix, row after row.
    pub fn finish(&self) -> Vec<f64> {
        let (n, padded) = (self.columns, self.block.len());
        let mut matrix = vec![0.0; n * n];
        for row in 0..n {
            for column in row..n {
                let sum = self.sums[row * padded + column];
                matrix[row * n + column] = sum;
                matrix[column * n + row] = sum;
            }
        }
        matrix
    }
}

#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn add_block(block: &[Block], sums: &mut [f64]) {
    let padded = block.len();
    let (tall, _) = block.as_chunks::<TALL>();
    let (wide, _) = block.as_chunks::<WIDE>();
    for (row, left) in tall.iter().enumerate() {
        // Tiles below the diagonal would only repeat those above.
        for (column, right) in wide.iter().enumerate().skip(row * TALL / WIDE) {
            let products = tile(left, right);
            for (r, products) in products.iter().enumerate() {
                for (c, product) in products.iter().enumerate() {
                    sums[(row * TALL + r) * padded + column * WIDE + c] += product;
                }
            }
        }
    }
}

/// The products of each column on the left with each on the right.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn tile(left: &[Block; TALL], right: &[Block; WIDE]) -> [[f64; WIDE]; TALL] {
    let mut sums = [[pair([0.0; LANES]); WIDE]; TALL];
    for at in 0..BLOCK / LANES {
        let right: [Pair; WIDE] = [pair(right[0][at]), pair(right[1][at])];
        for (sums, left) in sums.iter_mut().zip(left) {
            let left = pair(left[at]);
            for (sum, &right) in sums.iter_mut().zip(&right) {
                *sum = add_product(*sum, left, right);
            }
        }
    }
    let mut totals = [[0.0; WIDE]; TALL];
    for (total_of, sum) in totals.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
        *total_of = total(*sum);
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without structure; the exact sequence does not matter.
    fn column(seed: usize, rows: usize) -> Vec<f64> {
        (0..rows).map(|row| ((row * 7919 + seed * 104_729) % 1000) as f64 / 500.0 - 1.0).collect()
    }

    #[test]
    fn equals_the_definition_for_any_shape() {
        for (rows, columns) in [(0, 3), (1, 1), (5, 2), (256, 4), (257, 5), (1000, 11)] {
            let data: Vec<_> = (0..columns).map(|seed| column(seed, rows)).collect();
            let shift = column(99, columns);
            let scale: Vec<_> = column(7, rows).iter().map(|value| value.abs()).collect();
            let mut gram = Gram::new(columns);
            let cut = rows / 3;
            let part = |range: std::ops::Range<usize>| data.iter().map(|c| c[range.clone()].to_vec()).collect::<Vec<_>>();
            gram.add(&part(0..cut), &shift, Some(&scale[..cut]));
            gram.add(&part(cut..rows), &shift, Some(&scale[cut..]));
            for (at, &found) in gram.finish().iter().enumerate() {
                let (i, j) = (at / columns, at % columns);
                let terms = (0..rows).map(|row| (data[i][row] - shift[i]) * (data[j][row] - shift[j]) * scale[row].powi(2));
                let expected: f64 = terms.sum();
                assert!((found - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{rows} x {columns} at {i}, {j}");
            }
        }
    }

    #[test]
    fn nothing_of_an_earlier_block_stays() {
        let mut gram = Gram::new(1);
        gram.add(&[vec![1.0; 256]], &[0.0], None);
        gram.add(&[vec![2.0]], &[0.0], None);
        assert_eq!(gram.finish(), [260.0]);
    }
}
