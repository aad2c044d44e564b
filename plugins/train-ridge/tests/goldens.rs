//! Mean squared errors on the hold-out of scikit-learn's `train_test_split(test_size=0.2, random_state=0)`, against scikit-learn 1.9.1
//! (`Ridge(alpha).fit(...)`, `mean_squared_error`).

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test, which says when it has no data")]

use std::{fs, path::Path};

use sprag_sdk::{Frame, Scorer, Source};
use train_ridge::{Line, Params, fit};

/// The rows of the hold-out, as `train_test_split` gives them for 442 rows.
const HOLDOUT: &str = include_str!("holdout.txt");

fn check(file: &str, goldens: &[(f64, f64)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not here", path.display());
        return;
    };
    let all = Frame::from_csv(&text).with_target("Y");
    let holdout: Vec<usize> = HOLDOUT.split_whitespace().map(|row| row.parse().unwrap()).collect();
    let training: Vec<usize> = (0..all.row_count() as usize).filter(|row| !holdout.contains(row)).collect();
    let (training, holdout) = (all.take(&training), all.take(&holdout));
    for &(alpha, expected) in goldens {
        let fitted = fit(&training, &Params { alpha, ..Params::default() }, &()).unwrap();
        let model = Line::load(&Line::from(fitted).state().bytes).unwrap();
        let inputs: Vec<_> = model.inputs().iter().map(|field| holdout.column(&field.name).unwrap().clone()).collect();
        let outputs = model.predict(89, &inputs).unwrap();
        let (predictions, truth) = (outputs[0].numbers().unwrap(), holdout.column("Y").unwrap().numbers().unwrap());
        let mse = predictions.iter().zip(&*truth).map(|(p, t)| (p - t).powi(2)).sum::<f64>() / truth.len() as f64;
        assert!((mse / expected - 1.0).abs() < 1e-9, "alpha {alpha}: expected {expected}, found {mse}");
    }
}

#[test]
fn scikit_learns_diabetes_data() {
    let goldens = [(0.5, 3298.885589364046), (0.4, 3295.714938563238), (0.0, 3424.259334298693)];
    check("../../examples/diabetes/data/diabetes.csv", &goldens);
}

#[test]
fn the_reference_systems_file() {
    let goldens = [(0.5, 3298.909605807062), (0.4, 3295.741064355809), (0.0, 3424.3166882137316)];
    check("../../../shared/data/diabetes.csv", &goldens);
}
