//! The fit: two walks over the data, then one small system of equations.
//!
//! A large table is walked by the host's kernels, a small one by batches in the guest, where it costs no more and each bit is this crate's own.

use sprag_linalg::{Cholesky, Gram, eigen};
use sprag_sdk::linalg::{Kernels, LinalgError, Matrix};
use sprag_sdk::{Failure, Field, Source, Watch, batch_rows, matrix_batches};

use crate::Params;

/// The products of values from which on the host's kernels are worth their calls: a few milliseconds of the guest's work.
const MANY_PRODUCTS: u64 = 1 << 22;

/// The most columns that the host's Gram matrix has.
const MOST_COLUMNS: u64 = 8192;

/// A fitted line.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The features, in the order of the coefficients.
    pub features: Vec<Field>,
    /// A weight for each feature.
    pub coefficients: Vec<f64>,
    /// What is added; 0 without an intercept.
    pub intercept: f64,
    /// How many features are linearly independent: fewer than there are only where there is no penalty to tell them apart.
    pub rank: usize,
    /// How well the line fits the rows it was made from.
    pub training: Training,
}

/// How well a line fits its own training data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// The mean of the squared errors.
    pub mse: f64,
    /// The share of the target's variance that the line explains; 0 where there is none to explain and the fit is not exact.
    pub r2: f64,
}

/// Fits a line to the source's target, over its features.
///
/// The weights solve `(X' X + alpha I) w = X' y`, with the means taken away from `X` and `y` first where there is an intercept. Without a penalty and
/// with dependent features, the solution with the smallest weights is taken, as `numpy.linalg.lstsq` does. Guest memory: the square of the number of features.
///
/// # Errors
///
/// [`Failure::BadInput`] where the source names no target or features, has no rows, or holds anything but finite numbers (with column and row);
/// [`Failure::Cancelled`] when the watch says so.
pub fn fit(source: &impl Kernels, params: &Params, watch: &impl Watch) -> Result<Fit, Failure> {
    let width = source.features().len() as u64 + 1;
    let many = source.row_count().saturating_mul(width.pow(2)) >= MANY_PRODUCTS;
    fit_by(many && width <= MOST_COLUMNS, source, params, watch)
}

fn fit_by(host: bool, source: &impl Kernels, params: &Params, watch: &impl Watch) -> Result<Fit, Failure> {
    params.check()?;
    let (features, columns) = columns(source)?;
    let moments = match host {
        true => Moments::by_host(source, &columns, params.fit_intercept, watch)?,
        false => Moments::of(source, &columns, params.fit_intercept, watch)?,
    };
    let n = features.len();
    let (coefficients, rank) = solve(&moments, params.alpha, host)?;
    let products: f64 = coefficients.iter().zip(&moments.means).map(|(weight, mean)| weight * mean).sum();
    let intercept = if params.fit_intercept { moments.means[n] - products } else { 0.0 };
    let training = moments.training(&coefficients);
    if coefficients.iter().chain([&intercept, &training.mse]).any(|number| !number.is_finite()) {
        return Err(Failure::bad_input("expected features whose squares sum to a finite number, found larger ones"));
    }
    Ok(Fit { features, coefficients, intercept, rank, training })
}

/// The features, and the names of all columns to read: the features, then the target.
fn columns(source: &impl Source) -> Result<(Vec<Field>, Vec<String>), Failure> {
    let Some(target) = source.target() else {
        return Err(Failure::bad_input("expected a target column, found that the project names none"));
    };
    let mut names = source.features();
    if names.is_empty() {
        return Err(Failure::bad_input("expected at least one feature column, found none"));
    }
    if names.contains(&target) {
        return Err(Failure::bad_input(format!("expected features apart from the target, found `{target}` among them")));
    }
    if source.row_count() == 0 {
        return Err(Failure::bad_input("expected at least one row, found none"));
    }
    let features = names.iter().map(|name| source.find_field(name)).collect::<Result<_, _>>()?;
    names.push(target);
    Ok((features, names))
}

/// The sums that the fit needs, over the features and, as the last column, the target.
struct Moments {
    rows: f64,
    /// The mean of each column.
    means: Vec<f64>,
    /// The Gram matrix, of the columns less their means where there is an intercept.
    gram: Vec<f64>,
    centred: bool,
}

impl Moments {
    fn of(source: &impl Source, columns: &[String], centred: bool, watch: &impl Watch) -> Result<Self, Failure> {
        let (total, mut done, batch) = (source.row_count() * 2, 0, batch_rows(columns.len()));
        let mut means = vec![0.0; columns.len()];
        for batch in matrix_batches(source, columns, batch)? {
            let batch = batch?;
            for (sum, values) in means.iter_mut().zip(&batch) {
                *sum += values.iter().sum::<f64>();
            }
            done += batch[0].len() as u64;
            watch.advance(done, total)?;
        }
        let rows = done as f64;
        means.iter_mut().for_each(|sum| *sum /= rows);
        let shift = if centred { means.clone() } else { vec![0.0; columns.len()] };
        let mut gram = Gram::new(columns.len());
        for batch in matrix_batches(source, columns, batch)? {
            let batch = batch?;
            gram.add(&batch, &shift, None);
            done += batch[0].len() as u64;
            watch.advance(done, total)?;
        }
        Ok(Self { rows, means, gram: gram.finish(), centred }.without_rounding())
    }

