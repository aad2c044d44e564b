//! From the hold-out and the predictions to the evidence, in one walk.

use serde::Serialize;
use sprag_evaluation::{Contest, Preview, Slices};
use sprag_gate::{Evidence, Metric, Reservoir, Rule, interval};
use sprag_sdk::{Column, Failure};

use crate::calibration::{Calibration, curve};
use crate::{
    METRICS, Totals,
    labels::Labels,
    metrics::ROC_AUC,
    ranking::{order, roc_auc},
    rows::Outputs,
};

/// Confusion matrices: a row for each true class, a column for each predicted one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confusion {
    /// The classes, in the order of rows and columns.
    pub labels: Vec<String>,
    /// The candidate's counts.
    pub candidate: Vec<Vec<f64>>,
    /// Production's.
    pub production: Option<Vec<Vec<f64>>>,
    /// What the probabilities of two classes are worth; none for more classes, and for models without probabilities.
    pub calibration: Option<Calibration>,
}

/// Measures both models on every row. `production` is the name of the model in production, `seed` the source of the bootstrap's chance.
///
/// # Errors
///
/// [`Failure::BadInput`] where a class is missing or a probability is none, [`Failure::BadParams`] where the rule slices by a column with too many values, or
/// by `roc_auc`.
pub fn measure(
    contest: Contest<'_>,
    production: Option<String>,
    rule: &Rule,
    seed: u64,
    preview: &mut Preview,
) -> Result<(Evidence, Confusion), Failure> {
    let deciding = rule.metric.as_deref().unwrap_or(METRICS[0].0);
    if deciding == ROC_AUC && !rule.slices.is_empty() {
        return Err(Failure::bad_params("`slices`: expected a metric other than `roc_auc`, which a slice may not define"));
    }
    let mut models = vec![Outputs::of("the candidate", contest.candidate)?];
    if let Some(table) = contest.production {
        models.push(Outputs::of("production", table)?);
    }
    let mut walk = Walk::new(rule, seed, &models);
    let names: Vec<_> = [contest.target()?].into_iter().chain(walk.slices.columns().iter().cloned()).collect();
    let beside = models.get(1).map_or(&[][..], |outputs| &outputs.columns);
    for batch in contest.batches(&names, &models[0].columns, beside)? {
        let batch = batch?;
        let answers: Vec<_> = std::iter::once(batch.candidate).chain(batch.production).collect();
        walk.add(&batch.holdout, &models, &answers, preview)?;
    }
    let confusion = walk.confusion();
    Ok((walk.finish(production, rule, seed), confusion))
}

/// One row: what is true, and for each model what it says. The score is the probability of the positive class.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    truth: usize,
    positive: bool,
    predicted: [usize; 2],
    loss: [Option<f64>; 2],
    score: [f64; 2],
}

/// What one walk gathers. Of each pair the first is the candidate's.
struct Walk {
    rows: u64,
    models: usize,
    labels: Labels,
    totals: [Totals; 2],
    slices: Slices<[Totals; 2]>,
    sample: Reservoir<Row>,
    /// The two classes of all models, the second being the positive one; none where there are more or a model gives no probabilities.
    two: Option<[String; 2]>,
    positive: Vec<bool>,
    scores: [Vec<f64>; 2],
}

impl Walk {
    fn new(rule: &Rule, seed: u64, models: &[Outputs]) -> Self {
        let capacity = if rule.bootstrap.resamples == 0 || models.len() < 2 { 0 } else { rule.bootstrap.max_rows };
        let two = <[String; 2]>::try_from(models[0].classes.clone()).ok();
        Self {
            rows: 0,
            models: models.len(),
            labels: Labels::default(),
            totals: [Totals::default(), Totals::default()],
            slices: Slices::new(rule),
            sample: Reservoir::new(capacity as usize, seed),
            two: two.filter(|two| models.iter().all(|outputs| outputs.classes == two)),
            positive: Vec::new(),
            scores: [Vec::new(), Vec::new()],
        }
    }

