//! How far data has moved from what a model was trained on: counts in fixed bins, and what two sets of counts say of each other.
//!
//! A [`Sketch`] counts each column of a model's inputs and outputs in bins that the training data has fixed. It has the same size however
//! many rows it has seen, takes a value in some nanoseconds, and two of them are added. [`compare`] holds one that counted new rows against
//! the one that counted the training rows.

mod chance;
mod compare;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use compare::{ColumnDrift, MOVED, MOVED_FAR, Movement, Role, Thresholds, compare};

/// The value of [`Sketch::format`].
pub const SKETCH_FORMAT: &str = "sprag-sketch/1";

/// The bins of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bins {
    /// Numbers, by the edges between bins, ascending: bin `i` holds those above edge `i - 1` and up to edge `i`.
    Edges(Vec<f64>),
    /// Values of few kinds, one bin each, ascending; what is none of them is counted as other.
    Values(Vec<String>),
}

/// Counts of a column's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ColumnSketch {
    /// The bins.
    pub bins: Bins,
    /// How many values fell into each: one more than there are edges, or as many as there are values.
    pub counts: Vec<u64>,
    /// How many rows had no value.
    pub nulls: u64,
    /// How many values no bin is for: numbers that are not finite, and values of no kind that is known.
    pub other: u64,
}

impl ColumnSketch {
    /// Counts of nothing. Edges that are not finite or do not ascend are dropped, and values are put in order.
    pub fn new(bins: Bins) -> Self {
        let bins = match bins {
            Bins::Edges(mut edges) => {
                edges.retain(|edge| edge.is_finite());
                edges.sort_unstable_by(f64::total_cmp);
                edges.dedup();
                Bins::Edges(edges)
            }
            Bins::Values(mut values) => {
                values.sort_unstable();
                values.dedup();
                Bins::Values(values)
            }
        };
        let count = match &bins {
            Bins::Edges(edges) => edges.len() + 1,
            Bins::Values(values) => values.len(),
        };
        Self { bins, counts: vec![0; count], nulls: 0, other: 0 }
    }

    /// Counts a number.
    #[inline]
    pub fn number(&mut self, value: f64) {
        match &self.bins {
            // Counted through, without a branch: there are few edges, and the next value is anywhere.
            Bins::Edges(edges) if value.is_finite() => {
                let bin: usize = edges.iter().map(|edge| usize::from(value > *edge)).sum();
                self.counts[bin] += 1;
            }
            _ => self.other += 1,
        }
    }

    /// Counts a value of few kinds.
    #[inline]
    pub fn text(&mut self, value: &str) {
        match &self.bins {
            Bins::Values(values) if let Ok(bin) = values.binary_search_by(|known| known.as_str().cmp(value)) => {
                self.counts[bin] += 1;
            }
            _ => self.other += 1,
        }
    }

    /// Counts a row without a value.
    #[inline]
    pub fn null(&mut self) {
        self.nulls += 1;
    }

    /// How many rows were counted.
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.nulls + self.other
    }
}

/// Counts of all columns that go into a model and come out of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sketch {
    /// The format of this document: [`SKETCH_FORMAT`].
    pub format: String,
    /// The columns that go in, by name.
    pub inputs: BTreeMap<String, ColumnSketch>,
    /// The columns that come out, by name.
    pub outputs: BTreeMap<String, ColumnSketch>,
}

impl Sketch {
    /// A sketch of these columns.
    pub fn new(inputs: BTreeMap<String, ColumnSketch>, outputs: BTreeMap<String, ColumnSketch>) -> Self {
        Self { format: SKETCH_FORMAT.to_owned(), inputs, outputs }
    }

    /// The same bins with nothing counted, to count something else in.
    #[must_use]
    pub fn emptied(&self) -> Self {
        let empty = |columns: &BTreeMap<String, ColumnSketch>| {
            columns.iter().map(|(name, column)| (name.clone(), ColumnSketch::new(column.bins.clone()))).collect()
        };
        Self::new(empty(&self.inputs), empty(&self.outputs))
    }

    /// Adds what another sketch has counted in the same bins.
    ///
    /// # Errors
    /// The other has other columns or bins; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), OtherBins> {
        self.check(other)?;
        let pairs = [(&mut self.inputs, &other.inputs), (&mut self.outputs, &other.outputs)];
        for (columns, more) in pairs {
            for (column, more) in columns.values_mut().zip(more.values()) {
                column.counts.iter_mut().zip(&more.counts).for_each(|(count, more)| *count += more);
                (column.nulls, column.other) = (column.nulls + more.nulls, column.other + more.other);
            }
        }
        Ok(())
    }

    fn check(&self, other: &Self) -> Result<(), OtherBins> {
        for (columns, others) in [(&self.inputs, &other.inputs), (&self.outputs, &other.outputs)] {
            if let Some(name) = columns
                .keys()
                .find(|name| !others.contains_key(*name))
                .or_else(|| others.keys().find(|name| !columns.contains_key(*name)))
            {
                return Err(OtherBins { column: name.clone() });
            }
            let is_other = |name: &&String| {
                columns[*name].bins != others[*name].bins || columns[*name].counts.len() != others[*name].counts.len()
            };
            if let Some(name) = columns.keys().find(is_other) {
                return Err(OtherBins { column: name.clone() });
            }
        }
        Ok(())
    }
}

/// Two sketches that did not count in the same bins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected counts in the same bins, found a difference in column `{column}`")]
pub struct OtherBins {
    /// The first column that differs.
    pub column: String,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn of(columns: &[(&str, ColumnSketch)]) -> Sketch {
        Sketch::new(columns.iter().map(|(name, column)| ((*name).to_owned(), column.clone())).collect(), BTreeMap::new())
    }

    fn counted(edges: &[f64], values: impl IntoIterator<Item = f64>) -> ColumnSketch {
        let mut column = ColumnSketch::new(Bins::Edges(edges.to_vec()));
        values.into_iter().for_each(|value| column.number(value));
        column
    }

    #[test]
    fn every_value_has_one_place() {
        let mut column = counted(&[2.0, 1.0, f64::NAN, 2.0], [0.5, 1.0, 1.5, 2.0, 3.0, f64::MAX, f64::NAN, f64::INFINITY]);
        column.null();
        assert_eq!((column.counts.as_slice(), column.nulls, column.other, column.rows()), (&[2, 2, 2][..], 1, 2, 9));
        let mut column = ColumnSketch::new(Bins::Values(vec!["b".into(), "a".into()]));
        ["a", "b", "b", "c"].iter().for_each(|value| column.text(value));
        column.number(1.0);
        assert_eq!((column.counts.as_slice(), column.other), (&[1, 2][..], 2));
    }

    #[test]
    fn counts_are_added_and_kept_as_json() {
        let edges = [1.0, 2.0];
        let (a, b) = (of(&[("x", counted(&edges, [0.5, 1.5]))]), of(&[("x", counted(&edges, [2.5, f64::NAN]))]));
        let mut sum = a.clone();
        sum.merge(&b).unwrap();
        assert_eq!(sum, of(&[("x", counted(&edges, [0.5, 1.5, 2.5, f64::NAN]))]));
        let text = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<Sketch>(&text).unwrap(), sum);
        assert_eq!(sum.emptied(), of(&[("x", counted(&edges, []))]));
        let other = of(&[("x", counted(&[1.0], []))]);
        assert_eq!(
            sum.merge(&other).unwrap_err().to_string(),
            "expected counts in the same bins, found a difference in column `x`"
        );
        assert!(sum.merge(&of(&[("y", counted(&edges, []))])).is_err());
    }
}
