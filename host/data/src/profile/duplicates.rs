//! How many rows equal an earlier one. Rows are told apart by a hash and compared in full where hashes agree.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::cells::Cells;

/// Counts the rows that equal an earlier row in every column. Nulls equal nulls; floats are equal by their bits, but 0 equals -0.
pub(super) fn count(columns: &[Cells], rows: usize) -> u64 {
    let state = RandomState::new();
    let mut hashes = vec![0_u64; rows];
    for cells in columns {
        for (row, hash) in hashes.iter_mut().enumerate() {
            let mut hasher = state.build_hasher();
            hasher.write_u64(*hash);
            hash_cell(cells, row, &mut hasher);
            *hash = hasher.finish();
        }
    }
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_unstable_by_key(|row| hashes[*row]);
    let same_hash = order.chunk_by(|a, b| hashes[*a] == hashes[*b]);
    same_hash.map(|rows| repeated(columns, rows)).sum()
}

/// How many of these rows equal another that comes before it here.
fn repeated(columns: &[Cells], rows: &[usize]) -> u64 {
    let mut different: Vec<usize> = Vec::new();
    for &row in rows {
        if !different.iter().any(|other| columns.iter().all(|cells| equal(cells, row, *other))) {
            different.push(row);
        }
    }
    (rows.len() - different.len()) as u64
}

fn hash_cell(cells: &Cells, row: usize, hasher: &mut impl Hasher) {
    if cells.is_null(row) {
        hasher.write_u8(0);
        return;
    }
    match cells {
        Cells::Floats(array) => hasher.write_u64(bits(array.value(row))),
        Cells::Integers(array) => hasher.write_i64(array.value(row)),
        Cells::Booleans(array) => hasher.write_u8(1 + u8::from(array.value(row))),
        Cells::Texts(array) => hasher.write(array.value(row).as_bytes()),
    }
}

fn equal(cells: &Cells, a: usize, b: usize) -> bool {
    if cells.is_null(a) || cells.is_null(b) {
        return cells.is_null(a) && cells.is_null(b);
    }
    match cells {
        Cells::Floats(array) => bits(array.value(a)) == bits(array.value(b)),
        Cells::Integers(array) => array.value(a) == array.value(b),
        Cells::Booleans(array) => array.value(a) == array.value(b),
        Cells::Texts(array) => array.value(a) == array.value(b),
    }
}

/// The bits of a float, alike for both zeros.
fn bits(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_count_once_for_each_earlier_equal_row() {
        let floats = Cells::of_floats(vec![1.0, 2.0, 1.0, 1.0, 0.0, -0.0], None);
        let integers = Cells::of_integers(vec![7, 7, 7, 8, 0, 0], None);
        assert_eq!(count(&[floats], 6), 3);
        assert_eq!(count(&[Cells::of_floats(vec![1.0, 2.0, 1.0, 1.0, 0.0, -0.0], None), integers], 6), 2);
    }

    #[test]
    fn a_null_equals_only_a_null() {
        let nulls = Some(vec![true, false, false].into());
        assert_eq!(count(&[Cells::of_integers(vec![0, 0, 0], nulls)], 3), 1);
    }
}
