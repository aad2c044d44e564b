//! From the hold-out and the predictions to the evidence, in one walk.

use sprag_evaluation::{Contest, Preview, Slices};
use sprag_gate::{Evidence, Metric, Reservoir, Rule, interval};
use sprag_sdk::{Column, Failure};

use crate::{METRICS, Totals};

/// Measures both models on every row. `production` is the name of the model in production, `seed` the source of the bootstrap's chance.
///
/// # Errors
///
/// [`Failure::BadInput`] where truth or predictions are not finite numbers, [`Failure::BadParams`] where the rule slices by a column with too many values.
pub fn measure(
    contest: Contest<'_>,
    production: Option<String>,
    rule: &Rule,
    seed: u64,
    preview: &mut Preview,
) -> Result<Evidence, Failure> {
    let mut walk = Walk::new(rule, seed);
    let names: Vec<_> = [contest.target()?].into_iter().chain(walk.slices.columns().iter().cloned()).collect();
    let prediction = |table: &dyn sprag_sdk::Source| {
        let first = table.schema().into_iter().next();
        first.map(|field| vec![field.name]).ok_or_else(|| Failure::bad_input("expected at least one output column, found none"))
    };
    let outputs = [prediction(contest.candidate)?, contest.production.map_or(Ok(Vec::new()), prediction)?];
    for batch in contest.batches(&names, &outputs[0], &outputs[1])? {
        let batch = batch?;
        let (truth, slices) = batch.holdout.split_first().ok_or_else(|| Failure::internal("a batch without its target"))?;
        let truth = numbers(truth, "the target", walk.rows)?;
        let candidate = numbers(&batch.candidate[0], "the candidate's prediction", walk.rows)?;
        let in_production =
            batch.production.as_ref().map(|columns| numbers(&columns[0], "production's prediction", walk.rows)).transpose()?;
        for row in 0..truth.len() {
            let beside = in_production.as_ref().map(|predictions| predictions[row]);
            preview.add(truth[row], candidate[row], beside);
            walk.add(slices, row, truth[row], candidate[row], beside)?;
        }
        walk.rows += truth.len() as u64;
    }
    Ok(walk.finish(rule, production, seed))
}

/// What one walk gathers. Of each pair the first is the candidate's.
struct Walk {
    rows: u64,
    totals: [Totals; 2],
    slices: Slices<[Totals; 2]>,
    sample: Reservoir<[f64; 3]>,
}

impl Walk {
    fn new(rule: &Rule, seed: u64) -> Self {
        let capacity = if rule.bootstrap.resamples == 0 { 0 } else { rule.bootstrap.max_rows };
        Self {
            rows: 0,
            totals: [Totals::default(); 2],
            slices: Slices::new(rule),
            sample: Reservoir::new(capacity as usize, seed),
        }
    }

    fn add(&mut self, slices: &[Column], row: usize, truth: f64, candidate: f64, production: Option<f64>) -> Result<(), Failure> {
        let add = |totals: &mut [Totals; 2]| {
            totals[0].add(truth, candidate, 1.0);
            if let Some(production) = production {
                totals[1].add(truth, production, 1.0);
            }
        };
        add(&mut self.totals);
        if let Some(production) = production {
            self.sample.offer([truth, candidate, production]);
        }
        self.slices.update(slices, row, add)
    }

    fn finish(self, rule: &Rule, production: Option<String>, seed: u64) -> Evidence {
        let deciding = rule.metric.as_deref().unwrap_or(METRICS[0].0);
        let [candidate, beside] = self.totals;
        let sample = self.sample.into_kept();
        // Another seed than the sample's, so that the draws do not follow the choice.
        let interval = interval(sample.len(), &rule.bootstrap, seed.wrapping_add(1), |counts| {
            let mut drawn = [Totals::default(); 2];
            for (&[truth, candidate, production], &count) in sample.iter().zip(counts).filter(|(_, count)| **count > 0) {
                drawn[0].add(truth, candidate, f64::from(count));
                drawn[1].add(truth, production, f64::from(count));
            }
            let [candidate, production] = drawn.map(|totals| totals.metric(deciding).unwrap_or(f64::NAN));
            candidate - production
        });
        Evidence {
            production,
            rows: self.rows,
            metrics: METRICS
                .map(|(name, direction)| Metric {
                    name,
                    direction,
                    candidate: candidate.metric(name),
                    production: beside.metric(name),
                })
                .into(),
            slices: self.slices.finish(|totals| totals.each_ref().map(|totals| totals.metric(deciding))),
            interval,
        }
    }
}

/// Finite numbers; `offset` is the row of the first.
fn numbers(column: &Column, what: &str, offset: u64) -> Result<Vec<f64>, Failure> {
    let Some(values) = column.numbers() else {
        return Err(Failure::bad_input(format!("expected numbers as {what}, found text")));
    };
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => {
            let found = column.display(row).unwrap_or_else(|| "no value".into());
            Err(Failure::bad_input(format!("expected a finite number as {what} in row {}, found {found}", offset + row as u64)))
        }
        None => Ok(values.into_owned()),
    }
}