    /// The same sums, to rounding errors.
    fn by_host(source: &impl Kernels, columns: &[String], centred: bool, watch: &impl Watch) -> Result<Self, Failure> {
        let rows = source.row_count();
        let means: Vec<f64> = source.describe(columns)?.iter().map(|stats| stats.mean).collect();
        watch.advance(rows, rows * 2)?;
        let shift = if centred { means.clone() } else { vec![0.0; columns.len()] };
        let gram = source.gram(columns, &shift, None)?.values()?;
        watch.advance(rows * 2, rows * 2)?;
        Ok(Self { rows: rows as f64, means, gram, centred }.without_rounding())
    }

    /// Sets to zero what is left of a constant column after its mean is gone, so that it counts as no information instead of as noise.
    fn without_rounding(mut self) -> Self {
        let width = self.means.len();
        for (column, mean) in self.means.iter().enumerate().filter(|_| self.centred) {
            let rounding = self.rows * (8.0 * f64::EPSILON * mean).powi(2);
            if self.gram[column * width + column] <= rounding {
                for other in 0..width {
                    self.gram[column * width + other] = 0.0;
                    self.gram[other * width + column] = 0.0;
                }
            }
        }
        self
    }

    /// The errors follow from the sums: `|y - X w|^2 = y'y - 2 w'X'y + w'X'X w`.
    fn training(&self, coefficients: &[f64]) -> Training {
        let width = self.means.len();
        let target = self.gram[width * width - 1];
        let explained: f64 = coefficients
            .iter()
            .zip(self.gram.chunks_exact(width))
            .map(|(weight, row)| {
                let fitted: f64 = row.iter().zip(coefficients).map(|(product, weight)| product * weight).sum();
                weight * (2.0 * row[width - 1] - fitted)
            })
            .sum();
        let errors = (target - explained).max(0.0);
        let variance = if self.centred { target } else { target - self.rows * self.means[width - 1].powi(2) };
        let r2 = if variance > 0.0 { 1.0 - errors / variance } else { f64::from(errors == 0.0) };
        Training { mse: errors / self.rows, r2 }
    }
}

/// The weights, and the rank of the features.
fn solve(moments: &Moments, alpha: f64, host: bool) -> Result<(Vec<f64>, usize), Failure> {
    let width = moments.means.len();
    let n = width - 1;
    let (mut matrix, mut right) = (Vec::with_capacity(n * n), Vec::with_capacity(n));
    for row in moments.gram.chunks_exact(width).take(n) {
        matrix.extend_from_slice(&row[..n]);
        right.push(row[n]);
    }
    let plain = matrix.clone();
    for i in 0..n {
        matrix[i * n + i] += alpha;
    }
    if matrix.iter().any(|value| !value.is_finite()) {
        // The caller names the reason; the eigenvalues would not converge.
        return Ok((vec![f64::NAN; n], n));
    }
    let solved = match host {
        true => solve_by_host(&matrix, &right)?,
        false => Cholesky::new(&matrix, n).map(|factor| factor.solve(&right)),
    };
    Ok(match solved {
        Some(weights) => (weights, n),
        None => eigen(&plain, n).solve(&right, alpha, n as f64 * f64::EPSILON),
    })
}

