//! How far new values lie from old ones: the population stability index and the Kolmogorov-Smirnov distance, and what chance alone makes of both.

/// The population stability index: the sum of `(new - old) ln(new / old)` over bins, each share smoothed by half a row, so that an empty bin is not infinite.
///
/// `old` and `new` are counts, bin for bin; see Bilal Yurdakul, "Statistical properties of population stability index" (2018).
pub fn psi(old: &[f64], new: &[f64]) -> f64 {
    let smoothed = |counts: &[f64]| {
        let total = counts.iter().sum::<f64>() + 0.5 * counts.len() as f64;
        counts.iter().map(|count| (count + 0.5) / total).collect::<Vec<_>>()
    };
    smoothed(old).iter().zip(smoothed(new)).map(|(old, new)| (new - old) * (new / old).ln()).sum()
}

/// The limit of [`psi`] for `bins` bins and these numbers of rows. Without drift, `psi / (1 / old + 1 / new)` is about chi-squared with `bins - 1` degrees of
/// freedom (Yurdakul, chapter 3): its mean and three standard deviations come on top of what is tolerated.
pub fn psi_limit(tolerated: f64, bins: usize, old: f64, new: f64) -> f64 {
    let freedom = bins.saturating_sub(1) as f64;
    tolerated + (freedom + 3.0 * (2.0 * freedom).sqrt()) * (1.0 / old + 1.0 / new)
}

/// The Kolmogorov-Smirnov distance: the largest difference between two cumulative shares, taken at the same points.
pub fn ks(old: &[f64], new: &[f64]) -> f64 {
    old.iter().zip(new).map(|(old, new)| (old - new).abs()).fold(0.0, f64::max)
}

/// The limit of [`ks`] for these numbers of rows: what is tolerated, or, on few rows, the distance that chance passes with the probability `alpha`, which
/// is `sqrt(-ln(alpha / 2) / 2 * (1 / old + 1 / new))` (N. V. Smirnov 1948).
pub fn ks_limit(tolerated: f64, alpha: f64, old: f64, new: f64) -> f64 {
    (-(alpha / 2.0).ln() / 2.0 * (1.0 / old + 1.0 / new)).sqrt().max(tolerated)
}

/// A histogram over the 101 percentiles of a profile, from which both measures follow.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    quantiles: Vec<f64>,
    /// Entry `k` counts the values above percentile `k - 1` and up to percentile `k`; the last, those above all.
    counts: Vec<u64>,
}

impl Histogram {
    pub(crate) fn new(quantiles: &[f64]) -> Self {
        // Each percentile takes in values a trifle above it. A column of few values, written with fewer digits than the profile's, would
        // otherwise fall on the other side of the very values it consists of.
        let spread = quantiles.last().zip(quantiles.first()).map_or(0.0, |(last, first)| last - first);
        let trifle = spread * 1e-9;
        Self { quantiles: quantiles.iter().map(|quantile| quantile + trifle).collect(), counts: vec![0; quantiles.len() + 1] }
    }

    pub(crate) fn add(&mut self, value: f64) {
        self.counts[self.quantiles.partition_point(|&quantile| quantile < value)] += 1;
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The cumulative shares of old and new values at each different percentile.
    fn cumulative(&self) -> (Vec<f64>, Vec<f64>) {
        let (total, mut sum) = (self.total() as f64, 0);
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for (at, quantile) in self.quantiles.iter().enumerate() {
            sum += self.counts[at];
            // Of equal percentiles the last tells the share of values up to there.
            if self.quantiles.get(at + 1) != Some(quantile) {
                old.push(at as f64 / 100.0);
                new.push(sum as f64 / total);
            }
        }
        (old, new)
    }

    /// The Kolmogorov-Smirnov distance between the profile and what was added.
    pub(crate) fn ks(&self) -> f64 {
        let (old, new) = self.cumulative();
        ks(&old, &new)
    }

    /// The population stability index over the profile's deciles, and the number of bins: equal deciles make one bin.
    pub(crate) fn psi(&self, old_rows: f64) -> (f64, usize) {
        let (old, new) = self.cumulative();
        let (mut bins, mut before) = ((Vec::new(), Vec::new()), (0.0, 0.0));
        let mut next = 0.1;
        for (&old, &new) in old.iter().zip(&new) {
            // A bin ends at the first percentile that reaches the next decile.
            if old >= next - 1e-9 && old < 1.0 {
                bins.0.push(old - before.0);
                bins.1.push(new - before.1);
                before = (old, new);
                next = (old * 10.0 + 1e-9).floor() / 10.0 + 0.1;
            }
        }
        bins.0.push(1.0 - before.0);
        bins.1.push(1.0 - before.1);
        let scale = |shares: &[f64], rows: f64| shares.iter().map(|share| share * rows).collect::<Vec<_>>();
        (psi(&scale(&bins.0, old_rows), &scale(&bins.1, self.total() as f64)), bins.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl Iterator<Item = f64>) -> Histogram {
        let quantiles: Vec<f64> = (0..=100).map(f64::from).collect();
        let mut histogram = Histogram::new(&quantiles);
        values.for_each(|value| histogram.add(value));
        histogram
    }

    #[test]
    fn the_same_distribution_is_no_drift() {
        let same = histogram((0..1000).map(|row| f64::from(row) / 10.0));
        let (psi, bins) = same.psi(1000.0);
        assert_eq!(bins, 10);
        assert!(psi < 1e-3 && same.ks() < 0.011, "{psi}, {}", same.ks());
    }

    #[test]
    fn a_shift_is_as_large_as_by_hand() {
        // Shifted by 30 of 100: at 30 % of the old, none of the new.
        let shifted = histogram((0..1000).map(|row| f64::from(row) / 10.0 + 30.0));
        assert!((shifted.ks() - 0.3).abs() < 0.011, "{}", shifted.ks());
        assert!(shifted.psi(1000.0).0 > 1.0);
    }

    #[test]
    fn a_column_of_two_values_has_a_bin_for_each() {
        let quantiles: Vec<f64> = (0..=100).map(|k| if k < 54 { -1.0 } else { 1.0 }).collect();
        let mut histogram = Histogram::new(&quantiles);
        (0..100).for_each(|row| histogram.add(if row < 53 { -1.0 } else { 1.0 }));
        let (psi, bins) = histogram.psi(442.0);
        assert_eq!(bins, 2);
        assert!(psi < 1e-3 && histogram.ks() < 0.011, "{psi}, {}", histogram.ks());
    }

    #[test]
    fn limits_grow_on_few_rows() {
        assert!((ks_limit(0.1, 0.001, 442.0, 442.0) - 0.131).abs() < 1e-3);
        assert_eq!(ks_limit(0.1, 0.001, 1e6, 1e6), 0.1);
        assert!((psi_limit(0.25, 10, 442.0, 30.0) - 1.0235).abs() < 1e-3);
        let by_hand = 2.0 * 10.0 / 31.0 * (20.5_f64 / 10.5).ln();
        assert!((psi(&[10.0, 20.0], &[20.0, 10.0]) - by_hand).abs() < 1e-15);
    }
}
