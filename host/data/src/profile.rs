//! What a table looks like, written down as JSON, so that later data can be held against it.
//!
//! Describes; it judges nothing. Drift is measured by whoever reads the profile. Field order is stable and floats are written in their
//! shortest form that reads back the same, so equal tables have equal profiles, byte for byte.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use serde::{Deserialize, Serialize};
use sprag_core::digest::Digest;
use sprag_core::drift::Sketch;

use crate::cells::Cells;
use crate::{DType, DataError, Field, Table, threads};

mod duplicates;
mod numbers;

use numbers::Numbers;

/// The value of [`Profile::format`].
pub const PROFILE_FORMAT: &str = "sprag-profile/1";

/// How many different values are counted before [`ColumnProfile::distinct`] gives up.
const DISTINCT_CAP: usize = 10_000;

/// How many values [`ColumnProfile::categories`] lists.
const TOP: usize = 50;

/// Below this many rows, describing columns takes less time than starting threads.
const MANY_ROWS: u64 = 100_000;

/// What a table looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The format of this document: [`PROFILE_FORMAT`].
    pub format: String,
    /// The digest of the table.
    pub source_digest: Digest,
    /// How many rows it has.
    pub rows: u64,
    /// One entry per column, in order.
    pub columns: Vec<ColumnProfile>,
    /// How many rows equal an earlier row in every column.
    pub duplicate_rows: u64,
    /// Counts of what went into a model trained on this table and of what came out of it; none where no model was at hand. Readers that know of no sketch
    /// read on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sketch: Option<Sketch>,
}

/// What a column looks like. The statistics are over finite numbers only, and none where the column holds no such number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// The column's name.
    pub name: String,
    /// Its type.
    pub dtype: DType,
    /// How many rows are null.
    pub nulls: u64,
    /// How many values are NaN or infinite.
    pub non_finite: u64,
    /// How many different values there are besides null; none for floats, and where there are more than 10 000.
    pub distinct: Option<u64>,
    /// The least number; of a timestamp in microseconds since 1970-01-01T00:00:00Z, as are those below.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// The standard deviation of a sample (divisor n - 1); none for fewer than two numbers.
    pub std: Option<f64>,
    /// The 0th, 1st, ... 100th percentile, by linear interpolation as NumPy's `quantile` does it: 101 numbers, or none.
    pub quantiles: Vec<f64>,
    /// The most frequent values of a text or boolean column, at most 50: by count, then by value.
    pub categories: Vec<Category>,
    /// How many rows hold a value of a text or boolean column that `categories` does not list.
    pub other_count: u64,
}

/// One value of a text or boolean column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// The value; `true` or `false` for a boolean.
    pub value: String,
    /// How many rows hold it.
    pub count: u64,
}

/// Describes a table.
///
/// # Errors
///
/// When the table has no rows: nothing could be held against its profile.
pub fn profile(table: &Table) -> Result<Profile, DataError> {
    if table.row_count() == 0 {
        return Err(DataError::NothingToProfile);
    }
    let columns = table.columns();
    let described: Vec<(&Field, &Cells)> = columns.fields.iter().zip(&columns.cells).collect();
    Ok(Profile {
        format: PROFILE_FORMAT.to_owned(),
        source_digest: table.digest(),
        rows: table.row_count(),
        columns: threads::map(described, table.row_count() >= MANY_ROWS, |(field, cells)| column(field, cells)),
        duplicate_rows: duplicates::count(&columns.cells, table.row_count() as usize),
        sketch: None,
    })
}

fn column(field: &Field, cells: &Cells) -> ColumnProfile {
    let numbers = if field.dtype.is_numeric() { Numbers::of(cells) } else { Numbers::default() };
    let (categories, other_count) = match cells {
        Cells::Texts(array) => categories(array.iter().flatten()),
        Cells::Booleans(array) => categories(array.iter().flatten().map(|value| if value { "true" } else { "false" })),
        Cells::Floats(_) | Cells::Integers(_) => (Vec::new(), 0),
    };
    ColumnProfile {
        name: field.name.clone(),
        dtype: field.dtype,
        nulls: cells.null_count() as u64,
        non_finite: numbers.non_finite,
        distinct: match cells {
            Cells::Floats(_) => None,
            Cells::Integers(array) => distinct(array.iter().flatten()),
            Cells::Booleans(array) => distinct(array.iter().flatten()),
            Cells::Texts(array) => distinct(array.iter().flatten()),
        },
        min: numbers.sorted.first().copied(),
        max: numbers.sorted.last().copied(),
        mean: numbers.mean,
        std: numbers.std,
        quantiles: numbers.quantiles(),
        categories,
        other_count,
    }
}

