//! Evidence from tables in memory.
#![allow(clippy::unwrap_used, reason = "a test")]

use evaluate_regression::measure;
use sprag_evaluation::{Contest, Preview};
use sprag_gate::{Evidence, Outcome, Rule, decide};
use sprag_sdk::{Column, Failure, Frame};

fn predictions(values: &[f64]) -> Frame {
    Frame::new([("prediction", Column::floats(values.to_vec()))])
}

fn holdout(values: &[f64]) -> Frame {
    let sex = Column::texts((0..values.len()).map(|row| if row % 2 == 0 { "f" } else { "m" }));
    Frame::new([("sex", sex), ("y", Column::floats(values.to_vec()))]).with_target("y")
}

fn run(rule: &str, truth: &[f64], candidate: &[f64], production: Option<&[f64]>) -> Result<(Evidence, String), Failure> {
    let (holdout, candidate, production) = (holdout(truth), predictions(candidate), production.map(predictions));
    let contest =
        Contest { holdout: &holdout, candidate: &candidate, production: production.as_ref().map(|frame| frame as _), watch: &() };
    let mut preview = Preview::new(production.is_some());
    let rule: Rule = serde_json::from_str(rule).unwrap();
    let evidence = measure(contest, production.as_ref().map(|_| "m@1".to_owned()), &rule, 5, &mut preview)?;
    Ok((evidence, preview.text().to_owned()))
}

#[test]
fn both_models_are_measured_on_the_same_rows() {
    let (found, preview) =
        run(r#"{"slices": [{"column": "sex"}]}"#, &[1.0, 2.0, 4.0], &[1.0, 2.5, 4.0], Some(&[2.0, 2.0, 3.0])).unwrap();
    let metrics: Vec<_> = found.metrics.iter().map(|metric| (metric.name, metric.candidate, metric.production)).collect();
    assert_eq!(metrics[0], ("mse", Some(0.25 / 3.0), Some(2.0 / 3.0)));
    assert_eq!(metrics[2], ("mae", Some(0.5 / 3.0), Some(2.0 / 3.0)));
    let slices: Vec<_> = found.slices.iter().map(|slice| (slice.rows, slice.candidate, slice.production)).collect();
    assert_eq!(slices, [(2, Some(0.0), Some(1.0)), (1, Some(0.25), Some(0.0))]);
    assert_eq!(preview, "row,truth,candidate,production\n0,1,1,2\n1,2,2.5,2\n2,4,4,3\n");
    let interval = found.interval.unwrap();
    assert!(interval.low >= -1.0 && interval.high <= 0.25 && interval.low < interval.high, "{interval:?}");
}

#[test]
fn the_same_model_is_not_better() {
    let truth: Vec<f64> = (0..70_000).map(f64::from).collect();
    let guess: Vec<f64> = truth.iter().map(|value| value + value.sin()).collect();
    let rule = r#"{"bootstrap": {"resamples": 50, "max_rows": 1000}}"#;
    let (found, _) = run(rule, &truth, &guess, Some(&guess)).unwrap();
    assert_eq!(found.rows, 70_000);
    assert_eq!(found.interval.map(|interval| (interval.low, interval.high, interval.rows)), Some((0.0, 0.0, 1000)));
    assert_eq!(decide(&Rule::default(), "mse", &found).unwrap().outcome, Outcome::Keep);
}

#[test]
fn without_production_there_is_no_interval() {
    let (found, preview) = run("{}", &[1.0, 2.0], &[1.0, 1.0], None).unwrap();
    assert_eq!((found.interval, found.metrics[0].candidate, found.metrics[0].production), (None, Some(0.5), None));
    assert_eq!(preview, "row,truth,candidate\n0,1,1\n1,2,1\n");
}

#[test]
fn what_cannot_be_measured_is_named() {
    let refused = |truth: &[f64], candidate: &[f64], production: &[f64]| {
        run("{}", truth, candidate, Some(production)).unwrap_err().message().to_owned()
    };
    let nan = f64::NAN;
    assert_eq!(refused(&[1.0, nan], &[1.0, 1.0], &[1.0, 1.0]), "expected a finite number as the target in row 1, found NaN");
    let candidate = "expected a finite number as the candidate's prediction in row 1, found NaN";
    assert_eq!(refused(&[1.0, 1.0], &[1.0, nan], &[1.0, 1.0]), candidate);
    let production = "expected a finite number as production's prediction in row 0, found inf";
    assert_eq!(refused(&[1.0, 1.0], &[1.0, 1.0], &[f64::INFINITY, 1.0]), production);
    assert_eq!(refused(&[1.0, 1.0], &[1.0], &[1.0, 1.0]), "expected 2 predictions of the candidate, found 1");
    assert_eq!(refused(&[], &[], &[]), "expected at least one row in the hold-out, found none");
}
