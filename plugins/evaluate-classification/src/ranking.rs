//! The area under the receiver operating characteristic.

/// The probability that a row of the positive class scores higher than one of the other, ties counting half: the statistic of Mann and Whitney (1947).
///
/// `order` lists the rows by ascending score, and row `i` counts `weight(i)` times. None where a class has no row.
pub fn roc_auc(order: &[usize], scores: &[f64], positive: &[bool], weight: impl Fn(usize) -> f64) -> Option<f64> {
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let (mut hits, mut misses) = (0.0, 0.0);
        for &row in tied {
            *if positive[row] { &mut hits } else { &mut misses } += weight(row);
        }
        wins += hits * (below + misses / 2.0);
        below += misses;
        positives += hits;
    }
    (below > 0.0 && positives > 0.0).then(|| wins / (below * positives))
}

/// The rows by ascending score.
pub(crate) fn order(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<_> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scores: &[f64], positive: &[bool], expected: Option<f64>) {
        assert_eq!(roc_auc(&order(scores), scores, positive, |_| 1.0), expected, "{scores:?}");
    }

    /// The first is the example of scikit-learn's `roc_auc_score`; the others are by hand.
    #[test]
    fn ranks_and_ties() {
        check(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true], Some(0.75));
        check(&[0.5, 0.5, 0.5], &[false, true, true], Some(0.5));
        check(&[0.2, 0.5, 0.5, 0.9], &[false, true, false, true], Some(0.875));
        check(&[0.2, 0.5], &[true, true], None);
        check(&[], &[], None);
    }

    #[test]
    fn a_weight_is_a_repetition() {
        let (scores, positive) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
        let weighted = roc_auc(&order(&scores), &scores, &positive, |row| if row == 1 { 2.0 } else { 1.0 });
        let repeated = [0.1, 0.4, 0.4, 0.35, 0.8];
        check(&repeated, &[false, false, false, true, true], weighted);
    }
}
