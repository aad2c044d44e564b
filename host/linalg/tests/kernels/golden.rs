//! What NumPy and SciPy make of the same matrices: random, ill-conditioned, dependent, constant, of scales far apart, of one row, of one column, of zeros.

use std::path::Path;

use serde::Deserialize;
use sprag_linalg_host::{Cholesky, Cross, Gram, Matrix, Work, column_stats, eigen, least_squares, multiply, qr, triangle};

use crate::{assert_close, lengths, noise};

/// A file that `golden.py` wrote; matrices lie column after column.
#[derive(Deserialize)]
struct Golden {
    mean: Vec<f64>,
    variance: Vec<f64>,
    min: Vec<f64>,
    max: Vec<f64>,
    gram: Vec<f64>,
    centred_gram: Vec<f64>,
    weighted_gram: Vec<f64>,
    cross: Vec<f64>,
    product: Vec<f64>,
    ridge_cholesky: Vec<f64>,
    ridge_solution: Vec<f64>,
    triangle: Vec<f64>,
    rank: usize,
    least_squares: Vec<f64>,
    residuals: Vec<f64>,
    eigenvalues: Vec<f64>,
}

fn gram(x: &Matrix, shift: &[f64], weights: Option<&[f64]>) -> Matrix {
    let mut gram = Gram::new(shift).unwrap();
    gram.add(&Work::alone(), &x.as_columns(), weights).unwrap();
    gram.finish()
}

/// Holds all kernels to a file. `condition` bounds that of the matrix, its columns scaled to one length.
fn check(name: &str, x: &Matrix, condition: f64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (work, columns, rows) = (Work::alone(), x.as_columns(), x.rows());
    let (y, weights) = (noise(rows, 2, 99), noise(rows, 1, 98));
    let weights: Vec<f64> = weights.values().iter().map(|value| value.abs()).collect();
    let (long, y_long) = (lengths(x), lengths(&y));

    let stats = column_stats(&work, &columns).unwrap();
    for (at, stats) in stats.iter().enumerate() {
        let size = long[at] / (rows as f64).sqrt();
        assert!((stats.mean - golden.mean[at]).abs() <= 1e-14 * size, "{name}: mean {at}");
        assert!((stats.squares / rows as f64 - golden.variance[at]).abs() <= 1e-14 * size * size, "{name}: variance {at}");
        // JSON is read to the last bit but one.
        let same = |found: f64, expected: f64| (found - expected).abs() <= f64::EPSILON * expected.abs();
        assert!(stats.count == rows && same(stats.min, golden.min[at]) && same(stats.max, golden.max[at]), "{name}: {at}");
    }
    let means: Vec<f64> = stats.iter().map(|stats| stats.mean).collect();

    let both = |row: usize, column: usize| long[row] * long[column];
    let plain = gram(x, &vec![0.0; x.columns()], None);
    assert_close(&format!("{name}: gram"), &plain, &golden.gram, 1e-14, both);
    assert_close(&format!("{name}: centred gram"), &gram(x, &means, None), &golden.centred_gram, 1e-14, both);
    let weighted = gram(x, &vec![0.0; x.columns()], Some(&weights));
    assert_close(&format!("{name}: weighted gram"), &weighted, &golden.weighted_gram, 1e-14, both);
    let mut cross = Cross::new(x.columns(), 2).unwrap();
    cross.add(&work, &columns, &y.as_columns()).unwrap();
    let cross = cross.finish();
    assert_close(&format!("{name}: cross"), &cross, &golden.cross, 1e-14, |row, column| long[row] * y_long[column]);
    let top: Vec<&[f64]> = columns.iter().map(|column| &column[..rows.min(8)]).collect();
    let product = multiply(&work, &top, &noise(x.columns(), 3, 97).as_columns()).unwrap();
    let longest = long.iter().copied().fold(0.0, f64::max);
    assert_close(&format!("{name}: product"), &product, &golden.product, 1e-14, |_, _| longest * x.columns() as f64);

    let mut ridge = plain.clone();
    ridge.add_to_diagonal(0.5);
    let size: Vec<f64> = (0..x.columns()).map(|at| ridge.at(at, at).sqrt()).collect();
    let factor = Cholesky::factor(&work, &ridge).unwrap();
    assert_close(&format!("{name}: factor"), factor.lower(), &golden.ridge_cholesky, 1e-12, |row, _| size[row]);
    let solved = factor.solve(&work, &cross).unwrap();
    let largest =
        golden.ridge_solution.iter().enumerate().map(|(at, weight)| weight.abs() * size[at % size.len()]).fold(0.0, f64::max);
    assert_close(&format!("{name}: solution"), &solved, &golden.ridge_solution, 1e-11, |row, _| largest / size[row]);

    let factored = qr(&work, &columns).unwrap();
    assert_eq!(factored.r, triangle(&work, &columns).unwrap(), "{name}");
    if golden.rank == x.columns().min(rows) {
        let tolerance = 1e-14 * condition;
        assert_close(&format!("{name}: triangle"), &factored.r, &golden.triangle, tolerance, |_, column| long[column]);
    }
    let again = multiply(&work, &factored.q.as_columns(), &factored.r.as_columns()).unwrap();
    assert_close(&format!("{name}: Q R"), &again, x.values(), 1e-13, |_, column| long[column]);

    let solved = least_squares(&work, &columns, &y.as_columns(), None).unwrap();
    assert_eq!(solved.rank, golden.rank, "{name}");
    let largest =
        golden.least_squares.iter().enumerate().map(|(at, weight)| weight.abs() * long[at % long.len()]).fold(0.0, f64::max);
    let tolerance = 1e-14 * condition;
    let scale = |row: usize, _| if long[row] > 0.0 { largest / long[row] } else { 0.0 };
    assert_close(&format!("{name}: least squares"), &solved.weights, &golden.least_squares, tolerance, scale);
    for (at, (found, expected)) in solved.residuals.iter().zip(&golden.residuals).enumerate() {
        assert!((found - expected).abs() <= 1e-9 * y_long[at] * y_long[at], "{name}: residual {at}: {found} for {expected}");
    }
    let values = Matrix::from_columns(&[&eigen(&work, &plain).unwrap().values]).unwrap();
    let largest = golden.eigenvalues.iter().copied().fold(0.0, f64::max);
    assert_close(&format!("{name}: eigenvalues"), &values, &golden.eigenvalues, 1e-14 * x.columns() as f64, |_, _| largest);
}

