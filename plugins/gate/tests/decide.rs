//! The rule, case by case: rule and evidence in, outcome and sentence out.
#![allow(clippy::unwrap_used, reason = "a test")]

use Outcome::{Blocked, Keep, Promote};
use sprag_gate::{Direction, Evidence, Interval, Metric, Outcome, Rule, Slice, decide};

fn evidence(candidate: f64, production: impl Into<Option<f64>>) -> Evidence {
    let production = production.into();
    let r2 = |mse: f64| Some(1.0 - mse / 5000.0);
    Evidence {
        production: production.map(|_| "diabetes@2".to_owned()),
        rows: 89,
        metrics: vec![
            Metric { name: "mse", direction: Direction::Lower, candidate: Some(candidate), production },
            Metric { name: "r2", direction: Direction::Higher, candidate: r2(candidate), production: production.and_then(r2) },
        ],
        ..Evidence::default()
    }
}

fn rule(json: &str) -> Rule {
    serde_json::from_str(json).unwrap()
}

fn check(json: &str, evidence: &Evidence, outcome: Outcome, reason: &str) {
    let verdict = decide(&rule(json), "mse", evidence).unwrap();
    assert_eq!((verdict.outcome, verdict.reason.as_str()), (outcome, reason), "{json}");
}

fn refused(json: &str, evidence: &Evidence, expected: &str) {
    assert_eq!(decide(&rule(json), "mse", evidence).unwrap_err().to_string(), expected, "{json}");
}

