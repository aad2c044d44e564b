//! A matrix in a test's own memory.

use sprag_linalg::Cholesky;

use crate::linalg::LinalgError;

/// A dense matrix of finite numbers, column after column.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: Vec<Vec<f64>>,
}

/// A least squares solution.
#[derive(Debug)]
pub struct Solution {
    /// A row for each column of the matrix, and a column for each of the right side.
    pub weights: Matrix,
    /// How many singular values are above the cutoff.
    pub rank: u32,
    /// `|y - A w|^2`, for each column of the right side.
    pub residuals: Vec<f64>,
}

/// `A = Q R`.
#[derive(Debug)]
pub struct Factors {
    /// Orthogonal columns of length 1.
    pub q: Matrix,
    /// Zero below the diagonal and not negative on it.
    pub r: Matrix,
}

/// `A = V diag(values) V'`.
#[derive(Debug)]
pub struct Spectrum {
    /// The eigenvalues, from the least up.
    pub values: Vec<f64>,
    /// The eigenvectors as columns.
    pub vectors: Matrix,
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn bad_rows(what: &str, expected: usize, found: usize) -> LinalgError {
    LinalgError::BadShape(format!("expected {expected} rows in {what}, found {found}"))
}

impl Matrix {
    pub(super) fn of(columns: Vec<Vec<f64>>) -> Self {
        Self { rows: columns.first().map_or(0, Vec::len), columns }
    }

    pub(super) fn column(&self, column: usize) -> &[f64] {
        &self.columns[column]
    }

    pub(super) fn transposed(&self) -> Self {
        let columns = (0..self.rows).map(|row| self.columns.iter().map(|column| column[row]).collect()).collect();
        Self { rows: self.columns.len(), columns }
    }

    fn finite(self) -> Result<Self, LinalgError> {
        if self.columns.iter().flatten().all(|value| value.is_finite()) {
            return Ok(self);
        }
        Err(LinalgError::NoResult("expected values whose product is finite, found larger ones".to_owned()))
    }

    /// The flat values of a symmetric matrix, of which only what lies below the diagonal is read.
    fn symmetric(&self) -> Result<Vec<f64>, LinalgError> {
        let order = self.columns.len();
        if self.rows != order {
            return Err(LinalgError::BadShape(format!("expected a square matrix, found {} x {order}", self.rows)));
        }
        let places = (0..order * order).map(|at| (at / order, at % order));
        Ok(places.map(|(one, other)| self.columns[one.min(other)][one.max(other)]).collect())
    }

    /// The matrix of values that lie column after column.
    ///
    /// # Errors
    ///
    /// Where there are not `rows * columns` of them, or one is not finite.
    pub fn from_values(rows: u64, columns: u32, values: &[f64]) -> Result<Self, LinalgError> {
        let (height, found) = (rows as usize, values.len());
        if rows.checked_mul(columns.into()) != Some(found as u64) {
            return Err(LinalgError::BadShape(format!("expected {rows} x {columns} values in a matrix, found {found}")));
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let (column, row, value) = (at / height, at % height, values[at]);
            let message = format!("expected a finite number in column {column}, row {row}, found {value}");
            return Err(LinalgError::BadValue(message));
        }
        let column = |at: usize| values[at * height..(at + 1) * height].to_vec();
        Ok(Self { rows: height, columns: (0..columns as usize).map(column).collect() })
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows as u64
    }

    /// How many columns there are.
    pub fn columns(&self) -> u32 {
        self.columns.len() as u32
    }

    /// Values `offset..offset + len`, of all that lie column after column.
    ///
    /// # Errors
    ///
    /// Where they are not all there.
    pub fn read(&self, offset: u64, len: u32) -> Result<Vec<f64>, LinalgError> {
        let values = self.columns.concat();
        let (end, there) = (offset.saturating_add(len.into()), values.len());
        let found = || LinalgError::BadShape(format!("expected values within 0..{there} in a read, found {offset}..{end}"));
        values.get(offset as usize..end as usize).map(<[f64]>::to_vec).ok_or_else(found)
    }

    /// The product of this matrix and another.
    ///
    /// # Errors
    ///
    /// Where the other has not as many rows as this has columns, or the product is not finite.
    pub fn multiply(&self, right: &Self) -> Result<Self, LinalgError> {
        if right.rows != self.columns.len() {
            return Err(bad_rows("the matrix on the right", self.columns.len(), right.rows));
        }
        let rows = self.transposed().columns;
        let columns = right.columns.iter().map(|column| rows.iter().map(|row| dot(row, column)).collect()).collect();
        Self { rows: self.rows, columns }.finite()
    }

