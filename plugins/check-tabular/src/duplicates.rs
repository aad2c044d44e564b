//! How many rows repeat an earlier one, in memory that does not grow with the rows.
//!
//! Rows are told apart by a hash of 64 bits. When there are too many different ones, only those whose hash falls into a shrinking share of all hashes are followed:
//! equal rows have equal hashes, so that the followed rows repeat as often as all do.

use std::collections::BTreeMap;

use sprag_sdk::{Column, Values};

/// How many different rows are followed at most; more would take more than some 10 MiB.
const FOLLOWED: usize = 1 << 18;

/// Counts rows by their hash.
#[derive(Debug, Default)]
pub(crate) struct Duplicates {
    counts: BTreeMap<u64, u64>,
    /// Only hashes whose bits under the mask are zero are followed.
    mask: u64,
}

impl Duplicates {
    /// Adds the rows of a batch.
    pub(crate) fn add(&mut self, batch: &[Column]) {
        let mut hashes = vec![0_u64; batch.first().map_or(0, Column::len)];
        for column in batch {
            for (row, hash) in hashes.iter_mut().enumerate() {
                *hash = mix(*hash ^ cell(column, row));
            }
        }
        for hash in hashes {
            if hash & self.mask == 0 {
                *self.counts.entry(hash).or_default() += 1;
            }
        }
        while self.counts.len() > FOLLOWED {
            self.mask = self.mask << 1 | 1;
            let mask = self.mask;
            self.counts.retain(|hash, _| hash & mask == 0);
        }
    }

    /// The share of rows that repeat an earlier one.
    pub(crate) fn share(&self) -> f64 {
        let rows: u64 = self.counts.values().sum();
        let repeated = rows - self.counts.len() as u64;
        if rows == 0 { 0.0 } else { repeated as f64 / rows as f64 }
    }
}

fn cell(column: &Column, row: usize) -> u64 {
    if column.is_null(row) {
        return 1;
    }
    match &column.values {
        // Adding 0 makes one zero of the two.
        Values::Floats(values) => (values[row] + 0.0).to_bits(),
        Values::Integers(values) => values[row].cast_unsigned(),
        Values::Booleans(values) => u64::from(values[row]),
        Values::Texts(_) => column.text(row).unwrap_or_default().bytes().fold(2, |hash, byte| mix(hash ^ u64::from(byte))),
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014), which lets every bit change every other.
fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_rows_are_counted() {
        let mut duplicates = Duplicates::default();
        duplicates.add(&[Column::floats(vec![1.0, 1.0, 2.0, 0.0]), Column::texts(["a", "b", "a", ""])]);
        assert_eq!(duplicates.share(), 0.0);
        duplicates.add(&[Column::floats(vec![1.0, -0.0]), Column::texts(["a", ""])]);
        assert_eq!(duplicates.share(), 2.0 / 6.0);
    }

    #[test]
    fn many_rows_are_estimated_in_little_memory() {
        let mut duplicates = Duplicates::default();
        for _ in 0..2 {
            duplicates.add(&[Column::floats((0..600_000).map(f64::from).collect())]);
        }
        assert!(duplicates.counts.len() <= FOLLOWED);
        assert_eq!(duplicates.share(), 0.5);
    }
}
