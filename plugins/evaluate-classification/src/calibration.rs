//! Whether a classifier's probabilities mean what they say: of the rows that it gives 30 %, three in ten should be of the class.

use serde::Serialize;

/// How many parts the probabilities from 0 to 1 are divided into, all equally wide.
const BINS: usize = 10;

/// The reliability curves of two classes (Alexandru Niculescu-Mizil and Rich Caruana, "Predicting Good Probabilities with Supervised Learning", 2005).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The class whose probability it is.
    pub class: String,
    /// The candidate's.
    pub candidate: Vec<Bin>,
    /// Production's.
    pub production: Option<Vec<Bin>>,
}

/// The rows whose probability lies in one part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// How many rows there are. Parts without any are left out.
    pub rows: u64,
    /// The mean of their probabilities.
    pub predicted: f64,
    /// The share of them that is of the class.
    pub observed: f64,
}

/// The curve of one model: the probability of the class for each row, and whether the row is of it.
pub(crate) fn curve(scores: &[f64], positive: &[bool]) -> Vec<Bin> {
    let mut sums = [(0_u64, 0.0, 0_u64); BINS];
    for (&score, &is_positive) in scores.iter().zip(positive) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a probability times ten is a small number")]
        let bin = ((score.clamp(0.0, 1.0) * BINS as f64) as usize).min(BINS - 1);
        sums[bin].0 += 1;
        sums[bin].1 += score;
        sums[bin].2 += u64::from(is_positive);
    }
    #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than a float can count")]
    let bin = |&(rows, sum, of_class): &(u64, f64, u64)| Bin {
        rows,
        predicted: sum / rows as f64,
        observed: of_class as f64 / rows as f64,
    };
    sums.iter().filter(|(rows, ..)| *rows > 0).map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_part_are_counted_and_empty_parts_left_out() {
        let scores = [0.0, 0.05, 0.31, 0.39, 1.0];
        let curve = curve(&scores, &[false, true, false, true, true]);
        let found: Vec<_> = curve.iter().map(|bin| (bin.rows, bin.predicted, bin.observed)).collect();
        assert_eq!(found, [(2, 0.025, 0.5), (2, 0.35, 0.5), (1, 1.0, 1.0)]);
        assert!(super::curve(&[], &[]).is_empty());
    }
}
