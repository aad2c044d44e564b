//! The metrics of a regressor, from sums over rows.

use sprag_gate::Direction::{self, Higher, Lower};

/// The names, the default first, and which values are better.
pub const METRICS: [(&str, Direction); 4] = [("mse", Lower), ("rmse", Lower), ("mae", Lower), ("r2", Higher)];

/// Sums over rows, from which all metrics follow.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    weight: f64,
    squared: f64,
    absolute: f64,
    /// Running mean of the truth, and the sum of its squared deviations: B. P. Welford, "Note on a method for calculating corrected sums of squares
    /// and products" (1962), which loses no digits where the mean is large.
    mean: f64,
    deviations: f64,
}

impl Totals {
    /// Adds a row, `weight` times.
    pub fn add(&mut self, truth: f64, prediction: f64, weight: f64) {
        let error = prediction - truth;
        self.weight += weight;
        self.squared += weight * error * error;
        self.absolute += weight * error.abs();
        let before = truth - self.mean;
        self.mean += before * weight / self.weight;
        self.deviations += weight * before * (truth - self.mean);
    }

    /// The metric of this name; none where the rows do not define it: without rows, or `r2` of a constant target.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let mse = (self.weight > 0.0).then(|| self.squared / self.weight)?;
        match name {
            "mse" => Some(mse),
            "rmse" => Some(mse.sqrt()),
            "mae" => Some(self.absolute / self.weight),
            "r2" => (self.deviations > 0.0).then(|| 1.0 - self.squared / self.deviations),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values are those of scikit-learn 1.9.1's `mean_squared_error`, `root_mean_squared_error`, `mean_absolute_error` and `r2_score`.
    #[test]
    fn scikit_learns_values() {
        let mut totals = Totals::default();
        for (truth, prediction) in [(3.0, 2.5), (-0.5, 0.0), (2.0, 2.0), (7.0, 8.0)] {
            totals.add(truth, prediction, 1.0);
        }
        for (name, expected) in [("mse", 0.375), ("rmse", 0.612_372_435_695_794_5), ("mae", 0.5), ("r2", 0.948_608_137_044_967_9)]
        {
            let found = totals.metric(name).unwrap();
            assert!((found - expected).abs() < 1e-15, "{name}: {found}");
        }
    }

    #[test]
    fn a_weight_is_a_repetition() {
        let (mut weighted, mut repeated) = (Totals::default(), Totals::default());
        weighted.add(1.0, 2.0, 2.0);
        weighted.add(5.0, 3.0, 1.0);
        for (truth, prediction) in [(1.0, 2.0), (1.0, 2.0), (5.0, 3.0)] {
            repeated.add(truth, prediction, 1.0);
        }
        for (name, _) in METRICS {
            assert!((weighted.metric(name).unwrap() - repeated.metric(name).unwrap()).abs() < 1e-15, "{name}");
        }
    }

    #[test]
    fn what_is_not_defined_is_none() {
        assert_eq!(Totals::default().metric("mse"), None);
        let mut constant = Totals::default();
        constant.add(1.0, 1.0, 1.0);
        constant.add(1.0, 2.0, 1.0);
        assert_eq!((constant.metric("r2"), constant.metric("mse")), (None, Some(0.5)));
    }
}