    /// The `X` with `A X = right`, for a symmetric, positive definite `A`.
    ///
    /// # Errors
    ///
    /// Where it is not, or shapes do not fit.
    pub fn cholesky_solve(&self, right: &Self) -> Result<Self, LinalgError> {
        let factor = Cholesky::new(&self.symmetric()?, self.rows);
        let refused = || LinalgError::NotPositiveDefinite("expected a positive definite matrix, found another".to_owned());
        let factor = factor.ok_or_else(refused)?;
        if right.rows != self.rows {
            return Err(bad_rows("the right side", self.rows, right.rows));
        }
        Self { rows: right.rows, columns: right.columns.iter().map(|column| factor.solve(column)).collect() }.finite()
    }

    /// The shortest `w` that makes `|y - A w|` least, for each column `y` of `right`, from the singular values of `A`.
    ///
    /// # Errors
    ///
    /// Where shapes do not fit, or the solution is not finite.
    pub fn least_squares(&self, right: &Self, cutoff: Option<f64>) -> Result<Solution, LinalgError> {
        if right.rows != self.rows {
            return Err(bad_rows("the right side", self.rows, right.rows));
        }
        let n = self.columns.len();
        let cutoff = cutoff.unwrap_or(f64::EPSILON * self.rows.max(n) as f64);
        let (mut u, mut v) = (self.columns.clone(), identity(n));
        orthogonalise(&mut u, &mut v);
        let lengths: Vec<f64> = u.iter().map(|column| dot(column, column).sqrt()).collect();
        let smallest = cutoff * lengths.iter().copied().fold(0.0, f64::max);
        let used: Vec<usize> = (0..n).filter(|&at| lengths[at] > smallest).collect();
        let solve = |y: &Vec<f64>| {
            let mut weights = vec![0.0; n];
            for &at in &used {
                let share = dot(&u[at], y) / lengths[at] / lengths[at];
                weights.iter_mut().zip(&v[at]).for_each(|(weight, v)| *weight += share * v);
            }
            weights
        };
        let weights = Self { rows: n, columns: right.columns.iter().map(solve).collect() }.finite()?;
        let fitted = self.multiply(&weights)?;
        let residual = |(y, fitted): (&Vec<f64>, &Vec<f64>)| y.iter().zip(fitted).map(|(y, fitted)| (y - fitted).powi(2)).sum();
        let residuals = right.columns.iter().zip(&fitted.columns).map(residual).collect();
        Ok(Solution { weights, rank: used.len() as u32, residuals })
    }

    /// The factors of `A = Q R`, by Householder's reflections.
    ///
    /// # Errors
    ///
    /// None that can be met here.
    pub fn qr(&self) -> Result<Factors, LinalgError> {
        let rank = self.rows.min(self.columns.len());
        let (mut r, mut q) = (self.columns.clone(), identity(self.rows));
        for at in 0..rank {
            let mut v = vec![0.0; self.rows];
            v[at..].copy_from_slice(&r[at][at..]);
            v[at] += dot(&v, &v).sqrt().copysign(v[at]);
            let square = dot(&v, &v);
            if square > 0.0 {
                for column in r.iter_mut().chain(&mut q) {
                    let share = 2.0 * dot(&v, column) / square;
                    column.iter_mut().zip(&v).for_each(|(value, v)| *value -= share * v);
                }
            }
        }
        // The reflections applied to the identity are `Q'`; rows are turned round where the diagonal would be negative.
        let q = Self { rows: self.rows, columns: q }.transposed();
        let signs: Vec<f64> = (0..rank).map(|at| if r[at][at] < 0.0 { -1.0 } else { 1.0 }).collect();
        let turned = |(column, sign): (&Vec<f64>, &f64)| column.iter().map(|value| sign * value).collect();
        let q = Self { rows: self.rows, columns: q.columns.iter().zip(&signs).map(turned).collect() };
        let entry = |row: usize, at: usize| if row <= at { signs[row] * r[at][row] } else { 0.0 };
        let columns = (0..r.len()).map(|at| (0..rank).map(|row| entry(row, at)).collect()).collect();
        Ok(Factors { q, r: Self { rows: rank, columns } })
    }

