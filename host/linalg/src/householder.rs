//! The QR factorisation of a matrix that fits the cache, by Householder's reflections.

use crate::vector::{add_multiple, dot, length};
use crate::{LinalgError, Work};

/// A reflection `I - tau v v'`, whose `v` begins with 1; `v` is stored without it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reflection {
    pub(crate) tau: f64,
    /// What the vector that it was made for begins with after it; the rest is 0.
    pub(crate) beta: f64,
}

impl Reflection {
    /// Makes the reflection that leaves of `x` only its first entry, and puts its `v` in place of the rest of `x`.
    ///
    /// LAPACK's `dlarfg`, for vectors that are scaled already. Sums of squares are what [`length`] can do.
    #[inline(always)]
    pub(crate) fn make(first: f64, rest: &mut [f64]) -> Self {
        let rest_length = length(rest);
        if rest_length == 0.0 {
            return Self { tau: 0.0, beta: first };
        }
        let beta = -(first * first + rest_length * rest_length).sqrt().copysign(first);
        let divisor = first - beta;
        rest.iter_mut().for_each(|value| *value /= divisor);
        Self { tau: -divisor / beta, beta }
    }

    /// Reflects `x`.
    #[inline(always)]
    pub(crate) fn apply(self, v: &[f64], x: &mut [f64]) {
        if let Some((first, rest)) = x.split_first_mut() {
            let share = self.tau * (*first + dot(v, rest));
            *first -= share;
            add_multiple(rest, -share, v);
        }
    }
}

/// A factored matrix: `R` on and above the diagonal, the reflections' vectors below.
#[derive(Debug)]
pub(crate) struct Factored {
    rows: usize,
    values: Vec<f64>,
    reflections: Vec<Reflection>,
}

impl Factored {
    /// Factors `rows` x `columns` values that lie column after column. No column may have squares that overflow or vanish.
    #[inline(always)]
    pub(crate) fn new(work: &Work<'_>, mut values: Vec<f64>, rows: usize, columns: usize) -> Result<Self, LinalgError> {
        let mut reflections = Vec::with_capacity(rows.min(columns));
        for at in 0..rows.min(columns) {
            work.go_on()?;
            let (done, rest) = values.split_at_mut((at + 1) * rows);
            let own = &mut done[at * rows + at..];
            let (first, vector) = own.split_at_mut(1);
            let reflection = Reflection::make(first[0], vector);
            first[0] = reflection.beta;
            if reflection.tau != 0.0 {
                rest.chunks_exact_mut(rows).for_each(|column| reflection.apply(vector, &mut column[at..]));
            }
            reflections.push(reflection);
        }
        Ok(Self { rows, values, reflections })
    }

    /// Row `row` of `R` is turned round where its diagonal entry would be negative, and the column of `Q` with it.
    fn sign(&self, row: usize) -> f64 {
        if self.reflections[row].beta < 0.0 { -1.0 } else { 1.0 }
    }

    /// Writes column `column` of `R`, of `min(rows, columns)` entries.
    pub(crate) fn triangle_column(&self, column: usize, into: &mut [f64]) {
        let from = &self.values[column * self.rows..][..into.len()];
        for (row, (into, from)) in into.iter_mut().zip(from).enumerate() {
            *into = if row <= column { self.sign(row) * from } else { 0.0 };
        }
    }

    /// The first `min(rows, columns)` columns of `Q`, one after the other.
    #[inline(always)]
    pub(crate) fn orthogonal(&self, work: &Work<'_>) -> Result<Vec<f64>, LinalgError> {
        let (rows, rank) = (self.rows, self.reflections.len());
        let mut q = vec![0.0; rows * rank];
        for at in 0..rank {
            q[at * rows + at] = self.sign(at);
        }
        for at in (0..rank).rev() {
            work.go_on()?;
            let vector = &self.values[at * rows + at + 1..(at + 1) * rows];
            q[at * rows..].chunks_exact_mut(rows).for_each(|column| self.reflections[at].apply(vector, &mut column[at..]));
        }
        Ok(q)
    }
}