fn hilbert(rows: usize, columns: usize) -> Matrix {
    let entry = |at: usize| 1.0 / ((at % rows) as f64 + (at / rows) as f64 + 1.0);
    Matrix::from_values(rows, columns, (0..rows * columns).map(entry).collect()).unwrap()
}

/// Six columns of rank 4: the last two are sums of others, exactly.
fn dependent(rows: usize) -> Matrix {
    let rounded = noise(rows, 4, 5).into_values().into_iter().map(|value| (value * 1024.0).round_ties_even() / 1024.0);
    let four = Matrix::from_values(rows, 4, rounded.collect()).unwrap();
    let sum: Vec<f64> = four.column(0).iter().zip(four.column(1)).map(|(a, b)| a + b).collect();
    let difference: Vec<f64> = four.column(2).iter().zip(four.column(3)).map(|(a, b)| a - b).collect();
    Matrix::from_columns(&[four.as_columns(), vec![&sum, &difference]].concat()).unwrap()
}

#[test]
fn random_matrices() {
    check("random-40x7", &noise(40, 7, 1), 10.0);
    check("random-5000x13", &noise(5000, 13, 2), 10.0);
    check("wide-4x9", &noise(4, 9, 3), 100.0);
}

#[test]
fn ill_conditioned_matrices() {
    check("hilbert-60x9", &hilbert(60, 9), 1e12);
    check("hilbert-9x9", &hilbert(9, 9), 1e13);
}

#[test]
fn dependent_columns() {
    check("dependent-50x6", &dependent(50), 100.0);
    check("dependent-3000x6", &dependent(3000), 100.0);
}

#[test]
fn constant_columns_and_columns_of_scales_far_apart() {
    let (mut columns, constant) = (noise(30, 4, 6), vec![0.1; 30]);
    let mut parts = columns.as_columns();
    parts[2] = &constant;
    columns = Matrix::from_columns(&parts).unwrap();
    check("constant-30x4", &columns, 100.0);
    let scaled = noise(30, 3, 7).into_values().into_iter().enumerate().map(|(at, value)| value * [1e-9, 1.0, 1e9][at / 30]);
    check("scaled-30x3", &Matrix::from_values(30, 3, scaled.collect()).unwrap(), 1e10);
}

#[test]
fn one_row_one_column_and_zeros() {
    check("one-row-1x4", &noise(1, 4, 8), 100.0);
    check("one-column-25x1", &noise(25, 1, 9), 10.0);
    check("zero-10x3", &Matrix::zeros(10, 3), 1.0);
}
