//! Newton's method.

use sprag_linalg::{Cholesky, eigen};
use sprag_sdk::{Failure, Field, Source, Watch, batch_rows, matrix_batches};

use crate::{
    Classes, Params,
    problem::{Problem, Sums},
};

/// The largest system of equations that fits a guest with room to spare: its matrix takes 128 MiB.
const MAX_WEIGHTS: usize = 4096;

/// A fitted model.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The features, in the order of the weights.
    pub features: Vec<Field>,
    /// The classes, in the order of the bias.
    pub classes: Classes,
    /// For the features as they are: a row for each, with a weight for each class. Of two classes the first has weights of 0.
    pub weights: Vec<f64>,
    /// What is added, for each class.
    pub bias: Vec<f64>,
    /// The mean log loss on the training data, at the start and after each iteration.
    pub losses: Vec<f64>,
    /// The share of training rows whose own class is the likeliest.
    pub accuracy: f64,
    /// Whether the last iteration changed next to nothing.
    pub converged: bool,
}

/// Fits the probabilities of the target's classes to the source's features: the sum of the rows' log loss and `|w|^2 / (2 c)` is made smallest, the intercepts
/// being free, which is scikit-learn's `LogisticRegression(C=c)`, on features standardised by `StandardScaler` where that is asked for.
///
/// # Errors
///
/// [`Failure::BadInput`] where the source names no target or features, or holds what it must not (with column and row); [`Failure::Unsupported`] at more
/// than 4096 weights; [`Failure::Cancelled`] when the watch says so.
pub fn fit(source: &impl Source, params: &Params, watch: &impl Watch) -> Result<Fit, Failure> {
    params.check()?;
    let problem = prepare(source, params)?;
    let n = problem.width() * problem.outputs();
    if n > MAX_WEIGHTS {
        return Err(Failure::unsupported(format!("expected at most {MAX_WEIGHTS} weights (features x classes), found {n}")));
    }
    let (mut weights, mut converged) = (vec![0.0; n], false);
    let mut sums = problem.sums(&weights)?;
    let mut losses = vec![sums.log_loss / problem.rows];
    for iteration in 0..params.max_iterations {
        watch.advance(u64::from(iteration), u64::from(params.max_iterations))?;
        let step = newton_step(&sums);
        let expected_fall: f64 = sums.gradient.iter().zip(&step).map(|(slope, step)| slope * step).sum::<f64>() / 2.0;
        let Some((next, at_next)) = descend(&problem, &weights, &step, sums.loss)? else {
            // No step makes the loss smaller any more: the rest is rounding.
            converged = true;
            break;
        };
        (weights, sums) = (next, at_next);
        losses.push(sums.log_loss / problem.rows);
        if expected_fall / problem.rows <= params.tolerance {
            converged = true;
            break;
        }
    }
    finish(problem, &weights, &sums, losses, converged)
}

/// Learns the classes, and the features' means and standard deviations.
fn prepare<'a, S: Source>(source: &'a S, params: &Params) -> Result<Problem<'a, S>, Failure> {
    let Some(target) = source.target() else {
        return Err(Failure::bad_input("expected a target column, found that the project names none"));
    };
    let features = source.features();
    if features.is_empty() {
        return Err(Failure::bad_input("expected at least one feature column, found none"));
    }
    if features.contains(&target) {
        return Err(Failure::bad_input(format!("expected features apart from the target, found `{target}` among them")));
    }
    let mut classes = Classes::new(&target, source.find_field(&target)?.dtype)?;
    let target = [target];
    let (mut rows, mut means, mut squares) = (0, vec![0.0; features.len()], vec![0.0; features.len()]);
    let size = batch_rows(features.len() + 1);
    for (batch, truth) in matrix_batches(source, &features, size)?.zip(source.batches(&target, size)?) {
        let (batch, truth) = (batch?, truth?);
        classes.learn(&target[0], &truth[0], rows)?;
        let (before, added) = (rows as f64, truth[0].len() as f64);
        rows += truth[0].len();
        for ((mean, squares), values) in means.iter_mut().zip(&mut squares).zip(&batch) {
            // Two samples' means and squared deviations make those of both: Chan, Golub and LeVeque (1979).
            let of_batch = values.iter().sum::<f64>() / added;
            let distance = of_batch - *mean;
            *squares += values.iter().map(|value| (value - of_batch).powi(2)).sum::<f64>()
                + distance * distance * before * added / (before + added);
            *mean += distance * added / (before + added);
        }
    }
    classes.settle(&target[0])?;
    let rows = rows as f64;
    let mut scales = vec![1.0; features.len()];
    if params.standardize {
        for ((scale, squares), mean) in scales.iter_mut().zip(&squares).zip(&means) {
            let deviation = (squares / rows).sqrt();
            // What rounding leaves of a constant column is no deviation.
            if deviation > 8.0 * f64::EPSILON * mean.abs() {
                *scale = deviation;
            }
        }
    }
    if scales.iter().chain(&means).any(|number| !number.is_finite()) {
        return Err(Failure::bad_input("expected features whose squares sum to a finite number, found larger ones"));
    }
    Ok(Problem { source, features, target, classes, rows, means, scales, penalty: 1.0 / params.c })
}

fn newton_step(sums: &Sums) -> Vec<f64> {
    let n = sums.gradient.len();
    match Cholesky::new(&sums.hessian, n) {
        Some(factor) => factor.solve(&sums.gradient),
        // Where all rows are certain, the intercepts have no curvature left: take the directions that have.
        None => eigen(&sums.hessian, n).solve(&sums.gradient, 0.0, n as f64 * f64::EPSILON).0,
    }
}

/// Takes the step, or as much of it as makes the loss smaller. None where no part does.
fn descend<S: Source>(
    problem: &Problem<'_, S>,
    weights: &[f64],
    step: &[f64],
    loss: f64,
) -> Result<Option<(Vec<f64>, Sums)>, Failure> {
    let mut share = 1.0;
    while share > 1e-6 {
        let next: Vec<_> = weights.iter().zip(step).map(|(weight, step)| weight - share * step).collect();
        let sums = problem.sums(&next)?;
        if sums.loss <= loss {
            return Ok(Some((next, sums)));
        }
        share /= 4.0;
    }
    Ok(None)
}

/// Folds the standardisation into the weights.
fn finish<S: Source>(
    problem: Problem<'_, S>,
    weights: &[f64],
    sums: &Sums,
    losses: Vec<f64>,
    converged: bool,
) -> Result<Fit, Failure> {
    let (width, features) = (problem.width(), problem.features.len());
    let count = problem.classes.labels().len();
    let (mut folded, mut bias) = (vec![0.0; features * count], vec![0.0; count]);
    for (output, row) in weights.chunks_exact(width).enumerate() {
        let class = if count == 2 { 1 } else { output };
        bias[class] = row[features];
        for (feature, (&weight, (mean, scale))) in row.iter().zip(problem.means.iter().zip(&problem.scales)).enumerate() {
            folded[feature * count + class] = weight / scale;
            bias[class] -= weight / scale * mean;
        }
    }
    let fields = problem.features.iter().map(|name| problem.source.find_field(name)).collect::<Result<_, _>>()?;
    let accuracy = sums.correct as f64 / problem.rows;
    Ok(Fit { features: fields, classes: problem.classes, weights: folded, bias, losses, accuracy, converged })
}
