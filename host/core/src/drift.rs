//! How far data has moved from what a model was trained on: counts in fixed bins, and what two sets of counts say of each other.
//!
//! A [`Sketch`] counts each column of a model's inputs and outputs in bins that the training data has fixed. It has the same size however
//! many rows it has seen, takes a value in some nanoseconds, and two of them are added. [`compare`] holds one that counted new rows against
//! the one that counted the training rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The value of [`Sketch::format`].
pub const SKETCH_FORMAT: &str = "sprag-sketch/1";

/// Below this a column has not moved, by the population stability index and the custom of those who use it (Siddiqi, Credit Risk Scorecards, 2006).
pub const MOVED: f64 = 0.1;

/// From this on it has moved far.
pub const MOVED_FAR: f64 = 0.25;

/// What stands for the share of an empty bin, of which no logarithm can be taken.
const EMPTY: f64 = 1e-4;

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

    /// The counts of all bins, those of other values and of nulls after them.
    fn all(&self) -> Vec<u64> {
        self.counts.iter().copied().chain([self.other, self.nulls]).collect()
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

/// Where a column is in a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It goes in.
    Input,
    /// It comes out.
    Output,
}

/// What is said of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Movement {
    /// Too few rows were counted to say anything.
    Unknown,
    /// It is as it was.
    Stable,
    /// It has moved: worth a look.
    Moved,
    /// It has moved far: the model sees what it was not trained on.
    MovedFar,
}

/// How far a column has moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ColumnDrift {
    /// The column.
    pub column: String,
    /// Where it is in the model.
    pub role: Role,
    /// The population stability index: the sum over all bins of (share now - share then) * ln(share now / share then).
    pub psi: f64,
    /// What the index comes to on average where nothing has moved, by the chance of so many rows: (bins - 1) * (1 / rows then + 1 / rows now).
    pub chance: f64,
    /// The Jensen-Shannon distance (base 2): from 0, the same, to 1, nothing in common.
    pub jensen_shannon: f64,
    /// The share of rows without a value, then and now.
    pub nulls: (f64, f64),
    /// The share of values no bin is for, then and now.
    pub other: (f64, f64),
    /// How many rows were counted now.
    pub rows: u64,
    /// What this comes to.
    pub movement: Movement,
}

/// From which index on a column has moved, and moved far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// From here on it has moved.
    pub moved: f64,
    /// From here on it has moved far.
    pub far: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { moved: MOVED, far: MOVED_FAR }
    }
}

/// Holds counts of new rows against those of the training rows, column by column: inputs, then outputs, by name.
///
/// # Errors
/// The two were not counted in the same bins.
pub fn compare(then: &Sketch, now: &Sketch, thresholds: Thresholds) -> Result<Vec<ColumnDrift>, OtherBins> {
    then.check(now)?;
    let inputs = then.inputs.iter().map(|(name, column)| (name, Role::Input, column, &now.inputs[name]));
    let outputs = then.outputs.iter().map(|(name, column)| (name, Role::Output, column, &now.outputs[name]));
    Ok(inputs.chain(outputs).map(|(name, role, then, now)| column(name, role, then, now, thresholds)).collect())
}

fn column(name: &str, role: Role, then: &ColumnSketch, now: &ColumnSketch, thresholds: Thresholds) -> ColumnDrift {
    let (rows_then, rows) = (then.rows(), now.rows());
    // A bin that neither has seen says nothing, and counts for nothing.
    let pairs: Vec<(u64, u64)> = then.all().into_iter().zip(now.all()).filter(|(a, b)| a + b > 0).collect();
    let share = |count: u64, rows: u64| count as f64 / rows.max(1) as f64;
    let shares: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (share(*a, rows_then), share(*b, rows))).collect();
    let psi = psi(&shares);
    let chance = pairs.len().saturating_sub(1) as f64 * (1.0 / rows_then.max(1) as f64 + 1.0 / rows.max(1) as f64);
    // So few rows that chance alone would come half way to having moved.
    let is_unknown = rows == 0 || rows_then == 0 || chance > thresholds.moved / 2.0;
    let movement = match psi - chance {
        _ if is_unknown => Movement::Unknown,
        index if index >= thresholds.far => Movement::MovedFar,
        index if index >= thresholds.moved => Movement::Moved,
        _ => Movement::Stable,
    };
    ColumnDrift {
        column: name.to_owned(),
        role,
        psi,
        chance,
        jensen_shannon: jensen_shannon(&shares),
        nulls: (share(then.nulls, rows_then), share(now.nulls, rows)),
        other: (share(then.other, rows_then), share(now.other, rows)),
        rows,
        movement,
    }
}

