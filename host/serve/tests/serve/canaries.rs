//! A challenger whose weight an analysis sets: it advances, it is rolled back, and a service that starts again knows.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use sprag_schemas::canary::Canary;
use sprag_serve::{CanarySetup, Part};

use crate::challengers::{challenger, shown};
use crate::support::{Moving, Running, eventually, fixed, start};

/// A service with a champion that doubles and a challenger under an analysis.
#[track_caller]
fn under(rules: &str, catalog: Arc<Moving>, state: Option<&Path>) -> Running {
    let canary = Canary::parse(rules).unwrap();
    start(fixed("double"), |config| {
        config.challengers = vec![challenger("b", Part::Weighted(0), catalog)];
        config.canary = Some(CanarySetup { canary, state: state.map(Path::to_owned) });
    })
}

fn progress(service: &Running) -> Value {
    service.client().get("/variants").json()["canary"]["progress"].clone()
}

/// Sends requests until the analysis is in a state; all of them must succeed.
#[track_caller]
fn drive(service: &Running, state: &str) -> Value {
    let mut client = service.client();
    let mut x = 0;
    eventually(state, || {
        for _ in 0..50 {
            let answer = client.score(&[f64::from(x % 100)]);
            assert_eq!(answer.status, 200, "{}", answer.text());
            x += 1;
        }
        progress(service)["state"] == state
    });
    progress(service)
}

fn variant(service: &Running) -> String {
    service.client().score(&[1.0]).header("x-sprag-variant").unwrap().to_owned()
}

/// Two steps that a good challenger takes quickly.
const STEPS: &str = "[[steps]]\nweight = 20\nrequests = 20\n[[steps]]\nweight = 50\nrequests = 20\n";

#[track_caller]
fn rolls_back(rules: &str, act: &str, cause: &str, reason: &str) {
    let service = under(rules, Moving::at(2, act), None);
    let back = drive(&service, "rolled-back");
    assert_eq!(back["cause"], cause, "{back}");
    let told = back["reason"].as_str().unwrap();
    assert!(told.starts_with(reason), "{told}");
    assert_eq!((&shown(&service, "b")["weight"], &shown(&service, "b")["rolled-back"]), (&Value::from(0), &back["reason"]));
    (0..20).for_each(|_| assert_eq!(variant(&service), "champion"));
    let pinned = [("content-type", "application/json"), ("x-api-version", "b")];
    let pinned = service.client().request("POST", "/score", &pinned, b"{\"data\":[[1]]}");
    assert_eq!(pinned.refusal(), (410, "rolled-back".to_owned()));
    let label = format!("sprag_canary{{variant=\"b\",state=\"rolled-back\",cause=\"{cause}\",reason=\"{told}\"}} 1");
    let figures = service.client().get("/metrics").text().to_owned();
    assert!(figures.lines().any(|line| line == label), "{figures}");
    let log = service.log();
    let line = log.iter().find(|line| line["event"] == "canary-rolled-back").unwrap()["message"].as_str().unwrap();
    assert!(line.ends_with(told) && line.contains(&format!("by `{cause}`")), "{line}");
}

#[test]
fn a_good_challenger_gets_all_requests() {
    let rules = format!("{STEPS}\n[shift]\nmost-psi = 2.0\n");
    let service = under(&rules, Moving::at(2, "times 2"), None);
    assert_eq!(drive(&service, "complete"), serde_json::json!({"state": "complete"}));
    (0..20).for_each(|_| assert_eq!(variant(&service), "b"));
    assert_eq!((&shown(&service, "b")["weight"], &shown(&service, "champion")["weight"]), (&Value::from(100), &Value::from(0)));
    let log = service.log();
    let steps: Vec<_> =
        log.iter().filter(|line| line["event"] == "canary-advanced").map(|line| line["message"].as_str().unwrap()).collect();
    assert!(steps.len() == 2 && steps[0].starts_with("`b` goes from 20 to 50 %: nothing spoke against 20 % in "), "{steps:?}");
}

#[test]
fn failures_roll_a_challenger_back() {
    rolls_back(STEPS, "predict-trap", "errors", "the challenger failed ");
}

#[test]
fn other_predictions_roll_a_challenger_back() {
    let rules = "[[steps]]\nweight = 50\nrequests = 200\n[shift]\nmost-psi = 0.25\nmost-mean-difference = 0.5\n";
    rolls_back(rules, "times 3", "shift", "the challenger's predictions have a population stability index of ");
}

#[test]
fn slowness_rolls_a_challenger_back() {
    let rules = "[[steps]]\nweight = 50\nrequests = 10\n[latency]\nquantile = 0.5\nmost-ratio = 3\n";
    rolls_back(rules, "slow 50000000", "latency", "the challenger's p50 is ");
}

#[test]
fn a_service_that_starts_again_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("canary.json");
    let service = under(STEPS, Moving::at(2, "predict-trap"), Some(&state));
    let back = drive(&service, "rolled-back");
    eventually("the state is kept", || std::fs::read_to_string(&state).is_ok_and(|text| text.contains("rolled-back")));
    drop(service);

    let again = under(STEPS, Moving::at(2, "predict-trap"), Some(&state));
    eventually("it is known", || progress(&again) == back);
    (0..20).for_each(|_| assert_eq!(variant(&again), "champion"));
    drop(again);

    // Another model is another matter.
    let other = under(STEPS, Moving::at(3, "times 2"), Some(&state));
    eventually("it begins anew", || progress(&other)["state"] == "step");
    drive(&other, "complete");
    eventually("the state is kept", || std::fs::read_to_string(&state).is_ok_and(|text| text.contains("complete")));
}

#[test]
fn another_challenger_begins_anew_and_one_that_became_the_champion_is_none() {
    let (champion, b) = (Moving::at(1, "double"), Moving::at(2, "predict-trap"));
    let canary = Canary::parse(STEPS).unwrap();
    let service = start(champion.clone(), |config| {
        config.challengers = vec![challenger("b", Part::Weighted(0), b.clone())];
        config.canary = Some(CanarySetup { canary, state: None });
    });
    drive(&service, "rolled-back");
    b.move_to(3, "times 2");
    eventually("it begins anew", || progress(&service)["state"] == "step" && shown(&service, "b")["rolled-back"].is_null());
    drive(&service, "complete");
    champion.move_to(3, "times 2");
    eventually("there is nothing to be judged", || progress(&service).is_null() && shown(&service, "b")["weight"] == 0);
    assert_eq!(variant(&service), "champion");
}
