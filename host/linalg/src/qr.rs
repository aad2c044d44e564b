//! The QR factorisation of a matrix of any height.
//!
//! A tall matrix is cut into spans of rows, each of which is factored by itself; the triangles are stacked and factored in turn (Demmel, Grigori, Hoemmen and
//! Langou, Communication-optimal parallel and sequential QR and LU factorizations, 2012). It is as stable as Householder's method on the whole, reads the data
//! once, and where the cuts are the number of columns alone decides.

use crate::householder::Factored;
use crate::matrix::{check_finite, limited, row_count};
use crate::product::multiply;
use crate::vector::fast;
use crate::{LinalgError, Matrix, Work};

/// The rows of a span, unless the columns ask for more.
const SPAN: usize = 1024;

/// `A = Q R` with `k = min(rows, columns)`.
#[derive(Debug, Clone)]
pub struct Qr {
    /// `rows` x `k`, with `Q' Q = I`.
    pub q: Matrix,
    /// `k` x `columns`: zero below the diagonal and not negative on it, which for a matrix of full rank leaves one `Q` and one `R`.
    pub r: Matrix,
}

/// Factors a matrix given as columns. Without rows or columns, `Q` and `R` are empty.
///
/// Memory: `Q`, and a span of rows for each thread. No columns are exchanged: where `A` has not full rank, `R` has small entries on its diagonal and `Q` is
/// orthogonal all the same.
///
/// # Errors
///
/// [`LinalgError::Rows`], [`LinalgError::TooManyColumns`], [`LinalgError::NotFinite`], [`LinalgError::Stopped`]; [`LinalgError::Overflow`] where an entry of
/// `R` is beyond the greatest float.
pub fn qr(work: &Work<'_>, columns: &[&[f64]]) -> Result<Qr, LinalgError> {
    let rows = row_count(columns)?;
    let mut q = Matrix::zeros(rows, rows.min(limited(columns.len())?));
    let r = scaled(work, columns, rows, Some(&mut q))?;
    Ok(Qr { q, r })
}

/// The `R` of [`qr`] without its `Q`, in memory for a span of rows for each thread and a triangle for each span.
///
/// # Errors
///
/// Those of [`qr`].
pub fn triangle(work: &Work<'_>, columns: &[&[f64]]) -> Result<Matrix, LinalgError> {
    let rows = row_count(columns)?;
    limited(columns.len())?;
    scaled(work, columns, rows, None)
}

/// Scales columns whose squares could overflow or vanish by a power of two, which no bit of `Q` shows, and factors them.
fn scaled(work: &Work<'_>, columns: &[&[f64]], rows: usize, q: Option<&mut Matrix>) -> Result<Matrix, LinalgError> {
    let mut scales = vec![1.0; columns.len()];
    work.each(scales.iter_mut().zip(columns).enumerate(), |(column, (scale, values))| {
        let largest = fast(|| values.iter().fold(0.0, |most: f64, value| if value.abs() > most { value.abs() } else { most }));
        *scale = scale_of(largest);
        check_finite(&[values]).map_err(|error| match error {
            LinalgError::NotFinite { row, value, .. } => LinalgError::NotFinite { column, row, value },
            other => other,
        })
    })?;
    let mut r = factor(work, columns, rows, &scales, q)?;
    let order = r.rows();
    if order > 0 {
        for (column, scale) in r.values_mut().chunks_exact_mut(order).zip(&scales) {
            column.iter_mut().for_each(|value| *value /= scale);
        }
    }
    if r.values().iter().any(|value| !value.is_finite()) {
        return Err(LinalgError::Overflow { what: "length of each column" });
    }
    Ok(r)
}

/// 1, or the power of two that takes numbers up to `largest` to where their squares are floats.
pub(crate) fn scale_of(largest: f64) -> f64 {
    const TINY: f64 = f64::from_bits((1023 - 300) << 52);
    const HUGE: f64 = f64::from_bits((1023 + 300) << 52);
    const UP: f64 = f64::from_bits((1023 + 600) << 52);
    const DOWN: f64 = f64::from_bits((1023 - 600) << 52);
    match largest {
        0.0 => 1.0,
        _ if largest < TINY => UP,
        _ if largest > HUGE => DOWN,
        _ => 1.0,
    }
}

fn factor(
    work: &Work<'_>,
    columns: &[&[f64]],
    rows: usize,
    scales: &[f64],
    q: Option<&mut Matrix>,
) -> Result<Matrix, LinalgError> {
    let width = columns.len();
    let span = SPAN.max(4 * width);
    // The last span has the rest as well.
    let spans = (rows / span).max(1);
    let height = if spans == 1 { rows } else { span };
    let order = rows.min(width);
    let mut stacked = Matrix::zeros(if spans == 1 { order } else { spans * width }, width);
    if order == 0 {
        return Ok(stacked);
    }
    let keep = q.is_some();
    let triangles = row_spans(&mut stacked, spans, if spans == 1 { order } else { width });
    let mut no_q = Matrix::zeros(rows, 0);
    let q = q.unwrap_or(&mut no_q);
    let orthogonals = row_spans(q, spans, height);
    work.each(triangles.into_iter().zip(orthogonals).enumerate(), |(at, (mut triangle, orthogonal))| {
        let start = at * height;
        let end = if at + 1 == spans { rows } else { start + height };
        let mut values = Vec::with_capacity((end - start) * width);
        for (column, scale) in columns.iter().zip(scales) {
            values.extend(column[start..end].iter().map(|value| value * scale));
        }
        fast(|| {
            let factored = Factored::new(work, values, end - start, width)?;
            for (column, into) in triangle.iter_mut().enumerate() {
                factored.triangle_column(column, into);
            }
            if keep {
                let values = factored.orthogonal(work)?;
                copy(&values, orthogonal);
            }
            Ok(())
        })
    })?;
    if spans == 1 {
        return Ok(stacked);
    }
    let ones = vec![1.0; width];
    let mut upper = Matrix::zeros(if keep { stacked.rows() } else { 0 }, width);
    let r = factor(work, &stacked.as_columns(), stacked.rows(), &ones, keep.then_some(&mut upper))?;
    if keep {
        // `Q` is the product of what the spans have with their share of what the stack has.
        work.each(row_spans(q, spans, height).into_iter().enumerate(), |(at, orthogonal)| {
            let share: Vec<_> = (0..width).map(|column| &upper.column(column)[at * width..(at + 1) * width]).collect();
            let own: Vec<&[f64]> = orthogonal.iter().map(|column| &**column).collect();
            let product = multiply(&work.by_one(), &own, &share)?;
            copy(product.values(), orthogonal);
            Ok(())
        })?;
    }
    Ok(r)
}

/// Cuts each column into spans of `height` rows, the last with the rest, and gives for each span the parts of all columns.
fn row_spans(matrix: &mut Matrix, spans: usize, height: usize) -> Vec<Vec<&mut [f64]>> {
    let rows = matrix.rows();
    let mut parts: Vec<Vec<_>> = (0..spans).map(|_| vec![]).collect();
    for mut column in matrix.values_mut().chunks_exact_mut(rows.max(1)) {
        let (last, others) = match parts.split_last_mut() {
            Some(split) => split,
            None => return parts,
        };
        for part in others {
            let (own, rest) = column.split_at_mut(height);
            part.push(own);
            column = rest;
        }
        last.push(column);
    }
    parts
}

fn copy(values: &[f64], columns: Vec<&mut [f64]>) {
    let mut values = values;
    for column in columns {
        let (own, rest) = values.split_at(column.len());
        column.copy_from_slice(own);
        values = rest;
    }
}