    fn add(
        &mut self,
        holdout: &[Column],
        models: &[Outputs],
        answers: &[Vec<Column>],
        preview: &mut Preview,
    ) -> Result<(), Failure> {
        let (truths, slices) = holdout.split_first().ok_or_else(|| Failure::internal("a batch without its target"))?;
        let probabilities: Vec<_> =
            models.iter().zip(answers).map(|(outputs, answers)| outputs.probabilities(answers)).collect::<Result<_, _>>()?;
        for at in 0..truths.len() {
            let Some(truth) = truths.display(at) else {
                let row = self.rows + at as u64;
                return Err(Failure::bad_input(format!("expected a class as the target in row {row}, found no value")));
            };
            let mut row = Row { truth: self.labels.index(&truth), ..Row::default() };
            let mut said = Vec::with_capacity(2);
            for (model, outputs) in models.iter().enumerate() {
                let prediction = outputs.prediction(&answers[model], at, self.rows)?;
                row.predicted[model] = self.labels.index(&prediction);
                // A probability of 0 would cost infinitely much: scikit-learn's `log_loss` takes the smallest distance from 1 instead.
                let own = outputs.probability(&probabilities[model], &truth, at, self.rows)?;
                row.loss[model] = own.map(|probability| -probability.max(f64::EPSILON).ln());
                if let Some([_, positive]) = &self.two {
                    row.score[model] = outputs.probability(&probabilities[model], positive, at, self.rows)?.unwrap_or_default();
                }
                said.push(prediction);
            }
            preview.add(&truth, &said[0], said.get(1));
            if self.two.as_ref().is_some_and(|two| !two.iter().any(|class| **class == *truth)) {
                self.two = None;
            }
            if let Some([_, positive]) = &self.two {
                row.positive = *positive == *truth;
                self.positive.push(row.positive);
                self.scores.iter_mut().zip(row.score).take(models.len()).for_each(|(scores, score)| scores.push(score));
            }
            let totalled = |totals: &mut [Totals; 2]| add(totals, &row, models.len(), 1.0);
            totalled(&mut self.totals);
            self.slices.update(slices, at, totalled)?;
            self.sample.offer(row);
        }
        self.rows += truths.len() as u64;
        Ok(())
    }

    fn confusion(&self) -> Confusion {
        let labels = self.labels.sorted();
        let matrix = |totals: &Totals| {
            let row = |truth: usize| labels.iter().map(|&(_, predicted)| totals.count(truth, predicted)).collect();
            labels.iter().map(|&(_, truth)| row(truth)).collect::<Vec<Vec<f64>>>()
        };
        Confusion {
            candidate: matrix(&self.totals[0]),
            production: (self.models > 1).then(|| matrix(&self.totals[1])),
            labels: labels.iter().map(|(label, _)| (*label).to_owned()).collect(),
            calibration: self.two.as_ref().map(|[_, class]| Calibration {
                class: class.clone(),
                candidate: curve(&self.scores[0], &self.positive),
                production: (self.models > 1).then(|| curve(&self.scores[1], &self.positive)),
            }),
        }
    }

    fn finish(self, production: Option<String>, rule: &Rule, seed: u64) -> Evidence {
        let deciding = rule.metric.as_deref().unwrap_or(METRICS[0].0);
        let auc = |model: usize| {
            let scores = &self.scores[model];
            self.two.as_ref().and_then(|_| roc_auc(&order(scores), scores, &self.positive, |_| 1.0))
        };
        let value = |model: usize, name: &str| if name == ROC_AUC { auc(model) } else { self.totals[model].metric(name) };
        let metrics = METRICS
            .map(|(name, direction)| Metric { name, direction, candidate: value(0, name), production: value(1, name) })
            .into();
        let sample = self.sample.into_kept();
        // Another seed than the sample's, so that the draws do not follow the choice.
        let seed = seed.wrapping_add(1);
        let interval = match (deciding, self.two.is_some()) {
            (ROC_AUC, false) => None,
            (ROC_AUC, true) => {
                let positive: Vec<_> = sample.iter().map(|row| row.positive).collect();
                let ranked = [0, 1].map(|model| {
                    let scores: Vec<_> = sample.iter().map(|row| row.score[model]).collect();
                    (order(&scores), scores)
                });
                interval(sample.len(), &rule.bootstrap, seed, |counts| {
                    let [candidate, production] = ranked.each_ref().map(|(order, scores)| {
                        roc_auc(order, scores, &positive, |row| f64::from(counts[row])).unwrap_or(f64::NAN)
                    });
                    candidate - production
                })
            }
            _ => interval(sample.len(), &rule.bootstrap, seed, |counts| {
                let mut drawn = [Totals::default(), Totals::default()];
                for (row, &count) in sample.iter().zip(counts).filter(|(_, count)| **count > 0) {
                    add(&mut drawn, row, 2, f64::from(count));
                }
                let [candidate, production] = drawn.map(|totals| totals.metric(deciding).unwrap_or(f64::NAN));
                candidate - production
            }),
        };
        let slices = self.slices.finish(|totals| totals.each_ref().map(|totals| totals.metric(deciding)));
        Evidence { production, rows: self.rows, metrics, slices, interval }
    }
}

fn add(totals: &mut [Totals; 2], row: &Row, models: usize, weight: f64) {
    for (model, totals) in totals.iter_mut().enumerate().take(models) {
        totals.add(row.truth, row.predicted[model], row.loss[model], weight);
    }
}
