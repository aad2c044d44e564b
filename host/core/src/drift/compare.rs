//! Two sketches of the same bins, held against each other.

use serde::{Deserialize, Serialize};

use super::chance::Chance;
use super::{Bins, ColumnSketch, OtherBins, Sketch};

/// Below this a column has not moved, by the population stability index and the custom of those who use it (Siddiqi, Credit Risk Scorecards, 2006).
pub const MOVED: f64 = 0.1;

/// From this on it has moved far.
pub const MOVED_FAR: f64 = 0.25;

/// The least share of a bin, so that one bin that is empty among very many rows is not all that counts.
const LEAST: f64 = 1e-4;

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
    /// Too few rows were counted to tell movement from chance.
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
    /// The population stability index: the sum over all bins of (share now - share then) * ln(share now / share then), of shares with half a row added to
    /// each bin.
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

/// From which index on, less what chance comes to, a column has moved, and moved far.
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
    let share = |count: u64, rows: u64| count as f64 / rows.max(1) as f64;
    let all = pairs(then, now, 0);
    let shares: Vec<_> = all.iter().map(|(then, now)| (share(*then, rows_then), share(*now, rows))).collect();
    // Which kinds are so rare that a sample shows them once is itself chance, and a sample of another size has others: they stand with those that it does not
    // show at all (Good, Biometrika 40, 1953).
    let pooled = pairs(then, now, 1);
    let psi = psi(&softened(&pooled));
    let chance = Chance::new(pooled.len(), rows_then, rows);
    let movement = if rows == 0 || rows_then == 0 { Movement::Unknown } else { movement(psi, chance, thresholds) };
    ColumnDrift {
        column: name.to_owned(),
        role,
        psi,
        chance: chance.mean(),
        jensen_shannon: jensen_shannon(&shares),
        nulls: (share(then.nulls, rows_then), share(now.nulls, rows)),
        other: (share(then.other, rows_then), share(now.other, rows)),
        rows,
        movement,
    }
}

/// What an index comes to. Few rows leave room for two mistakes, and each has its own bound: one is not called moved unless chance makes such an index once in
/// a thousand times at most, and not called stable unless twice the movement that matters would have shown.
fn movement(psi: f64, chance: Chance, thresholds: Thresholds) -> Movement {
    let twice = 2.0 * thresholds.moved;
    match psi - chance.mean() {
        // An index below what chance makes on average says no more than one that is just that.
        index if index < thresholds.moved && index.max(0.0) + chance.hides(twice) < twice => Movement::Stable,
        index if index < thresholds.moved || psi <= chance.most() => Movement::Unknown,
        index if index < thresholds.far => Movement::Moved,
        _ => Movement::MovedFar,
    }
}

/// The counts of all bins, then and now; those of other values and of nulls after them. A bin that neither has seen says nothing, and counts for nothing. Kinds
/// that were counted `rare` times then, or less often, are other values.
fn pairs(then: &ColumnSketch, now: &ColumnSketch, rare: u64) -> Vec<(u64, u64)> {
    let has_kinds = matches!(then.bins, Bins::Values(_));
    let bins = then.counts.iter().copied().zip(now.counts.iter().copied());
    let (rare, frequent): (Vec<_>, Vec<_>) = bins.partition(|(then, _)| has_kinds && *then <= rare);
    let other = rare.into_iter().fold((then.other, now.other), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    frequent.into_iter().chain([other, (then.nulls, now.nulls)]).filter(|(then, now)| then + now > 0).collect()
}

/// Shares with half a row added to each bin (Haldane, Annals of Human Genetics 20, 1956; Anscombe, Biometrika 43, 1956): the logarithm of a share has the least
/// bias then, and an empty bin among few rows is not taken for one that is always empty.
fn softened(pairs: &[(u64, u64)]) -> Vec<(f64, f64)> {
    let more = pairs.len() as f64 / 2.0;
    let (then, now) = pairs.iter().fold((more, more), |sum, pair| (sum.0 + pair.0 as f64, sum.1 + pair.1 as f64));
    let share = |count: u64, rows: f64| ((count as f64 + 0.5) / rows).max(LEAST);
    pairs.iter().map(|pair| (share(pair.0, then), share(pair.1, now))).collect()
}

fn psi(shares: &[(f64, f64)]) -> f64 {
    shares.iter().map(|(then, now)| (now - then) * (now / then).ln()).sum()
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
mod tests;
