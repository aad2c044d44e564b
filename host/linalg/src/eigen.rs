//! Eigenvalues and eigenvectors of a symmetric matrix.

use crate::householder::Reflection;
use crate::matrix::check_finite;
use crate::qr::scale_of;
use crate::vector::{add_multiple, dot, fast, rotate};
use crate::{LinalgError, Matrix, Work};

/// Steps for one eigenvalue, of which two are usual.
const STEPS: usize = 60;

/// `A = V diag(values) V'`.
#[derive(Debug, Clone)]
pub struct Eigen {
    /// The eigenvalues, from the least up.
    pub values: Vec<f64>,
    /// The eigenvectors as columns, of length 1 and orthogonal. The entry that is largest by its absolute value, the first of them where there are several, is
    /// positive.
    pub vectors: Matrix,
}

/// The eigenvalues and eigenvectors of a symmetric matrix, of which only the diagonal and what lies below is read.
///
/// Householder's reduction to a tridiagonal matrix, then the implicit QL iteration (Golub and Van Loan, Matrix Computations, 4th edition, 8.3; EISPACK's `tql2`).
/// Each value is exact but for a few rounding errors of the largest. One thread.
///
/// # Errors
///
/// [`LinalgError::NotSquare`], [`LinalgError::TooManyColumns`], [`LinalgError::NotFinite`], [`LinalgError::Stopped`], [`LinalgError::NoConvergence`];
/// [`LinalgError::Overflow`] where an eigenvalue is beyond the greatest float.
pub fn eigen(work: &Work<'_>, matrix: &Matrix) -> Result<Eigen, LinalgError> {
    let order = matrix.order()?;
    let mut values = vec![0.0; order * order];
    for column in 0..order {
        let lower = &matrix.column(column)[column..];
        if let Err(LinalgError::NotFinite { row, value, .. }) = check_finite(&[lower]) {
            return Err(LinalgError::NotFinite { column, row: column + row, value });
        }
        for (row, &value) in lower.iter().enumerate().map(|(row, value)| (column + row, value)) {
            values[column * order + row] = value;
            values[row * order + column] = value;
        }
    }
    let scale = scale_of(values.iter().fold(0.0, |most: f64, value| most.max(value.abs())));
    values.iter_mut().for_each(|value| *value *= scale);
    let (mut diagonal, mut vectors) = fast(|| {
        let Tridiagonal { mut diagonal, mut beside, mut vectors } = tridiagonal(work, values, order)?;
        iterate(work, &mut diagonal, &mut beside, &mut vectors)?;
        Ok((diagonal, vectors))
    })?;
    diagonal.iter_mut().for_each(|value| *value /= scale);
    if diagonal.iter().any(|value| !value.is_finite()) {
        return Err(LinalgError::Overflow { what: "greatest eigenvalue" });
    }
    let mut places: Vec<usize> = (0..order).collect();
    places.sort_by(|&a, &b| diagonal[a].total_cmp(&diagonal[b]));
    vectors.chunks_exact_mut(order.max(1)).for_each(turn);
    let sorted = places.iter().flat_map(|&place| vectors[place * order..(place + 1) * order].iter().copied()).collect();
    Ok(Eigen {
        values: places.iter().map(|&place| diagonal[place]).collect(),
        vectors: Matrix::from_values(order, order, sorted)?,
    })
}

/// Turns a vector round where its largest entry is negative.
fn turn(vector: &mut [f64]) {
    let largest = vector.iter().fold(0.0, |most: f64, &value| if value.abs() > most.abs() { value } else { most });
    if largest < 0.0 {
        vector.iter_mut().for_each(|value| *value = -*value);
    }
}

/// `A = Q T Q'`.
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// What stands below the diagonal, and a 0.
    beside: Vec<f64>,
    /// `Q`, column after column.
    vectors: Vec<f64>,
}