/// None where the matrix is singular to working precision.
fn solve_by_host(matrix: &[f64], right: &[f64]) -> Result<Option<Vec<f64>>, LinalgError> {
    let (order, columns) = (right.len() as u64, right.len() as u32);
    match Matrix::from_values(order, columns, matrix)?.cholesky_solve(&Matrix::vector(right)?) {
        Ok(weights) => weights.values().map(Some),
        Err(LinalgError::NotPositiveDefinite(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use sprag_sdk::{Column, Frame, Values};

    use super::*;

    fn line(x: Vec<f64>, y: Vec<f64>, alpha: f64) -> Result<Fit, Failure> {
        let frame = Frame::new([("x", Column::floats(x)), ("y", Column::floats(y))]).with_target("y");
        fit(&frame, &Params { alpha, ..Params::default() }, &())
    }

    fn refusal(frame: &Frame) -> String {
        fit(frame, &Params::default(), &()).unwrap_err().message().to_owned()
    }

    #[test]
    fn six_points_by_hand() {
        // The sum of squares of x about its mean is 17.5, that of x and y is -17.0: the slope is -17 / (17.5 + 1.2).
        let fit = line((1..=6).map(f64::from).collect(), vec![10.0, 9.0, 8.0, 8.0, 6.0, 5.0], 1.2).unwrap();
        assert!((fit.coefficients[0] - -17.0 / 18.7).abs() < 1e-15);
        assert!((fit.intercept + fit.coefficients[0] - 9.939_393_939_393_94).abs() < 1e-14);
    }

    #[test]
    fn one_row_and_constant_columns_give_the_mean() {
        for alpha in [0.0, 1.0] {
            let one = line(vec![3.0], vec![7.0], alpha).unwrap();
            assert_eq!((one.coefficients[0], one.intercept, one.training), (0.0, 7.0, Training { mse: 0.0, r2: 1.0 }));
            let constant = line(vec![0.1; 3], vec![1.0, 2.0, 6.0], alpha).unwrap();
            assert_eq!((constant.coefficients[0], constant.intercept), (0.0, 3.0));
        }
    }

    #[test]
    fn dependent_features_share_the_weight() {
        let x: Vec<_> = (0..9).map(f64::from).collect();
        let y = x.iter().map(|x| 4.0 * x + 1.0).collect();
        let columns = [("a", x.clone()), ("b", x), ("y", y)].map(|(name, values)| (name, Column::floats(values)));
        let frame = Frame::new(columns).with_target("y");
        for alpha in [0.0, 1e-300] {
            let fit = fit(&frame, &Params { alpha, ..Params::default() }, &()).unwrap();
            assert_eq!(fit.rank, 1);
            for found in &fit.coefficients {
                assert!((found - 2.0).abs() < 1e-12, "{found}");
            }
        }
    }

    #[test]
    fn without_an_intercept_the_line_passes_through_zero() {
        let columns = [("x", vec![1.0, 2.0]), ("y", vec![2.0, 4.0])].map(|(name, values)| (name, Column::floats(values)));
        let params = Params { alpha: 0.0, fit_intercept: false };
        let fit = fit(&Frame::new(columns).with_target("y"), &params, &()).unwrap();
        assert_eq!((fit.coefficients[0], fit.intercept, fit.training.mse), (2.0, 0.0, 0.0));
    }

    #[test]
    fn the_host_s_sums_give_the_same_line() {
        let numbers = |seed: u64| (0..500).map(|row| (row * seed % 1009) as f64 / 100.0).collect::<Vec<_>>();
        let (a, b) = (numbers(7919), numbers(104_729));
        let y = a.iter().zip(&b).map(|(a, b)| 3.0 * a - b + (a * b).sin()).collect();
        let same = a.clone();
        let columns = [("a", a), ("b", b), ("c", same), ("y", y)].map(|(name, values)| (name, Column::floats(values)));
        let frame = Frame::new(columns).with_target("y");
        for (alpha, fit_intercept) in [(1.0, true), (1.0, false), (0.0, true)] {
            let params = Params { alpha, fit_intercept };
            let fits = [false, true].map(|host| fit_by(host, &frame, &params, &()).unwrap());
            let [own, host] = fits.each_ref().map(|fit| fit.coefficients.iter().chain([&fit.intercept, &fit.training.mse]));
            assert!(own.zip(host).all(|(own, host)| (own - host).abs() <= 1e-9 * own.abs().max(1.0)), "{fits:?}");
            assert_eq!(fits[0].rank, fits[1].rank);
        }
    }

    #[test]
    fn integers_and_booleans_are_numbers() {
        let whole = Column { values: Values::Integers(vec![1, 2, 3, 4]), validity: None };
        let flag = Column { values: Values::Booleans(vec![0, 1, 1, 0]), validity: None };
        let frame = Frame::new([("n", whole), ("f", flag), ("y", Column::floats(vec![1.0, 3.0, 4.0, 4.0]))]).with_target("y");
        let fit = fit(&frame, &Params { alpha: 0.0, ..Params::default() }, &()).unwrap();
        assert!((fit.coefficients[0] - 1.0).abs() < 1e-14 && (fit.coefficients[1] - 1.0).abs() < 1e-14);
    }

    #[test]
    fn bad_input_is_named() {
        let frame = |x: Column| Frame::new([("x", x), ("y", Column::floats(vec![1.0, 2.0]))]);
        let good = || frame(Column::floats(vec![1.0, 2.0]));
        assert_eq!(refusal(&good()), "expected a target column, found that the project names none");
        assert_eq!(refusal(&good().with_target("z")), "expected a column `z`, found `x`, `y`");
        assert_eq!(refusal(&good().take(&[]).with_target("y")), "expected at least one row, found none");
        assert_eq!(refusal(&good().without("x").with_target("y")), "expected at least one feature column, found none");
        assert_eq!(refusal(&frame(Column::texts(["a", "b"])).with_target("y")), "expected numbers in column `x`, found text");
        let infinite = frame(Column::floats(vec![1.0, f64::INFINITY])).with_target("y");
        assert_eq!(refusal(&infinite), "expected a finite number in column `x`, row 1, found inf");
        let huge = frame(Column::floats(vec![1e300, -1e300])).with_target("y");
        assert_eq!(refusal(&huge), "expected features whose squares sum to a finite number, found larger ones");
        let failure = fit(&good().with_target("y"), &Params { alpha: -1.0, ..Params::default() }, &()).unwrap_err();
        assert_eq!(failure.message(), "`alpha`: expected a finite number from 0 on, found -1");
    }
}