    /// The eigenvalues and eigenvectors of a symmetric matrix.
    ///
    /// # Errors
    ///
    /// Where it is not square.
    pub fn eigen(&self) -> Result<Spectrum, LinalgError> {
        let found = sprag_linalg::eigen(&self.symmetric()?, self.rows);
        let vectors = found.vectors.chunks(self.rows.max(1)).map(<[f64]>::to_vec);
        let mut pairs: Vec<(f64, Vec<f64>)> = found.values.into_iter().zip(vectors).collect();
        pairs.sort_by(|left, right| left.0.total_cmp(&right.0));
        for (_, vector) in &mut pairs {
            let largest = vector.iter().fold(0.0, |most: f64, &value| if value.abs() > most.abs() { value } else { most });
            vector.iter_mut().for_each(|value| *value *= 1.0_f64.copysign(largest));
        }
        let (values, columns) = pairs.into_iter().unzip();
        Ok(Spectrum { values, vectors: Self { rows: self.rows, columns } })
    }
}

fn identity(order: usize) -> Vec<Vec<f64>> {
    (0..order).map(|at| (0..order).map(|row| f64::from(row == at)).collect()).collect()
}

/// Rotates pairs of columns, and those of `v` with them, until each is orthogonal to the others: six to ten sweeps are usual.
fn orthogonalise(u: &mut [Vec<f64>], v: &mut [Vec<f64>]) {
    for _ in 0..60 {
        let mut rotated = false;
        for right in 1..u.len() {
            for left in 0..right {
                let (a, b, product) = (dot(&u[left], &u[left]), dot(&u[right], &u[right]), dot(&u[left], &u[right]));
                if product.abs() <= 8.0 * f64::EPSILON * (a * b).sqrt() {
                    continue;
                }
                rotated = true;
                let zeta = (b - a) / (2.0 * product);
                let tangent = 1.0_f64.copysign(zeta) / (zeta.abs() + zeta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                for columns in [&mut *u, &mut *v] {
                    let (before, after) = columns.split_at_mut(right);
                    for (x, y) in before[left].iter_mut().zip(&mut after[0]) {
                        (*x, *y) = (cosine * (*x - tangent * *y), cosine * (tangent * *x + *y));
                    }
                }
            }
        }
        if !rotated {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: u64, columns: u32, values: &[f64]) -> Matrix {
        Matrix::from_values(rows, columns, values).unwrap()
    }

    fn vector(values: &[f64]) -> Matrix {
        Matrix::vector(values).unwrap()
    }

    fn close(found: &Matrix, expected: &[f64]) {
        let found = found.values().unwrap();
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn small_matrices_by_hand() {
        let tall = matrix(3, 2, &[1.0, 1.0, 1.0, 1.0, 2.0, 3.0]);
        let solution = tall.least_squares(&vector(&[1.0, 2.0, 4.0]), None).unwrap();
        close(&solution.weights, &[-2.0 / 3.0, 1.5]);
        assert!(solution.rank == 2 && (solution.residuals[0] - 1.0 / 6.0).abs() < 1e-12);
        let same = matrix(2, 2, &[1.0; 4]).least_squares(&vector(&[2.0, 2.0]), None).unwrap();
        close(&same.weights, &[1.0, 1.0]);
        assert_eq!(same.rank, 1);
        for matrix in [tall.clone(), tall.transposed(), matrix(2, 2, &[0.0; 4])] {
            let Factors { q, r } = matrix.qr().unwrap();
            close(&q.multiply(&r).unwrap(), &matrix.values().unwrap());
            close(&q.transposed().multiply(&q).unwrap(), &identity(q.columns.len()).concat());
        }
        // What stands above the diagonal is not read.
        let spd = matrix(2, 2, &[2.0, 1.0, 9.0, 2.0]);
        close(&spd.cholesky_solve(&vector(&[3.0, 3.0])).unwrap(), &[1.0, 1.0]);
        let Spectrum { values, vectors } = spd.eigen().unwrap();
        close(&vector(&values), &[1.0, 3.0]);
        let (half, sign) = (0.5_f64.sqrt(), vectors.column(0)[0].signum());
        close(&vectors, &[sign * half, -sign * half, half, half]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let (one, two) = (matrix(1, 1, &[1.0]), vector(&[1.0, 2.0]));
        let shape = |result: Result<Matrix, LinalgError>| assert!(matches!(result, Err(LinalgError::BadShape(_))));
        shape(one.multiply(&two));
        shape(one.cholesky_solve(&two));
        shape(two.cholesky_solve(&two));
        shape(one.least_squares(&two, None).map(|solution| solution.weights));
        shape(Matrix::from_values(2, 2, &[1.0]));
        shape(one.read(0, 2).map(|_| one.clone()));
        assert!(matches!(Matrix::vector(&[f64::NAN]), Err(LinalgError::BadValue(_))));
        assert!(matches!(matrix(1, 1, &[-1.0]).cholesky_solve(&one), Err(LinalgError::NotPositiveDefinite(_))));
    }
}