fn psi(shares: &[(f64, f64)]) -> f64 {
    let term = |(then, now): &(f64, f64)| {
        let (then, now) = (then.max(EMPTY), now.max(EMPTY));
        (now - then) * (now / then).ln()
    };
    shares.iter().map(term).sum()
}

fn jensen_shannon(shares: &[(f64, f64)]) -> f64 {
    let part = |share: f64, middle: f64| if share > 0.0 { share * (share / middle).log2() } else { 0.0 };
    let term = |(then, now): &(f64, f64)| {
        let middle = f64::midpoint(*then, *now);
        f64::midpoint(part(*then, middle), part(*now, middle))
    };
    shares.iter().map(term).sum::<f64>().clamp(0.0, 1.0).sqrt()
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

    fn moved(then: ColumnSketch, now: ColumnSketch) -> ColumnDrift {
        compare(&of(&[("x", then)]), &of(&[("x", now)]), Thresholds::default()).unwrap().remove(0)
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
    fn the_index_is_that_of_the_formula() {
        // By hand: (0.5 - 0.25) ln 2 + (0.5 - 0.75) ln (2/3); Jensen-Shannon as scipy.spatial.distance.jensenshannon([.25,.75],[.5,.5],2).
        let shares = [(0.25, 0.5), (0.75, 0.5)];
        assert!((psi(&shares) - 0.274_653_072_167_027_4).abs() < 1e-12, "{}", psi(&shares));
        assert!((jensen_shannon(&shares) - 0.220_895_768_849_017_35).abs() < 1e-12, "{}", jensen_shannon(&shares));
        assert_eq!((psi(&[(0.5, 0.5); 2]), jensen_shannon(&[(0.5, 0.5); 2])), (0.0, 0.0));
        assert!((jensen_shannon(&[(1.0, 0.0), (0.0, 1.0)]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_has_moved_is_found_and_chance_is_not_blamed() {
        let edges = [100.0, 200.0, 300.0, 400.0];
        let spread = |from: u32, to: u32| (from..to).map(f64::from);
        let then = || counted(&edges, spread(0, 500));
        assert_eq!(moved(then(), counted(&edges, spread(0, 500))).movement, Movement::Stable);
        assert_eq!(moved(then(), counted(&edges, spread(60, 560))).movement, Movement::Moved);
        assert_eq!(moved(then(), counted(&edges, spread(250, 750))).movement, Movement::MovedFar);
        // Three rows in three bins are no sign of anything.
        let few = moved(then(), counted(&edges, [50.0, 250.0, 450.0]));
        assert_eq!(few.movement, Movement::Unknown);
        assert!(few.psi > MOVED_FAR && few.chance > MOVED, "{few:?}");
        let empty = moved(then(), counted(&edges, []));
        assert!(empty.movement == Movement::Unknown && empty.psi.is_finite(), "{empty:?}");
    }

    #[test]
    fn missing_and_unknown_values_are_movement_too() {
        let edges = [1.0];
        let mut now = counted(&edges, (0..500).map(|i| f64::from(i % 3)));
        (0..500).for_each(|_| now.null());
        let drift = moved(counted(&edges, (0..1000).map(|i| f64::from(i % 3))), now);
        assert_eq!((drift.movement, drift.nulls), (Movement::MovedFar, (0.0, 0.5)));
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
