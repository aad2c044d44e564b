//! Shares of requests as numbers of pods: a Service gives each of its pods the same share.

use sprag_sdk::Failure;
use sprag_sdk::stage::deploy::Weight;

use crate::params::Split;

/// How many pods each release has, so that the pods' shares are the asked ones to within the tolerance: as few in all as that takes, and no fewer than `least`.
///
/// # Errors
///
/// No number of pods up to the most is close enough: says what the closest is.
pub(crate) fn pods(weights: &[Weight], least: u32, split: Split) -> Result<Vec<u32>, Failure> {
    let positive = weights.iter().filter(|weight| weight.percent > 0).count();
    let least = least.max(u32::try_from(positive).unwrap_or(u32::MAX));
    let most = split.pods.max(least);
    let mut closest: Option<(f64, Vec<u32>)> = None;
    for total in least..=most {
        let counts = divide(weights, total);
        let off = error(weights, &counts);
        if off <= f64::from(split.tolerance) + 1e-9 {
            return Ok(counts);
        }
        if closest.as_ref().is_none_or(|(best, _)| off < *best) {
            closest = Some((off, counts));
        }
    }
    let asked = listed(weights.iter().map(|weight| weight.percent));
    let found = closest.map_or_else(|| "none".to_owned(), |(_, counts)| listed(shares(&counts)));
    Err(Failure::bad_params(format!(
        "expected shares that at most {most} pods give to within {} points, found {asked}, to which the closest is {found}: raise `split.pods` or \
         `split.tolerance`, or name a `gateway`, which divides requests exactly",
        split.tolerance
    )))
}

/// The shares of the requests that pods get, in percent; they add up to 100.
pub(crate) fn shares(counts: &[u32]) -> Vec<u32> {
    let total: u64 = counts.iter().copied().map(u64::from).sum();
    if total == 0 {
        return vec![0; counts.len()];
    }
    largest_remainders(&counts.iter().copied().map(u64::from).collect::<Vec<_>>(), 100)
}

/// Divides `total` pods by weights: at least one for each that has any.
fn divide(weights: &[Weight], total: u32) -> Vec<u32> {
    let percents: Vec<_> = weights.iter().map(|weight| u64::from(weight.percent)).collect();
    let mut counts = largest_remainders(&percents, total);
    while let Some(poor) = (0..counts.len()).find(|&at| counts[at] == 0 && percents[at] > 0) {
        let Some(rich) = (0..counts.len()).filter(|&at| counts[at] > 1).max_by_key(|&at| counts[at]) else { break };
        counts[rich] -= 1;
        counts[poor] += 1;
    }
    counts
}

/// Divides `total` in proportion: what is left over goes to the largest remainders.
fn largest_remainders(parts: &[u64], total: u32) -> Vec<u32> {
    let sum: u64 = parts.iter().sum::<u64>().max(1);
    let exact: Vec<_> = parts.iter().map(|part| part * u64::from(total)).collect();
    let mut counts: Vec<_> = exact.iter().map(|part| u32::try_from(part / sum).unwrap_or(u32::MAX)).collect();
    let mut left = total.saturating_sub(counts.iter().sum());
    let mut order: Vec<_> = (0..parts.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(exact[at] % sum), at));
    for at in order {
        if left == 0 {
            break;
        }
        counts[at] += 1;
        left -= 1;
    }
    counts
}

fn error(weights: &[Weight], counts: &[u32]) -> f64 {
    let total: u32 = counts.iter().sum::<u32>().max(1);
    let off = weights
        .iter()
        .zip(counts)
        .map(|(weight, count)| (f64::from(*count) * 100.0 / f64::from(total) - f64::from(weight.percent)).abs());
    off.fold(0.0, f64::max)
}

fn listed(percents: impl IntoIterator<Item = u32>) -> String {
    percents.into_iter().map(|percent| format!("{percent} %")).collect::<Vec<_>>().join(" + ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(percents: &[u32]) -> Vec<Weight> {
        percents.iter().map(|percent| Weight { package: percent.to_string(), percent: *percent }).collect()
    }

    #[test]
    fn as_few_pods_as_the_shares_take() {
        let check = |percents: &[u32], least, counts: &[u32]| {
            assert_eq!(pods(&weights(percents), least, Split::default()).unwrap(), counts, "{percents:?} from {least}");
        };
        check(&[50, 50], 1, &[1, 1]);
        check(&[90, 10], 1, &[9, 1]);
        check(&[10, 90], 3, &[1, 9]);
        check(&[95, 5], 1, &[16, 1]);
        check(&[75, 25], 6, &[6, 2]);
        check(&[50, 50], 3, &[2, 2]);
        check(&[34, 33, 33], 1, &[1, 1, 1]);
        check(&[100, 0], 2, &[2, 0]);
    }

    #[test]
    fn a_share_that_pods_cannot_give_is_refused_with_the_closest() {
        let failure = pods(&weights(&[99, 1]), 1, Split::default()).unwrap_err();
        assert_eq!(
            failure.message(),
            "expected shares that at most 20 pods give to within 1 points, found 99 % + 1 %, to which the closest is 95 % + 5 %: raise `split.pods` or \
             `split.tolerance`, or name a `gateway`, which divides requests exactly"
        );
        assert_eq!(pods(&weights(&[99, 1]), 1, Split { pods: 100, tolerance: 0 }).unwrap(), [99, 1]);
        assert_eq!(pods(&weights(&[99, 1]), 1, Split { pods: 10, tolerance: 10 }).unwrap(), [9, 1]);
    }

    #[test]
    fn what_runs_already_is_not_fewer_than_before() {
        // More pods run than the split may have: they stay.
        assert_eq!(pods(&weights(&[50, 50]), 30, Split::default()).unwrap(), [15, 15]);
    }

    #[test]
    fn shares_add_up_to_a_hundred() {
        assert_eq!(shares(&[9, 1]), [90, 10]);
        assert_eq!(shares(&[1, 1, 1]), [34, 33, 33]);
        assert_eq!(shares(&[0, 0]), [0, 0]);
        assert_eq!(shares(&[2, 0]), [100, 0]);
    }
}
