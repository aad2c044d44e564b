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
    let (mut training, holdout) = part(rows, "test-size", spec.test_size, spec)?;
    let validation = match spec.validation_size {
        None => None,
        Some(size) => {
            // At most the number of rows, so it fits.
            let (inner, validation) = part(training.len() as u32, "validation-size", size, spec)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, DType, Field, Values};

    fn spec(test_size: TestSize, random_state: u32) -> SplitSpec {
        SplitSpec { test_size, random_state, shuffle: true, validation_size: None }
    }

    /// A table whose one column `row` counts its rows.
    fn table(rows: u32) -> Table {
        let column = Column { values: Values::Integers((0..rows.into()).collect()), validity: None };
        Table::from_columns(vec![Field { name: "row".into(), dtype: DType::Integer, nullable: false }], vec![column]).unwrap()
    }

    fn rows(table: &Table) -> Vec<i64> {
        match table.read("row", 0, table.row_count() as u32).unwrap().values {
            Values::Integers(rows) => rows,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_are_those_of_scikit_learn() {
        // scikit-learn 1.9.1 and NumPy 2.4.6: train, test = train_test_split(np.arange(n), test_size=size, random_state=seed), and
        // sha256(np.concatenate([test, train]).astype("<u4").tobytes()).
        use TestSize::{Fraction, Rows};
        let goldens = [
            (442, Fraction(0.2), 0, 89, "3f0f7826dacadb604b1b0b570c6dbf29af2183fca0d0fc6d59ae2e606e79fdea"),
            (442, Fraction(0.2), 42, 89, "1f1570606fc43369467eee32061ac5b4e7eb30dcdf5527a40e6b2a08608cb412"),
            (569, Fraction(0.25), 7, 143, "b48e97310f09f63d341e7b10072ecd2b306786e57bff20da4ab85fc9f9965e0b"),
            (10, Rows(3), 1, 3, "522a530e2f3c8dfca4b82d02d0cf42962f59f519ec73da325b8e2afd2464a96c"),
            (2, Fraction(0.5), 0, 1, "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8"),
            (1000, Fraction(0.333), u32::MAX, 333, "65fb47e78be4f63bc881f15492dd11fa5af848584e8f0682fffed693d8b7ed35"),
            (65_536, Fraction(0.1), 3, 6554, "54083158d6e2a0c3fe0268f774f7a3de704d70db7dfbae487a9f7e0860358368"),
            (65_537, Fraction(0.1), 3, 6554, "c0d3a6363f7dffaa8bfac5744435185236d2d5bbd8c546febc79b4c6b3b721d9"),
            (1_000_003, Fraction(0.2), 0, 200_001, "83af92dbcf82159ec504ab70e5ca94e59d294bf42cbd5966799125af4f3a5a3c"),
            (1_000_003, Rows(100), 12_345, 100, "b9150e9a27e61c5364db3613c8578177a1ed51d59bed844216107a4f9231a994"),
        ];
        for (n, size, seed, test_rows, sha256) in goldens {
            let (training, test) = part(n, "test-size", size, &spec(size, seed)).unwrap();
            assert_eq!(test.len(), test_rows);
            let bytes: Vec<u8> = test.iter().chain(&training).flat_map(|row| row.to_le_bytes()).collect();
            assert_eq!(Digest::of(&bytes).hex(), sha256, "{n} rows, {size:?}, seed {seed}");
        }
    }

    #[test]
    fn the_diabetes_split() {
        let parts = split(&table(442), &spec(TestSize::Fraction(0.2), 0)).unwrap();
        assert_eq!((parts.training.row_count(), parts.holdout.row_count()), (353, 89));
        assert_eq!(rows(&parts.holdout)[..5], [362, 249, 271, 435, 400]);
        assert_eq!(rows(&parts.training)[350..], [117, 47, 172]);
    }

    #[test]
    fn validation_is_a_second_split_of_the_training_part() {
        // The same versions: training, validation = train_test_split(training, test_size=0.25, random_state=0).
        let spec = SplitSpec { validation_size: Some(TestSize::Fraction(0.25)), ..spec(TestSize::Fraction(0.2), 0) };
        let parts = split(&table(442), &spec).unwrap();
        let (training, validation) = (rows(&parts.training), rows(&parts.validation.unwrap()));
        assert_eq!((training.len(), validation.len()), (264, 89));
        assert_eq!((&training[..5], &training[261..]), (&[255, 181, 393, 341, 5][..], &[433, 254, 349][..]));
        assert_eq!((&validation[..5], &validation[86..]), (&[386, 27, 183, 395, 168][..], &[20, 46, 116][..]));
    }

    #[test]
    fn without_a_shuffle_the_last_rows_are_held_out() {
        let parts = split(&table(442), &SplitSpec { shuffle: false, ..spec(TestSize::Fraction(0.2), 0) }).unwrap();
        assert_eq!(rows(&parts.training), (0..353).collect::<Vec<_>>());
        assert_eq!(rows(&parts.holdout), (353..442).collect::<Vec<_>>());
    }

    #[test]
    fn parts_share_no_row_and_hold_all() {
        for seed in 0..40 {
            let n = 3 + seed * 7;
            let validation_size = (seed % 2 == 0).then_some(TestSize::Fraction(0.3));
            let spec = SplitSpec { shuffle: seed % 3 != 0, validation_size, ..spec(TestSize::Fraction(0.25), seed) };
            let parts = split(&table(n), &spec).unwrap();
            let mut all = [rows(&parts.training), rows(&parts.holdout)].concat();
            all.extend(parts.validation.iter().flat_map(rows));
            all.sort_unstable();
            assert_eq!(all, (0..i64::from(n)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn parts_carry_the_digests_that_were_foretold() {
        let table = table(20).with_roles(Some("row"), None).unwrap();
        let base = spec(TestSize::Fraction(0.2), 0);
        let specs = [
            base.clone(),
            SplitSpec { test_size: TestSize::Fraction(0.3), ..base.clone() },
            SplitSpec { test_size: TestSize::Rows(4), ..base.clone() },
            SplitSpec { random_state: 1, ..base.clone() },
            SplitSpec { shuffle: false, ..base.clone() },
            SplitSpec { validation_size: Some(TestSize::Fraction(0.2)), ..base },
        ];
        let mut seen = Vec::new();
        for spec in specs {
            let (parts, digests) = (split(&table, &spec).unwrap(), spec.digests(table.digest()));
            assert_eq!(parts.training.digest(), digests.training);
            assert_eq!(parts.holdout.digest(), digests.holdout);
            assert_eq!(parts.validation.map(|part| part.digest()), digests.validation);
            assert_eq!(parts.training.target(), Some("row"));
            assert!(!seen.contains(&digests.training));
            seen.push(digests.training);
        }
    }

    #[test]
    fn sizes_that_leave_a_part_empty_are_refused() {
        let error = |rows, size| split(&table(rows), &spec(size, 0)).unwrap_err();
        assert!(matches!(error(1, TestSize::Fraction(0.5)), DataError::EmptyPart { part: "training", .. }));
        assert!(matches!(error(10, TestSize::Fraction(0.99)), DataError::EmptyPart { .. }));
        assert!(matches!(error(0, TestSize::Fraction(0.2)), DataError::EmptyPart { rows: 0, .. }));
        assert!(matches!(error(10, TestSize::Rows(10)), DataError::EmptyPart { .. }));
        for size in [TestSize::Fraction(0.0), TestSize::Fraction(1.0), TestSize::Fraction(f64::NAN), TestSize::Fraction(-0.1)] {
            assert!(matches!(error(10, size), DataError::SplitSize { .. }), "{size:?}");
        }
        let message = error(10, TestSize::Rows(0)).to_string();
        assert_eq!(message, "`test-size` is 0 rows: expected from 1 to 9 of 10 rows");
        let spec = SplitSpec { validation_size: Some(TestSize::Rows(9)), ..spec(TestSize::Rows(2), 0) };
        let error = split(&table(10), &spec).unwrap_err();
        assert!(
            error.to_string().contains("`validation-size`") && error.hint().unwrap().contains("`validation-size`"),
            "{error}"
        );
    }
}