#[test]
fn better_is_promoted_equal_and_worse_are_kept() {
    let better = "mse 3295.71 is 3.17 (0.096 %) lower than that of production `diabetes@2` (3298.89)";
    check("{}", &evidence(3295.714938563238, 3298.885589364046), Promote, better);
    let equal = "mse 3298.89 equals that of production `diabetes@2`, and equal is not better";
    check("{}", &evidence(3298.885589364046, 3298.885589364046), Keep, equal);
    let worse = "mse 3300 is 10 (0.3 %) higher than that of production `diabetes@2` (3290)";
    check("{}", &evidence(3300.0, 3290.0), Keep, worse);
    let higher = "r2 0.36 is 0.02 (5.9 %) higher than that of production `diabetes@2` (0.34)";
    check(r#"{"metric": "r2"}"#, &evidence(3200.0, 3300.0), Promote, higher);
}

#[test]
fn the_margin_is_strict() {
    let demanded = |found: &str| {
        format!(
            "mse 90 is 10 (10 %) lower than that of production `diabetes@2` (100), which is not more than the {found} that the rule demands"
        )
    };
    check(r#"{"min_improvement": {"absolute": 10}}"#, &evidence(90.0, 100.0), Keep, &demanded("10"));
    check(r#"{"min_improvement": {"relative": 0.2}}"#, &evidence(90.0, 100.0), Keep, &demanded("20"));
    check(r#"{"min_improvement": {"absolute": 6, "relative": 0.05}}"#, &evidence(90.0, 100.0), Keep, &demanded("11"));
    let better = "mse 90 is 10 (10 %) lower than that of production `diabetes@2` (100)";
    check(r#"{"min_improvement": {"absolute": 9.99}}"#, &evidence(90.0, 100.0), Promote, better);
}

#[test]
fn the_first_model() {
    check("{}", &evidence(50.0, None), Promote, "the first model, since none is in production yet; mse is 50");
    check(
        r#"{"first_model": "keep"}"#,
        &evidence(50.0, None),
        Keep,
        "no model is in production yet, and the rule leaves the first to a person; mse is 50",
    );
    check(
        r#"{"first_model": "require-bounds"}"#,
        &evidence(50.0, None),
        Blocked,
        "no model is in production yet, and the rule has no bound for the first; mse is 50",
    );
    check(
        r#"{"first_model": "require-bounds", "bounds": [{"metric": "mse", "at_most": 60}]}"#,
        &evidence(50.0, None),
        Promote,
        "the first model, since none is in production yet; mse is 50; the other condition holds",
    );
}

#[test]
fn bounds_block_whatever_is_in_production() {
    let bounds = r#"{"bounds": [{"metric": "mse", "at_most": 40}, {"metric": "r2", "at_least": 0.995, "at_most": 0.999}]}"#;
    let reason = "mse 50 must be at most 40; r2 0.99 must be at least 0.995";
    check(bounds, &evidence(50.0, None), Blocked, reason);
    check(bounds, &evidence(50.0, 60.0), Blocked, reason);
    check(bounds, &evidence(50.0, 10.0), Blocked, reason);
    refused(
        r#"{"bounds": [{"metric": "mse"}]}"#,
        &evidence(1.0, None),
        "bound on `mse`: expected `at_least` or `at_most`, found neither",
    );
}

#[test]
fn guards_keep_or_block() {
    let mut found = evidence(90.0, 100.0);
    found.metrics.push(Metric { name: "mae", direction: Direction::Lower, candidate: Some(8.0), production: Some(7.0) });
    let worse = "mae 8 is 1 (14 %) higher than that of production `diabetes@2` (7), and the rule allows 0";
    check(r#"{"guards": [{"metric": "mae"}]}"#, &found, Keep, worse);
    check(r#"{"guards": [{"metric": "mae", "otherwise": "blocked"}]}"#, &found, Blocked, worse);
    let better = "mse 90 is 10 (10 %) lower than that of production `diabetes@2` (100); the other condition holds";
    check(r#"{"guards": [{"metric": "mae", "must_not_worsen_by": {"absolute": 1}}]}"#, &found, Promote, better);
    check(r#"{"guards": [{"metric": "mae", "must_not_worsen_by": {"relative": 0.2}}]}"#, &found, Promote, better);
}

#[test]
fn slices_of_enough_rows_count() {
    let mut found = evidence(90.0, 100.0);
    let slice = |value: &str, rows, candidate, production| Slice {
        column: "SEX".to_owned(),
        value: Some(value.to_owned()),
        rows,
        candidate: Some(candidate),
        production: Some(production),
    };
    found.slices = vec![slice("f", 60, 80.0, 100.0), slice("m", 29, 110.0, 100.0)];
    let better = "mse 90 is 10 (10 %) lower than that of production `diabetes@2` (100); the other condition holds";
    check(r#"{"slices": [{"column": "SEX"}]}"#, &found, Promote, better);
    let worse = "on the 29 rows with `m` in column `SEX`, mse 110 is 10 (10 %) higher than that of production `diabetes@2` (100), and the rule allows 0";
    check(r#"{"slices": [{"column": "SEX", "min_rows": 29}]}"#, &found, Keep, worse);
}

#[test]
fn significance_is_asked_for() {
    let mut found = evidence(90.0, 100.0);
    let interval = |low, high| Some(Interval { low, high, confidence: 0.95, resamples: 1000, rows: 89 });
    let demand = r#"{"bootstrap": {"require_significant": true}}"#;
    refused(demand, &found, "`require_significant` needs `resamples` above 0 and a hold-out that defines the metric");
    found.interval = interval(-21.234, 1.5);
    let reason =
        "mse 90 is 10 (10 %) lower than that of production `diabetes@2` (100); 95 % interval of the difference -21.2 to 1.5";
    check("{}", &found, Promote, reason);
    check(demand, &found, Keep, "the 95 % interval of the difference in mse (-21.2 to 1.5) does not lie on the better side of 0");
    found.interval = interval(-21.0, -1.0);
    assert_eq!(decide(&rule(demand), "mse", &found).unwrap().outcome, Promote);
}

#[test]
fn what_cannot_be_judged_is_an_error_and_no_verdict() {
    refused(r#"{"metric": "auc"}"#, &evidence(1.0, 2.0), "unknown metric `auc`, expected one of `mse`, `r2`");
    refused("{}", &evidence(f64::NAN, 2.0), "metric `mse` of the candidate: expected a finite number, found NaN");
    refused("{}", &evidence(f64::NAN, None), "metric `mse` of the candidate: expected a finite number, found NaN");
    let infinite = "metric `mse` of production `diabetes@2`: expected a finite number, found inf";
    refused("{}", &evidence(1.0, f64::INFINITY), infinite);
    let mut undefined = evidence(1.0, 2.0);
    undefined.metrics[1].candidate = None;
    refused(r#"{"metric": "r2"}"#, &undefined, "metric `r2` of the candidate is not defined on these rows");
    assert_eq!(decide(&rule("{}"), "mse", &undefined).unwrap().outcome, Promote, "a metric that no rule names may be undefined");
    assert!(serde_json::from_str::<Rule>(r#"{"metrik": "r2"}"#).is_err());
}
