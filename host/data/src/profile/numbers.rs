//! Statistics of a column of numbers. Sums are compensated and taken in row order, so that the bits do not depend on anything else.

use crate::cells::Cells;

/// The finite numbers of a column and what they come to.
#[derive(Default)]
pub(super) struct Numbers {
    /// Ascending.
    pub(super) sorted: Vec<f64>,
    pub(super) mean: Option<f64>,
    pub(super) std: Option<f64>,
    pub(super) non_finite: u64,
}

impl Numbers {
    pub(super) fn of(cells: &Cells) -> Self {
        let Some(floats) = cells.floats() else { return Self::default() };
        let mut sorted: Vec<f64> = floats.iter().copied().filter(|value| value.is_finite()).collect();
        let non_finite = (floats.len() - sorted.len() - cells.null_count()) as u64;
        let count = sorted.len() as f64;
        let mean = (!sorted.is_empty()).then(|| sum(sorted.iter().copied()) / count);
        let std =
            mean.filter(|_| sorted.len() > 1).map(|mean| (sum(sorted.iter().map(|x| (x - mean).powi(2))) / (count - 1.0)).sqrt());
        sorted.sort_unstable_by(f64::total_cmp);
        // Numbers near the largest float overflow their own sum or squares.
        let finite = |value: &f64| value.is_finite();
        Self { sorted, mean: mean.filter(finite), std: std.filter(finite), non_finite }
    }

    /// The 101 percentiles, or nothing where there are no numbers.
    pub(super) fn quantiles(&self) -> Vec<f64> {
        if self.sorted.is_empty() {
            return Vec::new();
        }
        (0..=100).map(|percent| quantile(&self.sorted, f64::from(percent) / 100.0)).collect()
    }
}

/// Linear interpolation between the two nearest ranks, with the arithmetic of NumPy's `_lerp`.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = q * (sorted.len() - 1) as f64;
    let below = rank.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let (a, b, t) = (sorted[below], sorted[above], rank - rank.floor());
    // Halves first where the distance overflows.
    let distance = b - a;
    match distance.is_finite() {
        true if t < 0.5 => a + distance * t,
        true => b - distance * (1.0 - t),
        false => a * (1.0 - t) + b * t,
    }
}

/// Neumaier's compensated sum.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + lost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_keeps_what_cancels() {
        assert_eq!(sum([1.0, 1e100, 1.0, -1e100].into_iter()), 2.0);
    }

    #[test]
    fn statistics_are_those_of_numpy() {
        // NumPy 2.4: x = [3, 1, 4, 1, 5, 9, 2, 6]; x.mean(), x.std(ddof=1), np.quantile(x, [0, .01, .25, .5, .9, 1]).
        let numbers = Numbers::of(&Cells::of_floats(vec![3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0], None));
        assert_eq!(numbers.mean, Some(3.875));
        assert_eq!(numbers.std, Some(2.748_376_143_938_713));
        let quantiles = numbers.quantiles();
        assert_eq!([0, 1, 25, 50, 90, 100].map(|i| quantiles[i]), [1.0, 1.0, 1.75, 3.5, 6.899_999_999_999_999_5, 9.0]);
    }

    #[test]
    fn extremes_stay_finite() {
        let numbers = Numbers::of(&Cells::of_floats(vec![f64::MAX, f64::MIN, f64::INFINITY, f64::NAN], None));
        assert_eq!(numbers.non_finite, 2);
        assert!(numbers.quantiles().iter().all(|value| value.is_finite()));
        assert_eq!(numbers.std, None);
    }
}
