//! The loss, its gradient and its second derivatives, from one walk over the data.
//!
//! Two classes have one row of weights, that of the second; more have one each. A row of weights holds one for each feature and, last, the intercept; all are
//! those of the standardised features, `(x - mean) / scale`.

use sprag_linalg::Gram;
use sprag_sdk::{Failure, Source, batch_rows, matrix_batches};

use crate::Classes;

/// The data, and how its features are standardised.
pub(crate) struct Problem<'a, S> {
    pub(crate) source: &'a S,
    pub(crate) features: Vec<String>,
    pub(crate) target: [String; 1],
    pub(crate) classes: Classes,
    pub(crate) rows: f64,
    pub(crate) means: Vec<f64>,
    pub(crate) scales: Vec<f64>,
    /// The penalty's strength: `1 / c`.
    pub(crate) penalty: f64,
}

/// What one walk sums up, at some weights.
pub(crate) struct Sums {
    /// The log loss over all rows, without the penalty.
    pub(crate) log_loss: f64,
    /// With the penalty.
    pub(crate) loss: f64,
    pub(crate) correct: u64,
    pub(crate) gradient: Vec<f64>,
    pub(crate) hessian: Vec<f64>,
}

impl<S: Source> Problem<'_, S> {
    /// How many rows of weights there are.
    pub(crate) fn outputs(&self) -> usize {
        if self.classes.labels().len() == 2 { 1 } else { self.classes.labels().len() }
    }

    /// How many weights there are in a row.
    pub(crate) fn width(&self) -> usize {
        self.features.len() + 1
    }

    /// Walks the data with these weights.
    pub(crate) fn sums(&self, weights: &[f64]) -> Result<Sums, Failure> {
        let (width, outputs) = (self.width(), self.outputs());
        let shift: Vec<_> = self.means.iter().copied().chain([0.0]).collect();
        // Gradient and Gram matrices are summed over the features as they are, less their means, and scaled at the end.
        let mut gradient = vec![0.0; width * outputs];
        let mut grams = vec![Gram::new(width); outputs * (outputs + 1) / 2];
        let (mut log_loss, mut correct) = (0.0, 0);
        let rows = batch_rows(width + 3 * outputs);
        for (batch, truth) in matrix_batches(self.source, &self.features, rows)?.zip(self.source.batches(&self.target, rows)?) {
            let (mut batch, truth) = (batch?, self.classes.indices(&truth?[0]));
            batch.push(vec![1.0; truth.len()]);
            let mut scores: Vec<Vec<f64>> = weights.chunks_exact(width).map(|weights| self.scores(weights, &batch)).collect();
            let (loss, hits) = to_probabilities(&mut scores, &truth);
            log_loss += loss;
            correct += hits;
            self.add_hessian(&mut grams, &batch, &scores, &shift);
            for (output, probabilities) in scores.iter_mut().enumerate() {
                let class = if outputs == 1 { 1 } else { output };
                for (probability, &truth) in probabilities.iter_mut().zip(&truth) {
                    *probability -= f64::from(truth == class);
                }
                for ((sum, column), shift) in gradient[output * width..].iter_mut().zip(&batch).zip(&shift) {
                    *sum += column.iter().zip(&*probabilities).map(|(value, error)| (value - shift) * error).sum::<f64>();
                }
            }
        }
        let mut sums = Sums { log_loss, loss: log_loss, correct, gradient, hessian: self.hessian(&grams) };
        self.scale_and_penalise(&mut sums, weights);
        Ok(sums)
    }

    fn scores(&self, weights: &[f64], batch: &[Vec<f64>]) -> Vec<f64> {
        let intercept = weights.last().copied().unwrap_or_default();
        let mut scores = vec![intercept; batch.last().map_or(0, Vec::len)];
        for (((column, weight), mean), scale) in batch.iter().zip(weights).zip(&self.means).zip(&self.scales) {
            let weight = weight / scale;
            for (score, value) in scores.iter_mut().zip(column) {
                *score += weight * (value - mean);
            }
        }
        scores
    }

    /// Adds `sum w x x'` for each pair of outputs, with `w = p (1 - p)` on the diagonal and `p q` (to be taken away) beside it.
    fn add_hessian(&self, grams: &mut [Gram], batch: &[Vec<f64>], probabilities: &[Vec<f64>], shift: &[f64]) {
        let mut grams = grams.iter_mut();
        for (at, left) in probabilities.iter().enumerate() {
            for ((right, gram), diagonal) in probabilities[at..].iter().zip(grams.by_ref()).zip((0..).map(|beside| beside == 0)) {
                let root = |(p, q): (&f64, &f64)| (p * if diagonal { 1.0 - p } else { *q }).max(0.0).sqrt();
                let roots: Vec<_> = left.iter().zip(right).map(root).collect();
                gram.add(batch, shift, Some(&roots));
            }
        }
    }

    fn hessian(&self, grams: &[Gram]) -> Vec<f64> {
        let (width, outputs) = (self.width(), self.outputs());
        let n = width * outputs;
        let mut hessian = vec![0.0; n * n];
        let mut grams = grams.iter();
        for left in 0..outputs {
            for (right, gram) in (left..outputs).zip(grams.by_ref()) {
                let sign = if left == right { 1.0 } else { -1.0 };
                for (i, row) in gram.finish().chunks_exact(width).enumerate() {
                    for (j, value) in row.iter().enumerate() {
                        hessian[(left * width + i) * n + right * width + j] = sign * value;
                        hessian[(right * width + j) * n + left * width + i] = sign * value;
                    }
                }
            }
        }
        hessian
    }

    fn scale_and_penalise(&self, sums: &mut Sums, weights: &[f64]) {
        let (width, outputs) = (self.width(), self.outputs());
        let n = width * outputs;
        let scale = |at: usize| self.scales.get(at % width).copied().unwrap_or(1.0);
        for row in 0..n {
            sums.gradient[row] /= scale(row);
            for column in 0..n {
                sums.hessian[row * n + column] /= scale(row) * scale(column);
            }
        }
        let intercepts: f64 = weights.iter().skip(width - 1).step_by(width).sum();
        for (row, &weight) in weights.iter().enumerate() {
            if row % width < width - 1 {
                sums.loss += 0.5 * self.penalty * weight * weight;
                sums.gradient[row] += self.penalty * weight;
                sums.hessian[row * n + row] += self.penalty;
            } else if outputs > 1 {
                // Adding the same to all intercepts changes no probability. Holding their sum at 0 makes the weights unique.
                sums.gradient[row] += intercepts;
                for other in (width - 1..n).step_by(width) {
                    sums.hessian[row * n + other] += 1.0;
                }
            }
        }
    }
}

