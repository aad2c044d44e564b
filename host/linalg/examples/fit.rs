//! Fits a ridge regression to columns in memory, as often as it is asked to: the measured side of `fit.py`.
//!
//! `fit FILE ROWS COLUMNS THREADS`: the file holds 64-bit floats, column after column, the target as the last. For each line on standard input it fits once
//! and writes the seconds, the intercept and the weights.

use std::error::Error;
use std::io::{BufRead, Write};
use std::num::NonZero;
use std::time::Instant;

use sprag_linalg_host::{Cholesky, Gram, LinalgError, Matrix, Work, column_stats};

const ALPHA: f64 = 1.0;

fn fit(work: &Work<'_>, columns: &[&[f64]]) -> Result<Vec<f64>, LinalgError> {
    let means: Vec<f64> = column_stats(work, columns)?.iter().map(|stats| stats.mean).collect();
    let mut gram = Gram::new(&means)?;
    gram.add(work, columns, None)?;
    let gram = gram.finish();
    let features = columns.len() - 1;
    let sides: Vec<_> = (0..features).map(|column| &gram.column(column)[..features]).collect();
    let mut squares = Matrix::from_columns(&sides)?;
    squares.add_to_diagonal(ALPHA);
    let products = Matrix::from_columns(&[&gram.column(features)[..features]])?;
    let weights = Cholesky::factor(work, &squares)?.solve(work, &products)?.into_values();
    let explained: f64 = weights.iter().zip(&means).map(|(weight, mean)| weight * mean).sum();
    Ok([vec![means[features] - explained], weights].concat())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, rows, columns, threads] = arguments.as_slice() else { return Err("fit FILE ROWS COLUMNS THREADS".into()) };
    let (rows, columns): (usize, usize) = (rows.parse()?, columns.parse()?);
    let work = Work::new(threads.parse::<NonZero<usize>>()?, &|| false);
    let bytes = std::fs::read(file)?;
    let values: Vec<f64> = bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    drop(bytes);
    let data = Matrix::from_values(rows, columns, values)?;
    let (input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    for line in input.lines() {
        line?;
        let start = Instant::now();
        let weights = fit(&work, &data.as_columns())?;
        writeln!(output, "{:?} {weights:?}", start.elapsed().as_secs_f64())?;
        output.flush()?;
    }
    Ok(())
}
