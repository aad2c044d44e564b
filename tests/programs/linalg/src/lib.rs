//! A sanity check that has the host compute: the parameter `act` names what.

#![allow(missing_docs, reason = "a test program: each act stands by its name")]

use std::fmt::Debug;

use serde::Deserialize;
use sprag_sdk::linalg::{Kernels, LinalgError, Matrix};
use sprag_sdk::{Failure, SanityCheck, Session, Table, Verdict};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    act: String,
    #[serde(default)]
    columns: Vec<String>,
}

pub struct Program;

impl SanityCheck for Program {
    type Params = Params;

    fn check(session: &Session, params: Params, data: &Table) -> Result<Verdict, Failure> {
        let say = |what: &dyn Debug| sprag_sdk::info!(session, "{what:?}");
        let columns = &params.columns;
        match params.act.as_str() {
            "table" => table(&say, data, columns)?,
            "matrix" => matrices(&say)?,
            "refused-columns" => {
                say(&data.describe(columns).err());
                say(&data.gram(columns, &vec![0.0; columns.len()], None).err());
                say(&data.matrix(columns).err());
            }
            "refused-shapes" => shapes(&say, data)?,
            "huge" => {
                let (tall, flat) = (vector(20_000)?, Matrix::from_values(1, 20_000, &vec![1.0; 20_000])?);
                say(&tall.multiply(&flat).err());
            }
            "wide" => {
                let columns = vec!["x".to_owned(); 8000];
                say(&data.gram(&columns, &vec![0.0; 8000], None).err());
            }
            "hoard" => {
                let mut kept = vec![];
                loop {
                    kept.push(vector(100_000)?);
                }
            }
            "handles" => {
                let mut kept = vec![];
                loop {
                    kept.push(vector(1)?);
                }
            }
            "drop" => (0..400).try_for_each(|_| vector(100_000).map(drop))?,
            "read" => say(&vector(3)?.read(0, u32::MAX).err()),
            "loop" => {
                let columns: Vec<_> = (0..300).map(f64::from).collect();
                let square = vector(300)?.multiply(&Matrix::from_values(1, 300, &columns)?)?;
                loop {
                    square.eigen()?;
                }
            }
            "long" => {
                let columns = vec!["x".to_owned(); 2000];
                say(&data.gram(&columns, &vec![0.0; 2000], None).err());
            }
            other => return Err(Failure::bad_params(format!("unknown act `{other}`"))),
        }
        sprag_sdk::info!(session, "went on");
        Ok(Verdict::Pass)
    }
}

fn vector(rows: usize) -> Result<Matrix, LinalgError> {
    Matrix::vector(&vec![1.0; rows])
}

fn table(say: &dyn Fn(&dyn Debug), data: &Table, columns: &[String]) -> Result<(), LinalgError> {
    let stats = data.describe(columns)?;
    for stats in &stats {
        say(&(stats.count, stats.mean, stats.squares, stats.min, stats.max));
    }
    let means: Vec<_> = stats.iter().map(|stats| stats.mean).collect();
    let ones = vector(data.row_count() as usize)?;
    say(&data.gram(columns, &means, None)?.values()?);
    say(&data.gram(columns, &means, Some(&ones))?.values()?);
    say(&data.cross(columns, &ones)?.values()?);
    say(&data.product(columns, &vector(columns.len())?)?.values()?);
    say(&data.matrix(columns)?.values()?);
    Ok(())
}

fn matrices(say: &dyn Fn(&dyn Debug)) -> Result<(), LinalgError> {
    let square = Matrix::from_values(2, 2, &[4.0, 0.0, 0.0, 9.0])?;
    let right = Matrix::vector(&[4.0, 18.0])?;
    say(&(square.rows(), square.columns(), square.read(3, 1)?));
    say(&square.multiply(&right)?.values()?);
    say(&square.cholesky_solve(&right)?.values()?);
    let solution = Matrix::from_values(2, 2, &[1.0; 4])?.least_squares(&Matrix::vector(&[2.0, 2.0])?, None)?;
    say(&(solution.weights.values()?.iter().map(|weight| (weight * 1e12).round() / 1e12).collect::<Vec<_>>(), solution.rank));
    let factors = square.qr()?;
    say(&(factors.q.values()?, factors.r.values()?));
    let spectrum = square.eigen()?;
    say(&(spectrum.values, spectrum.vectors.values()?));
    Ok(())
}

fn shapes(say: &dyn Fn(&dyn Debug), data: &Table) -> Result<(), LinalgError> {
    let (x, two) = (["x".to_owned()], vector(2)?);
    say(&data.gram(&x, &[], None).err());
    say(&data.gram(&x, &[f64::NAN], None).err());
    say(&data.gram(&x, &[0.0], Some(&two)).err());
    say(&data.gram(&vec!["x".to_owned(); 9000], &[], None).err());
    say(&data.cross(&x, &two).err());
    say(&data.product(&x, &two).err());
    say(&Matrix::from_values(u64::MAX, 2, &[1.0]).err());
    say(&Matrix::from_values(1, 2, &[1.0, f64::INFINITY]).err());
    say(&two.read(1, 2).err());
    say(&two.multiply(&two).err());
    say(&two.eigen().err());
    say(&two.cholesky_solve(&two).err());
    say(&Matrix::vector(&[-1.0])?.cholesky_solve(&vector(1)?).err());
    say(&two.least_squares(&vector(1)?, None).err());
    say(&two.least_squares(&two, Some(f64::NAN)).err());
    say(&Matrix::vector(&[1e300])?.multiply(&Matrix::vector(&[1e300])?).err());
    say(&Matrix::from_values(0, 0, &[])?.qr()?.q.values()?);
    Ok(())
}

sprag_sdk::sanity_check!(Program);
