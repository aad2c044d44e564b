//! Evidence from tables in memory.
#![allow(clippy::unwrap_used, reason = "a test")]

use evaluate_classification::{Confusion, measure};
use sprag_evaluation::{Contest, Preview};
use sprag_gate::{Evidence, Rule};
use sprag_sdk::{Column, Failure, Frame};

/// Answers of a model of the classes `n` and `y`, from its probabilities of `y`.
fn answers(probabilities: &[f64]) -> Frame {
    let prediction = Column::texts(probabilities.iter().map(|p| if *p > 0.5 { "y" } else { "n" }));
    let no = Column::floats(probabilities.iter().map(|p| 1.0 - p).collect());
    Frame::new([("prediction", prediction), ("probability:n", no), ("probability:y", Column::floats(probabilities.to_vec()))])
}

fn holdout(truth: &[&str]) -> Frame {
    let site = Column::texts((0..truth.len()).map(|row| if row < 2 { "north" } else { "south" }));
    Frame::new([("site", site), ("class", Column::texts(truth))]).with_target("class")
}

fn run(
    rule: &str,
    truth: &[&str],
    candidate: &Frame,
    production: Option<&Frame>,
) -> Result<(Evidence, Confusion, String), Failure> {
    let holdout = holdout(truth);
    let contest = Contest { holdout: &holdout, candidate, production: production.map(|frame| frame as _), watch: &() };
    let mut preview = Preview::new(production.is_some());
    let rule: Rule = serde_json::from_str(rule).unwrap();
    let (evidence, confusion) = measure(contest, production.map(|_| "m@1".to_owned()), &rule, 5, &mut preview)?;
    Ok((evidence, confusion, preview.text().to_owned()))
}

fn value(evidence: &Evidence, name: &str) -> (Option<f64>, Option<f64>) {
    let metric = evidence.metrics.iter().find(|metric| metric.name == name).unwrap();
    (metric.candidate, metric.production)
}

const TRUTH: [&str; 4] = ["n", "n", "y", "y"];

#[test]
fn both_models_are_measured_on_the_same_rows() {
    let (candidate, production) = (answers(&[0.1, 0.4, 0.35, 0.8]), answers(&[0.6, 0.4, 0.3, 0.9]));
    let (found, confusion, preview) = run(r#"{"slices": [{"column": "site"}]}"#, &TRUTH, &candidate, Some(&production)).unwrap();
    // scikit-learn 1.9.1: log_loss, accuracy_score, balanced_accuracy_score, f1_score(average="macro"), roc_auc_score.
    let (log_loss, _) = value(&found, "log_loss");
    assert!((log_loss.unwrap() - 0.472_287_953_809_176_15).abs() < 1e-12, "{log_loss:?}");
    assert_eq!(value(&found, "accuracy"), (Some(0.75), Some(0.5)));
    assert_eq!(value(&found, "balanced_accuracy"), (Some(0.75), Some(0.5)));
    assert_eq!(value(&found, "f1").0, Some((0.8 + 2.0 / 3.0) / 2.0));
    assert_eq!(value(&found, "roc_auc"), (Some(0.75), Some(0.5)));
    assert_eq!(confusion.labels, ["n", "y"]);
    assert_eq!(confusion.candidate, [[2.0, 0.0], [1.0, 1.0]]);
    assert_eq!(confusion.production, Some(vec![vec![1.0, 1.0], vec![1.0, 1.0]]));
    assert_eq!(
        found.slices.iter().map(|slice| (slice.value.as_deref(), slice.rows)).collect::<Vec<_>>(),
        [(Some("north"), 2), (Some("south"), 2)]
    );
    assert!(preview.starts_with("row,truth,candidate,production\n0,n,n,y\n"), "{preview}");
    let interval = found.interval.unwrap();
    assert!(interval.low < interval.high && interval.rows == 4);
}

#[test]
fn the_interval_is_of_the_deciding_metric() {
    let (candidate, production) = (answers(&[0.1, 0.4, 0.35, 0.8]), answers(&[0.6, 0.4, 0.3, 0.9]));
    for metric in ["accuracy", "roc_auc", "f1"] {
        let rule = format!(r#"{{"metric": "{metric}"}}"#);
        let (found, ..) = run(&rule, &TRUTH, &candidate, Some(&production)).unwrap();
        let interval = found.interval.unwrap();
        assert!(interval.low >= -1.0 && interval.high <= 1.0, "{metric}: {interval:?}");
        let (same, ..) = run(&rule, &TRUTH, &candidate, Some(&candidate)).unwrap();
        assert_eq!(same.interval.map(|interval| (interval.low, interval.high)), Some((0.0, 0.0)), "{metric}");
    }
}

#[test]
fn a_model_without_probabilities_has_the_metrics_of_classes() {
    let classes = Frame::new([("prediction", Column::texts(["n", "y", "y", "other"]))]);
    let (found, confusion, _) = run(r#"{"metric": "accuracy"}"#, &TRUTH, &classes, None).unwrap();
    assert_eq!(
        (value(&found, "accuracy"), value(&found, "log_loss"), value(&found, "roc_auc")),
        ((Some(0.5), None), (None, None), (None, None))
    );
    assert_eq!(confusion.labels, ["n", "other", "y"]);
}

#[test]
fn a_class_that_the_model_does_not_know_costs_much_and_ends_the_ranking() {
    let (found, ..) = run("{}", &["n", "new"], &answers(&[0.0, 0.0]), None).unwrap();
    assert_eq!(value(&found, "log_loss").0, Some(-f64::EPSILON.ln() / 2.0));
    assert_eq!(value(&found, "roc_auc").0, None);
}

#[test]
fn what_cannot_be_measured_is_named() {
    let refused = |rule: &str, candidate: &Frame| run(rule, &TRUTH, candidate, None).unwrap_err().message().to_owned();
    let nan = "expected a probability from 0 to 1 of class `n` from the candidate in row 1, found NaN";
    assert_eq!(refused("{}", &answers(&[0.1, f64::NAN, 0.2, 0.3])), nan);
    let slices = "`slices`: expected a metric other than `roc_auc`, which a slice may not define";
    assert_eq!(refused(r#"{"metric": "roc_auc", "slices": [{"column": "site"}]}"#, &answers(&[0.5; 4])), slices);
    let gap = Column { validity: Some(vec![0b1011]), ..Column::texts(["n", "n", "", "y"]) };
    let gap = Frame::new([("prediction", gap)]);
    assert_eq!(refused("{}", &gap), "expected a class as the candidate's prediction in row 2, found no value");
    assert_eq!(refused("{}", &answers(&[0.5; 3])), "expected 4 predictions of the candidate, found 3");
}