fn distinct<T: Hash + Eq>(values: impl Iterator<Item = T>) -> Option<u64> {
    let mut seen = HashSet::new();
    for value in values {
        if seen.insert(value) && seen.len() > DISTINCT_CAP {
            return None;
        }
    }
    Some(seen.len() as u64)
}

fn categories<'a>(values: impl Iterator<Item = &'a str>) -> (Vec<Category>, u64) {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_unstable_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    let other = counts.iter().skip(TOP).map(|(_, count)| count).sum();
    let top = counts.into_iter().take(TOP).map(|(value, count)| Category { value: value.to_owned(), count });
    (top.collect(), other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Values};

    fn table() -> Table {
        let column = |values, validity| Column { values, validity };
        let names = ["x", "i", "b", "t"];
        let dtypes = [DType::Float, DType::Integer, DType::Boolean, DType::Text];
        let fields = names.iter().zip(dtypes).map(|(name, dtype)| Field { name: (*name).to_owned(), dtype, nullable: false });
        let columns = vec![
            column(Values::Floats(vec![1.0, 2.5, f64::INFINITY, 0.0, 2.5]), Some(vec![0b1_0111])),
            column(Values::Integers(vec![3, 1, 1, 2, 1]), None),
            column(Values::Booleans(vec![1, 0, 0, 0, 0]), None),
            column(Values::Texts { bytes: b"baacca".to_vec(), ends: vec![1, 2, 3, 5, 6] }, None),
        ];
        Table::from_columns(fields.collect(), columns).unwrap()
    }

    #[test]
    fn a_profile_says_what_the_table_holds() {
        let table = table();
        let profile = profile(&table).unwrap();
        assert_eq!((profile.rows, profile.duplicate_rows, profile.source_digest), (5, 1, table.digest()));
        let [x, i, b, t] = &profile.columns[..] else { panic!("four columns") };
        assert_eq!((x.nulls, x.non_finite, x.distinct, x.min, x.max, x.mean), (1, 1, None, Some(1.0), Some(2.5), Some(2.0)));
        assert_eq!((x.quantiles.len(), x.quantiles[0], x.quantiles[100]), (101, 1.0, 2.5));
        assert_eq!((i.distinct, i.quantiles[50], i.std), (Some(3), 1.0, Some(0.8_f64.sqrt())));
        let named = |categories: &[Category]| categories.iter().map(|c| format!("{} {}", c.value, c.count)).collect::<Vec<_>>();
        assert_eq!((named(&b.categories), b.distinct, b.min), (vec!["false 4".into(), "true 1".into()], Some(2), None));
        assert_eq!((named(&t.categories), t.other_count), (vec!["a 3".into(), "b 1".into(), "cc 1".into()], 0));
    }

    #[test]
    fn the_document_is_stable_and_reads_back() {
        let profile = profile(&table()).unwrap();
        let text = serde_json::to_string(&profile).unwrap();
        assert!(text.starts_with(r#"{"format":"sprag-profile/1","source_digest":"sha256:"#), "{text}");
        let first =
            r#""rows":5,"columns":[{"name":"x","dtype":"float","nulls":1,"non_finite":1,"distinct":null,"min":1.0,"max":2.5,"#;
        assert!(text.contains(first), "{text}");
        assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), profile);
    }

    #[test]
    fn many_values_are_cut_and_counted() {
        let texts: Vec<String> = (0..11_000).map(|i| format!("{i:05}")).collect();
        let ends = (1..=11_000).map(|i| i * 5).collect();
        let fields = ["t", "i"].map(|name| Field {
            name: name.to_owned(),
            dtype: if name == "t" { DType::Text } else { DType::Integer },
            nullable: false,
        });
        let columns = [
            Values::Texts { bytes: texts.concat().into_bytes(), ends },
            Values::Integers((0..11_000).map(|i| i % 10_000).collect()),
        ]
        .map(|values| Column { values, validity: None });
        let profile = profile(&Table::from_columns(fields.to_vec(), columns.to_vec()).unwrap()).unwrap();
        assert_eq!((profile.columns[0].distinct, profile.columns[0].other_count), (None, 10_950));
        assert_eq!((profile.columns[0].categories.len(), profile.columns[1].distinct), (50, Some(10_000)));
    }

    #[test]
    fn a_table_without_rows_has_no_profile() {
        let empty = table().rows(&[]).unwrap();
        assert!(matches!(profile(&empty), Err(DataError::NothingToProfile)));
    }
}