/// Turns scores into the probabilities of their classes; gives the log loss and how many rows have their own class as the likeliest.
fn to_probabilities(scores: &mut [Vec<f64>], truth: &[usize]) -> (f64, u64) {
    let (mut loss, mut correct) = (0.0, 0);
    if let [scores] = scores {
        for (score, &truth) in scores.iter_mut().zip(truth) {
            let towards = if truth == 1 { *score } else { -*score };
            // ln(1 + exp(-towards)), without overflow.
            loss += (-towards).max(0.0) + (-towards.abs()).exp().ln_1p();
            correct += u64::from((*score > 0.0) == (truth == 1));
            *score = if *score >= 0.0 { 1.0 / (1.0 + (-*score).exp()) } else { score.exp() / (1.0 + score.exp()) };
        }
        return (loss, correct);
    }
    for (row, &truth) in truth.iter().enumerate() {
        let largest = scores.iter().map(|scores| scores[row]).fold(f64::NEG_INFINITY, f64::max);
        let likeliest = scores.iter().position(|scores| scores[row] == largest);
        correct += u64::from(likeliest == Some(truth));
        let total: f64 = scores.iter().map(|scores| (scores[row] - largest).exp()).sum();
        loss += total.ln() + largest - scores[truth][row];
        for scores in &mut *scores {
            scores[row] = (scores[row] - largest).exp() / total;
        }
    }
    (loss, correct)
}

#[cfg(test)]
mod tests {
    use sprag_sdk::{Column, Dtype, Frame};

    use super::*;

    /// Gradient and second derivatives agree with differences of the loss.
    #[test]
    fn derivatives_are_those_of_the_loss() {
        for labels in [["a", "b", "a", "b", "b", "a"], ["a", "b", "c", "b", "c", "a"]] {
            let x = Column::floats(vec![1.0, 2.0, 4.0, 3.0, 0.5, -1.0]);
            let z = Column::floats(vec![10.0, 30.0, 20.0, 30.0, 50.0, 0.0]);
            let frame = Frame::new([("x", x), ("z", z), ("y", Column::texts(labels))]).with_target("y");
            let mut classes = Classes::new("y", Dtype::Text).unwrap();
            classes.learn("y", frame.column("y").unwrap(), 0).unwrap();
            classes.settle("y").unwrap();
            let problem = Problem {
                source: &frame,
                features: vec!["x".into(), "z".into()],
                target: ["y".into()],
                classes,
                rows: 6.0,
                means: vec![1.5, 20.0],
                scales: vec![2.0, 15.0],
                penalty: 0.7,
            };
            let n = problem.width() * problem.outputs();
            let weights: Vec<f64> = (0..n).map(|at| 0.3 * (at as f64 + 1.0).sin()).collect();
            // The term that holds the intercepts' sum is no part of the loss.
            let intercepts = |w: &[f64]| if problem.outputs() > 1 { w.iter().skip(2).step_by(3).sum::<f64>() } else { 0.0 };
            let loss = |w: &[f64]| problem.sums(w).unwrap().loss + 0.5 * intercepts(w).powi(2);
            let sums = problem.sums(&weights).unwrap();
            for at in 0..n {
                let step = 1e-5;
                let (mut up, mut down) = (weights.clone(), weights.clone());
                up[at] += step;
                down[at] -= step;
                let slope = (loss(&up) - loss(&down)) / (2.0 * step);
                assert!((slope - sums.gradient[at]).abs() < 1e-8, "gradient at {at}: {slope} for {}", sums.gradient[at]);
                let (up, down) = (problem.sums(&up).unwrap().gradient, problem.sums(&down).unwrap().gradient);
                for (beside, (up, down)) in up.iter().zip(down).enumerate() {
                    let (curve, found) = ((up - down) / (2.0 * step), sums.hessian[at * n + beside]);
                    assert!((curve - found).abs() < 1e-8, "hessian at {at}, {beside}: {curve} for {found}");
                }
            }
        }
    }
}
