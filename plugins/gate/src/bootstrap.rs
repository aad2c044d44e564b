//! How sure a difference between two models is.

use crate::{Bootstrap, Interval, Random};

/// The percentile interval of a paired bootstrap (Bradley Efron and Robert Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
///
/// `difference` gets how often each of the `rows` rows was drawn, and gives the deciding metric of the candidate less that of production on that draw; a draw
/// on which it is not finite (no row of a class, say) does not count. None where no draw counts.
pub fn interval(rows: usize, bootstrap: &Bootstrap, seed: u64, mut difference: impl FnMut(&[u32]) -> f64) -> Option<Interval> {
    if rows == 0 {
        return None;
    }
    let (mut random, mut counts) = (Random::new(seed), vec![0_u32; rows]);
    let mut differences = Vec::with_capacity(bootstrap.resamples as usize);
    for _ in 0..bootstrap.resamples {
        counts.fill(0);
        for _ in 0..rows {
            counts[random.below(rows as u64) as usize] += 1;
        }
        let drawn = difference(&counts);
        if drawn.is_finite() {
            differences.push(drawn);
        }
    }
    differences.sort_by(f64::total_cmp);
    let last = differences.len().checked_sub(1)? as f64;
    let tail = (1.0 - bootstrap.confidence) / 2.0;
    let at = |share: f64| differences[(share * last).round() as usize];
    Some(Interval {
        low: at(tail),
        high: at(1.0 - tail),
        confidence: bootstrap.confidence,
        resamples: differences.len() as u32,
        rows: rows as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_what_theory_says() {
        // The mean of 400 values of variance 1: the interval is about 2 x 1.96 / 20 wide.
        let values: Vec<f64> = (0..400).map(|row| if row % 2 == 0 { 4.0 } else { 2.0 }).collect();
        let mean = |counts: &[u32]| counts.iter().zip(&values).map(|(&n, value)| f64::from(n) * value).sum::<f64>() / 400.0;
        let found = interval(400, &Bootstrap::default(), 7, mean).unwrap();
        assert!((found.low - 2.902).abs() < 0.02 && (found.high - 3.098).abs() < 0.02, "{found:?}");
        assert_eq!(interval(400, &Bootstrap::default(), 7, mean), Some(found), "the seed is the only chance");
    }

    #[test]
    fn without_rows_or_draws_there_is_none() {
        let none = Bootstrap { resamples: 0, ..Bootstrap::default() };
        assert_eq!(interval(0, &Bootstrap::default(), 0, |_| 0.0), None);
        assert_eq!(interval(3, &none, 0, |_| 0.0), None);
        assert_eq!(interval(3, &Bootstrap::default(), 0, |_| f64::NAN), None);
    }
}
