//! The metrics of a classifier, from its confusion matrix and the sum of its log losses.

use sprag_gate::Direction::{self, Higher, Lower};

/// The names, the default first, and which values are better.
pub const METRICS: [(&str, Direction); 5] =
    [("log_loss", Lower), ("accuracy", Higher), ("balanced_accuracy", Higher), ("f1", Higher), (ROC_AUC, Higher)];

/// The one metric that needs all rows at once.
pub(crate) const ROC_AUC: &str = "roc_auc";

/// Sums over rows, from which all metrics but `roc_auc` follow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Row `truth`, column `predicted`; both grow as classes turn up.
    confusion: Vec<Vec<f64>>,
    log_loss: f64,
    without_probability: bool,
}

impl Totals {
    /// Adds a row, `weight` times. `loss` is the row's log loss; none where the model gives no probabilities.
    pub fn add(&mut self, truth: usize, predicted: usize, loss: Option<f64>, weight: f64) {
        let size = self.confusion.len().max(truth + 1).max(predicted + 1);
        if size > self.confusion.len() {
            self.confusion.resize_with(size, Vec::new);
            self.confusion.iter_mut().for_each(|row| row.resize(size, 0.0));
        }
        self.confusion[truth][predicted] += weight;
        match loss {
            Some(loss) => self.log_loss += weight * loss,
            None => self.without_probability = true,
        }
    }

    /// How many rows of class `truth` were predicted as class `predicted`.
    pub fn count(&self, truth: usize, predicted: usize) -> f64 {
        self.confusion.get(truth).and_then(|row| row.get(predicted)).copied().unwrap_or(0.0)
    }

    /// The metric of this name; none where the rows do not define it, or it is not one of sums.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let truths: Vec<f64> = self.confusion.iter().map(|row| row.iter().sum()).collect();
        let total: f64 = truths.iter().sum();
        if total <= 0.0 {
            return None;
        }
        let hits = |class: usize| self.confusion[class][class];
        match name {
            "log_loss" => (!self.without_probability).then_some(self.log_loss / total),
            "accuracy" => Some((0..truths.len()).map(hits).sum::<f64>() / total),
            "balanced_accuracy" => {
                mean(truths.iter().enumerate().filter(|(_, rows)| **rows > 0.0).map(|(class, rows)| hits(class) / rows))
            }
            "f1" => mean(truths.iter().enumerate().filter_map(|(class, rows)| {
                let either = rows + self.confusion.iter().map(|row| row[class]).sum::<f64>();
                (either > 0.0).then(|| 2.0 * hits(class) / either)
            })),
            _ => None,
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    (count > 0.0).then_some(sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values are those of scikit-learn 1.9.1's `accuracy_score`, `balanced_accuracy_score` and `f1_score(average="macro")`.
    #[test]
    fn scikit_learns_values() {
        let mut totals = Totals::default();
        for (truth, predicted) in [(0, 0), (1, 2), (2, 1), (0, 0), (1, 0), (2, 1), (2, 2), (0, 3)] {
            totals.add(truth, predicted, Some(0.5), 1.0);
        }
        let expected = [
            ("accuracy", 0.375),
            ("balanced_accuracy", 1.0 / 3.0),
            ("f1", (2.0 / 3.0 + 0.0 + 0.4 + 0.0) / 4.0),
            ("log_loss", 0.5),
        ];
        for (name, expected) in expected {
            let found = totals.metric(name).unwrap();
            assert!((found - expected).abs() < 1e-15, "{name}: {found}");
        }
        assert_eq!((totals.count(2, 1), totals.count(9, 9)), (2.0, 0.0));
    }

    #[test]
    fn what_is_not_defined_is_none() {
        assert_eq!(Totals::default().metric("accuracy"), None);
        let mut totals = Totals::default();
        totals.add(0, 0, None, 1.0);
        assert_eq!((totals.metric("log_loss"), totals.metric("accuracy"), totals.metric("roc_auc")), (None, Some(1.0), None));
    }
}
