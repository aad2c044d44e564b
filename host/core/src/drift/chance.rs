//! What chance makes of the population stability index, so that it is not taken for movement, nor for its absence.
//!
//! Two samples of `m` and `n` rows from the same population have an index that is distributed as `s` times a chi-squared variable, where `s = 1/m + 1/n` and
//! the degrees of freedom are one less than the bins (Yurdakul and Naranjo, Journal of Risk Model Validation 14(4), 2020). Where the populations are apart by
//! a true index of `j`, the variable is noncentral with the parameter `j / s`, as that of any statistic which is a sum of squares to first order (Potgieter
//! and others, arXiv:2307.11878). So the index is `s * freedom + j` on average, and its variance is `2 s^2 (freedom + 2 j / s)`.
//!
//! Both hold for bins that have some rows each. Where there are fewer, the index stays below what is said here, since half a row more in each bin draws the
//! shares together: then chance is overrated, and less is said than could be.

/// How far above its mean a normal variable is once in a thousand times: so often is a column blamed for chance. A dozen columns that are looked at daily are,
/// once in some months.
const ONCE_IN_A_THOUSAND: f64 = 3.090_232;

/// And once in twenty times: so often is a column that has moved called stable.
const ONCE_IN_TWENTY: f64 = 1.644_854;

/// Chance in an index over so many bins and rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance {
    /// The sum of one over the rows of either side.
    scale: f64,
    /// One less than the bins.
    freedom: f64,
}

impl Chance {
    pub(super) fn new(bins: usize, rows_then: u64, rows_now: u64) -> Self {
        let scale = 1.0 / rows_then.max(1) as f64 + 1.0 / rows_now.max(1) as f64;
        Self { scale, freedom: bins.saturating_sub(1) as f64 }
    }

    /// What the index comes to on average where nothing has moved.
    pub(super) fn mean(self) -> f64 {
        self.scale * self.freedom
    }

    /// What it passes once in a thousand times where nothing has moved: the quantile by the cube root (Wilson and Hilferty, PNAS 17, 1931).
    pub(super) fn most(self) -> f64 {
        if self.freedom == 0.0 {
            return 0.0;
        }
        let spread = 2.0 / (9.0 * self.freedom);
        self.mean() * (1.0 - spread + ONCE_IN_A_THOUSAND * spread.sqrt()).powi(3)
    }

    /// How far below `truth` the index may be taken, less the mean, once in twenty times, where the populations are that far apart.
    pub(super) fn hides(self, truth: f64) -> f64 {
        let variance = 2.0 * self.scale * self.scale * self.freedom + 4.0 * self.scale * truth;
        ONCE_IN_TWENTY * variance.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_that_of_the_table() {
        // scipy.stats.chi2.ppf(0.999, k): 10.828 (k = 1), 16.266 (3), 27.877 (9), 31.264 (11), 149.449 (100).
        for (freedom, expected) in [(1, 10.828), (3, 16.266), (9, 27.877), (11, 31.264), (100, 149.449)] {
            let found = Chance::new(freedom + 1, 2, 2).most();
            assert!((found / expected - 1.0).abs() < 0.035, "{freedom}: {found}");
        }
        let none = Chance::new(1, 10, 10);
        assert_eq!((none.mean(), none.most()), (0.0, 0.0), "one bin alone is the same on either side");
    }

    #[test]
    fn more_rows_leave_less_to_chance() {
        let of = |rows| Chance::new(11, 150, rows);
        assert!((of(1_000_000_000).mean() - 10.0 / 150.0).abs() < 1e-6, "the training rows alone leave this much");
        assert!(of(100).mean() > of(1000).mean() && of(100).most() > of(1000).most() && of(100).hides(0.2) > of(1000).hides(0.2));
        // By hand: 1.644854 * sqrt(2 * 0.02^2 * 10 + 4 * 0.02 * 0.2).
        assert!((Chance::new(11, 100, 100).hides(0.2) - 0.254_820).abs() < 1e-5, "{}", Chance::new(11, 100, 100).hides(0.2));
    }
}
