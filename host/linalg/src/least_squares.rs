//! The least squares solution of a system with more equations than unknowns, or fewer.

use crate::jacobi::orthogonalise;
use crate::matrix::row_count;
use crate::qr::{scale_of, triangle};
use crate::vector::{add_multiple, fast};
use crate::{LinalgError, Matrix, Work};

/// What comes closest to solving `X w = y`.
#[derive(Debug, Clone)]
pub struct LeastSquares {
    /// A row for each column of `X`, and a column for each of `Y`.
    pub weights: Matrix,
    /// How many singular values of `X` are above the cutoff.
    pub rank: usize,
    /// `|y - X w|^2`, for each column of `Y`.
    pub residuals: Vec<f64>,
}

/// Finds for each column `y` of `Y` the `w` that makes `|y - X w|` least, and of all those the shortest.
///
/// The definition is LAPACK's for `dgelsd`: singular values of `X` that are no more than `cutoff` times the largest count as 0. Without a cutoff it is the
/// rounding unit times the greater of the number of rows and that of columns, as `numpy.linalg.lstsq` has it. The way there is the triangle of `[X Y]`
/// ([`triangle`]), in memory that does not grow with the rows but for that of the spans. Where the lengths of the triangle and its inverse prove that every
/// singular value is above the cutoff, it is solved as it stands; else its singular value decomposition is made, which for a thousand columns takes seconds.
///
/// # Errors
///
/// Those of [`triangle`], with the columns of `Y` counted on from those of `X`; [`LinalgError::Rows`] where `Y` has not as many rows;
/// [`LinalgError::Overflow`] where the weights are beyond the greatest float.
pub fn least_squares(work: &Work<'_>, x: &[&[f64]], y: &[&[f64]], cutoff: Option<f64>) -> Result<LeastSquares, LinalgError> {
    let (rows, columns) = (row_count(x)?, x.len());
    if !x.is_empty() && !y.is_empty() && row_count(y)? != rows {
        return Err(LinalgError::Rows { what: "the right side".to_owned(), expected: rows, found: row_count(y)? });
    }
    let both = triangle(work, &[x, y].concat())?;
    let cutoff = cutoff.unwrap_or(f64::EPSILON * rows.max(columns) as f64);
    let order = both.rows().min(columns);
    let mut solution = LeastSquares {
        weights: Matrix::zeros(columns, y.len()),
        rank: 0,
        residuals: (columns..columns + y.len()).map(|y| squares(&both.column(y)[order..])).collect(),
    };
    if order > 0 {
        let solved = order == columns && fast(|| solve_triangle(work, &both, order, cutoff, &mut solution))?;
        if !solved {
            fast(|| solve_shortest(work, &both, order, cutoff, &mut solution))?;
        }
    }
    if solution.weights.values().iter().any(|weight| !weight.is_finite()) {
        return Err(LinalgError::Overflow { what: "solution" });
    }
    Ok(solution)
}

#[inline(always)]
fn squares(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}

/// Solves `R w = z`, unless `R` may have a singular value below the cutoff: the smallest is at least `1 / |R^-1|`, and the largest at most `|R|`.
#[inline(always)]
fn solve_triangle(
    work: &Work<'_>,
    both: &Matrix,
    order: usize,
    cutoff: f64,
    solution: &mut LeastSquares,
) -> Result<bool, LinalgError> {
    let (mut length, mut inverse_length) = (0.0, 0.0);
    let mut unit = vec![0.0; order];
    for at in 0..order {
        work.go_on()?;
        length += squares(&both.column(at)[..=at]);
        unit[..at].fill(0.0);
        unit[at] = 1.0;
        substitute(both, &mut unit[..=at]);
        inverse_length += squares(&unit[..=at]);
    }
    // Overflow, or a zero on the diagonal, leaves no number that this holds for.
    let proven = length.sqrt() * inverse_length.sqrt() * cutoff < 1.0;
    if !proven {
        return Ok(false);
    }
    solution.rank = order;
    for (at, weights) in solution.weights.values_mut().chunks_exact_mut(order).enumerate() {
        weights.copy_from_slice(&both.column(order + at)[..order]);
        substitute(both, weights);
    }
    Ok(true)
}

/// Solves `R x = b` in place, for the first rows and columns of `R`.
#[inline(always)]
fn substitute(r: &Matrix, x: &mut [f64]) {
    for at in (0..x.len()).rev() {
        let column = r.column(at);
        x[at] /= column[at];
        let (before, own) = x.split_at_mut(at);
        add_multiple(before, -own[0], column);
    }
}

/// From `R' V = U S` follows that `U S^-1 V' z` is the shortest solution, over the singular values that count.
#[inline(always)]
fn solve_shortest(
    work: &Work<'_>,
    both: &Matrix,
    order: usize,
    cutoff: f64,
    solution: &mut LeastSquares,
) -> Result<(), LinalgError> {
    let columns = solution.weights.rows();
    let largest =
        (0..columns).flat_map(|column| &both.column(column)[..order]).fold(0.0, |most: f64, value| most.max(value.abs()));
    let scale = scale_of(largest);
    let mut rows: Vec<Vec<f64>> = (0..order)
        .map(|row| {
            let scaled = (0..columns).map(|column| both.at(row, column) * scale);
            scaled.chain((columns..both.columns()).map(|column| both.at(row, column))).collect()
        })
        .collect();
    orthogonalise(work, &mut rows, columns)?;
    let values: Vec<f64> = rows.iter().map(|row| squares(&row[..columns]).sqrt()).collect();
    let smallest = cutoff * values.iter().fold(0.0, |most: f64, value| most.max(*value));
    for (row, value) in rows.iter().zip(values) {
        let (direction, products) = row.split_at(columns);
        let counts = value > smallest;
        solution.rank += usize::from(counts);
        for (at, product) in products.iter().enumerate() {
            if counts {
                let share = product / value;
                let weights = &mut solution.weights.values_mut()[at * columns..(at + 1) * columns];
                for (weight, direction) in weights.iter_mut().zip(direction) {
                    *weight += share * (direction / value) * scale;
                }
            } else {
                solution.residuals[at] += product * product;
            }
        }
    }
    Ok(())
}
