//! The split into training, validation and hold-out rows, bit for bit that of scikit-learn's `train_test_split`.
//!
//! Source: `sklearn.model_selection` 1.9, `_validate_shuffle_split` and `ShuffleSplit`. With shuffling, the rows are NumPy's
//! `RandomState(random_state).permutation(rows)`: the first `ceil(test_size * rows)` are the hold-out and the rest the training part, in
//! that order. Without it, the hold-out is the last rows. The digests of the parts follow from the table's digest and the options, so
//! that they are known before any data is read. Does not stratify.

use serde::{Deserialize, Serialize};
use sprag_core::digest::{Digest, Hasher};

use crate::{DataError, Table};

mod mt19937;

use mt19937::Mt19937;

/// The size of a part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestSize {
    /// A fraction of the rows, more than 0 and less than 1; the number of rows is rounded up.
    Fraction(f64),
    /// A number of rows.
    Rows(u64),
}

/// How to part a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitSpec {
    /// The size of the hold-out.
    pub test_size: TestSize,
    /// The seed of the shuffle; scikit-learn's `random_state`.
    pub random_state: u32,
    /// Whether rows are shuffled first.
    pub shuffle: bool,
    /// The size of the validation part, which is split off the training part in the same way and with the same seed.
    pub validation_size: Option<TestSize>,
}

/// The parts of a table. They share no row, and hold all rows between them.
#[derive(Debug, Clone)]
pub struct Split {
    /// The rows to fit a model to.
    pub training: Table,
    /// The rows to choose among models with, where the options ask for some.
    pub validation: Option<Table>,
    /// The rows that judge a model; a trainer never sees them.
    pub holdout: Table,
}

/// The digests of the parts of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitDigests {
    /// That of the training part.
    pub training: Digest,
    /// That of the validation part, where the options ask for one.
    pub validation: Option<Digest>,
    /// That of the hold-out.
    pub holdout: Digest,
}

impl SplitSpec {
    /// The digests that the parts of a table with this digest have, without touching its rows.
    pub fn digests(&self, table: Digest) -> SplitDigests {
        let part = |name: &str| {
            let mut hasher = Hasher::new();
            hasher.field(b"sprag-split/1").field(table.as_bytes());
            size_field(&mut hasher, Some(self.test_size));
            // Without a shuffle the seed changes nothing.
            let seed = if self.shuffle { self.random_state } else { 0 };
            hasher.field(&[self.shuffle.into()]).field(&seed.to_le_bytes());
            // The hold-out is split off first, so that the size of the validation part does not bear on it.
            size_field(&mut hasher, self.validation_size.filter(|_| name != "holdout"));
            hasher.field(name.as_bytes());
            hasher.finish()
        };
        SplitDigests {
            training: part("training"),
            validation: self.validation_size.map(|_| part("validation")),
            holdout: part("holdout"),
        }
    }
}

fn size_field(hasher: &mut Hasher, size: Option<TestSize>) {
    match size {
        None => hasher.field(b"none"),
        Some(TestSize::Fraction(fraction)) => hasher.field(b"fraction").field(&fraction.to_bits().to_le_bytes()),
        Some(TestSize::Rows(rows)) => hasher.field(b"rows").field(&rows.to_le_bytes()),
    };
}

/// Parts a table. The parts keep its roles and carry the digests that [`SplitSpec::digests`] gives.
///
/// # Errors
///
/// When a size makes no sense, a part would have no rows, or the table has more than `u32::MAX` rows.
pub fn split(table: &Table, spec: &SplitSpec) -> Result<Split, DataError> {
    let rows = u32::try_from(table.row_count()).map_err(|_| DataError::TooManyRows { rows: table.row_count() })?;
    let digests = spec.digests(table.digest());
    let (mut training, holdout) = part(rows, "test_size", spec.test_size, spec)?;
    let validation = match spec.validation_size {
        None => None,
        Some(size) => {
            // At most the number of rows, so it fits.
            let (inner, validation) = part(training.len() as u32, "validation_size", size, spec)?;
            let validation: Vec<u32> = validation.iter().map(|row| training[*row as usize]).collect();
            training = inner.iter().map(|row| training[*row as usize]).collect();
            Some(validation)
        }
    };
    Ok(Split {
        training: table.gather(&training, digests.training),
        validation: validation.zip(digests.validation).map(|(rows, digest)| table.gather(&rows, digest)),
        holdout: table.gather(&holdout, digests.holdout),
    })
}

/// The row numbers of the training part and of the test part of `rows` rows.
fn part(rows: u32, key: &'static str, size: TestSize, spec: &SplitSpec) -> Result<(Vec<u32>, Vec<u32>), DataError> {
    let test = test_rows(rows, key, size)?;
    if !spec.shuffle {
        let training = rows - test;
        return Ok(((0..training).collect(), (training..rows).collect()));
    }
    let mut order = Mt19937::new(spec.random_state).permutation(rows);
    let training = order.split_off(test as usize);
    Ok((training, order))
}

fn test_rows(rows: u32, key: &'static str, size: TestSize) -> Result<u32, DataError> {
    let (shown, test) = match size {
        TestSize::Fraction(fraction) => {
            let shown = fraction.to_string();
            if !(fraction > 0.0 && fraction < 1.0) {
                return Err(DataError::SplitSize {
                    key,
                    size: shown,
                    expected: "a fraction between 0 and 1, or a number of rows".into(),
                });
            }
            // Less than one beyond `rows`, which the comparison below refuses.
            (shown, (fraction * f64::from(rows)).ceil() as u64)
        }
        TestSize::Rows(test) => (format!("{test} rows"), test),
    };
    if rows > 1 && (test == 0 || test > rows.into()) {
        return Err(DataError::SplitSize { key, size: shown, expected: format!("from 1 to {} of {rows} rows", rows - 1) });
    }
    match u32::try_from(test) {
        Ok(test) if test < rows => Ok(test),
        _ => Err(DataError::EmptyPart { key, size: shown, rows: rows.into(), part: "training" }),
    }
}