#[inline(always)]
fn tridiagonal(work: &Work<'_>, mut a: Vec<f64>, order: usize) -> Result<Tridiagonal, LinalgError> {
    let (mut diagonal, mut beside, mut taus) = (vec![0.0; order], vec![0.0; order], vec![0.0; order]);
    let (mut v, mut w) = (vec![], vec![]);
    for at in 0..order {
        work.go_on()?;
        let (done, rest) = a.split_at_mut((at + 1) * order);
        let own = &mut done[at * order + at..];
        diagonal[at] = own[0];
        let [_, first, vector @ ..] = own else { break };
        let reflection = Reflection::make(*first, vector);
        (beside[at], taus[at]) = (reflection.beta, reflection.tau);
        if reflection.tau == 0.0 {
            continue;
        }
        v.clear();
        v.push(1.0);
        v.extend_from_slice(vector);
        // `H B H = B - v w' - w v'` with `w = tau B v - (tau^2 v' B v / 2) v`.
        w.clear();
        w.extend(rest.chunks_exact(order).map(|column| reflection.tau * dot(&column[at + 1..], &v)));
        let along = reflection.tau * dot(&w, &v) / 2.0;
        add_multiple(&mut w, -along, &v);
        for (step, column) in rest.chunks_exact_mut(order).enumerate() {
            let (in_v, in_w) = (v[step], w[step]);
            for ((value, v), w) in column[at + 1..].iter_mut().zip(&v).zip(&w) {
                *value -= v * in_w + w * in_v;
            }
        }
    }
    let mut vectors = vec![0.0; order * order];
    vectors.iter_mut().step_by(order + 1).for_each(|value| *value = 1.0);
    for at in (0..order.saturating_sub(1)).rev() {
        work.go_on()?;
        let reflection = Reflection { tau: taus[at], beta: beside[at] };
        let vector = &a[at * order + at + 2..(at + 1) * order];
        let columns = vectors[(at + 1) * order..].chunks_exact_mut(order);
        columns.for_each(|column| reflection.apply(vector, &mut column[at + 1..]));
    }
    Ok(Tridiagonal { diagonal, beside, vectors })
}

/// Makes the tridiagonal matrix diagonal, and turns the vectors along.
#[inline(always)]
fn iterate(work: &Work<'_>, d: &mut [f64], e: &mut [f64], vectors: &mut [f64]) -> Result<(), LinalgError> {
    let order = d.len();
    for first in 0..order {
        for step in 0.. {
            work.go_on()?;
            // The block that begins here ends where what is beside the diagonal changes no bit of it.
            let small = |&at: &usize| at + 1 == order || e[at].abs() <= f64::EPSILON * (d[at].abs() + d[at + 1].abs());
            let last = (first..order).find(small).unwrap_or(first);
            if last == first {
                break;
            }
            if step == STEPS {
                return Err(LinalgError::NoConvergence { what: "eigenvalues", iterations: STEPS });
            }
            ql_step(d, e, vectors, first, last);
        }
    }
    Ok(())
}

/// One step with Wilkinson's shift on the block from `first` to `last`.
#[inline(always)]
fn ql_step(d: &mut [f64], e: &mut [f64], vectors: &mut [f64], first: usize, last: usize) {
    let order = d.len();
    let half = (d[first + 1] - d[first]) / (2.0 * e[first]);
    let root = (half * half + 1.0).sqrt().copysign(half);
    let mut g = d[last] - d[first] + e[first] / (half + root);
    let (mut sine, mut cosine, mut shift) = (1.0, 1.0, 0.0);
    for at in (first..last).rev() {
        let (f, b) = (sine * e[at], cosine * e[at]);
        let r = (f * f + g * g).sqrt();
        e[at + 1] = r;
        if r == 0.0 {
            d[at + 1] -= shift;
            e[last] = 0.0;
            return;
        }
        (sine, cosine) = (f / r, g / r);
        g = d[at + 1] - shift;
        let turned = (d[at] - g) * sine + 2.0 * cosine * b;
        shift = sine * turned;
        d[at + 1] = g + shift;
        g = cosine * turned - b;
        let (left, right) = vectors[at * order..(at + 2) * order].split_at_mut(order);
        rotate(left, right, cosine, sine);
    }
    d[first] -= shift;
    e[first] = g;
    e[last] = 0.0;
}
