//! What one variant did in one step: how often it failed, how long it took, what it predicted.

use std::collections::BTreeMap;
use std::time::Duration;

/// Parts of each doubling of time: a quantile is known to a twentieth.
const PARTS: usize = 16;

/// Doublings from a microsecond on: the last part is for all that takes longer than a quarter of an hour.
const DOUBLINGS: usize = 30;

/// Numbers that are kept of all that were predicted.
const SAMPLE: usize = 1024;

/// Kinds of labels that are told apart; more are counted as one.
const LABELS: usize = 100;

/// What one variant did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    answered: u64,
    failed: u64,
    times: Times,
    pub(crate) numbers: Numbers,
    pub(crate) labels: Labels,
}

impl Tally {
    /// Counts a request that was answered.
    pub fn answered(&mut self, time: Duration) {
        self.answered += 1;
        self.times.count(time);
    }

    /// Counts a request that the variant failed.
    pub fn failed(&mut self) {
        self.failed += 1;
    }

    /// Counts a prediction that is a number.
    pub fn number(&mut self, value: f64) {
        self.numbers.add(value);
    }

    /// Counts a prediction that is a label.
    pub fn label(&mut self, value: &str) {
        self.labels.add(value);
    }

    /// How many requests it had.
    pub fn requests(&self) -> u64 {
        self.answered + self.failed
    }

    /// How many of them it failed.
    pub fn failures(&self) -> u64 {
        self.failed
    }

    /// The time within which this share of the answers was there; none where there was no answer.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        self.times.quantile(share)
    }
}

/// Times, counted in parts of each doubling.
#[derive(Debug, Clone, Default, PartialEq)]
struct Times {
    counts: Vec<u64>,
    all: u64,
}

impl Times {
    fn count(&mut self, time: Duration) {
        let micros = (time.as_secs_f64() * 1e6).max(1.0);
        let part = (micros.log2() * PARTS as f64) as usize;
        self.counts.resize(PARTS * DOUBLINGS, 0);
        self.counts[part.min(PARTS * DOUBLINGS - 1)] += 1;
        self.all += 1;
    }

    fn quantile(&self, share: f64) -> Option<Duration> {
        let rank = ((share * self.all as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let part = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_secs_f64(((part + 1) as f64 / PARTS as f64).exp2() * 1e-6))
    }
}

/// Numbers: their mean and variance by Welford's method (Technometrics 4, 1962), and a fair sample of them by Vitter's algorithm R (ACM Transactions on
/// Mathematical Software 11, 1985). Its chance is always the same, so that the same numbers give the same sample.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    squares: f64,
    pub(crate) sample: Vec<f64>,
}

impl Numbers {
    fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
        if self.sample.len() < SAMPLE {
            self.sample.push(value);
        } else {
            let place = (u128::from(mixed(self.count)) * u128::from(self.count)) >> 64;
            if let Some(kept) = usize::try_from(place).ok().and_then(|place| self.sample.get_mut(place)) {
                *kept = value;
            }
        }
    }

    /// The variance of what they were drawn from.
    pub(crate) fn variance(&self) -> f64 {
        if self.count < 2 { 0.0 } else { self.squares / (self.count - 1) as f64 }
    }
}

/// A number that looks like chance: the finaliser of SplitMix64.
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Labels and how often each was predicted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Labels {
    pub(crate) count: u64,
    pub(crate) known: BTreeMap<String, u64>,
}

impl Labels {
    fn add(&mut self, value: &str) {
        self.count += 1;
        if let Some(count) = self.known.get_mut(value) {
            *count += 1;
        } else if self.known.len() < LABELS {
            self.known.insert(value.to_owned(), 1);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_known_to_a_twentieth() {
        let mut tally = Tally::default();
        assert_eq!(tally.quantile(0.5), None);
        for millis in 1..=1000 {
            tally.answered(Duration::from_millis(millis));
        }
        for (share, expected) in [(0.5, 0.5), (0.99, 0.99), (1.0, 1.0), (0.0, 0.001)] {
            let found = tally.quantile(share).unwrap().as_secs_f64();
            assert!((expected..=expected * 1.05).contains(&found), "{share}: {found}");
        }
        tally.answered(Duration::MAX);
        tally.answered(Duration::ZERO);
        assert!(tally.quantile(1.0).unwrap() > Duration::from_secs(900));
    }

    #[test]
    fn numbers_have_their_mean_and_variance_and_a_fair_sample() {
        let mut numbers = Numbers::default();
        (0..100_000).for_each(|value| numbers.add(f64::from(value)));
        numbers.add(f64::NAN);
        assert_eq!((numbers.count, numbers.sample.len()), (100_000, SAMPLE));
        // Of the numbers 0 to n - 1: the mean is (n - 1) / 2 and the variance n (n + 1) / 12.
        assert!((numbers.mean - 49_999.5).abs() < 1e-6, "{}", numbers.mean);
        assert!((numbers.variance() / (100_000.0 * 100_001.0 / 12.0) - 1.0).abs() < 1e-9, "{}", numbers.variance());
        let below = |bound: f64| numbers.sample.iter().filter(|value| **value < bound).count() as f64 / SAMPLE as f64;
        for share in [0.1, 0.5, 0.9] {
            let found = below(share * 1e5);
            assert!((found - share).abs() < 0.05, "{share}: {found}");
        }
        let mut one = Numbers::default();
        one.add(3.0);
        assert_eq!(one.variance(), 0.0);
    }

    #[test]
    fn labels_without_end_take_no_memory_without_end() {
        let mut labels = Labels::default();
        (0..10_000).for_each(|value| labels.add(&value.to_string()));
        labels.add("0");
        assert_eq!((labels.count, labels.known.len(), labels.known["0"]), (10_001, LABELS, 2));
    }
}
