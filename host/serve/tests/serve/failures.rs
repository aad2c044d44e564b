//! A model that fails is the service's fault, and says so: never a 200 with an error in it, and the next request is answered.

use std::time::Duration;

use serde_json::json;
use sprag_serve::ServeError;

use crate::support::{fixed, start, try_start};

#[test]
fn a_scorer_that_breaks_its_word_is_an_internal_error() {
    for act in
        ["predict-trap", "predict-columns", "predict-rows", "predict-nan", "predict-infinite", "predict-type", "predict-null"]
    {
        let service = start(fixed(act), |_| ());
        let mut client = service.client();
        for _ in 0..3 {
            let answer = client.request("POST", "/score", &[("x-request-id", "id-1")], br#"{"data":[[1]]}"#);
            assert_eq!(answer.refusal(), (500, "model-failed".to_owned()), "{act}: {}", answer.text());
            assert!(answer.text().contains("`id-1`"), "who asks can find it in the log: {}", answer.text());
        }
        let line = service.log().into_iter().find(|line| line["status"] == 500).unwrap();
        assert_eq!((&line["request"], &line["code"]), (&json!("id-1"), &json!("model-failed")));
        assert!(!line["reason"].as_str().unwrap().is_empty(), "{act}: {line}");
    }
}

#[test]
fn what_a_scorer_said_before_it_trapped_is_in_the_log_and_not_in_the_answer() {
    let service = start(fixed("moody"), |_| ());
    let answer = service.client().score(&[-1.0]);
    assert_eq!(answer.refusal(), (500, "model-failed".to_owned()));
    assert!(!answer.text().contains("fell over"), "{}", answer.text());
    let line = service.log().into_iter().find(|line| line["status"] == 500).unwrap();
    assert!(line["reason"].as_str().unwrap().contains("the scorer fell over"), "{line}");
}

#[test]
fn a_scorer_that_traps_loops_or_bloats_is_stopped_and_replaced() {
    for (mood, status, code) in [(-1.0, 500, "model-failed"), (-2.0, 504, "timeout"), (-3.0, 500, "model-failed")] {
        let service = start(fixed("moody"), |config| {
            config.limits.concurrency = 1;
            if status == 504 {
                config.limits.time = Duration::from_millis(500);
            }
        });
        let mut client = service.client();
        let answer = client.score(&[mood]);
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{mood}: {}", answer.text());
        assert_eq!(client.score(&[4.0]).json(), json!({ "result": [8.0] }), "after {mood}");
        assert_eq!(service.figure("sprag_scorers_failed_total"), 1.0);
    }
    let service = start(fixed("moody"), |_| ());
    let refused = service.client().score(&[-4.0]);
    assert_eq!(refused.refusal(), (422, "refused-by-model".to_owned()));
    assert!(refused.text().contains("expected a better mood"), "{}", refused.text());
    assert_eq!(service.figure("sprag_scorers_failed_total"), 0.0, "a scorer that refuses rows goes on");
}

#[test]
fn a_scorer_that_never_frees_its_memory_is_no_trouble_to_anybody() {
    let service = start(fixed("predict-leak"), |config| config.limits.concurrency = 1);
    let mut client = service.client();
    for round in 0..60 {
        let answer = client.score(&[1.0]);
        assert_eq!(answer.status, 200, "{round}: {}", answer.text());
    }
}

#[test]
fn a_model_that_cannot_be_loaded_is_told_before_anything_is_served() {
    let told = |act: &str| match try_start(fixed(act), |config| config.limits.time = Duration::from_millis(300)) {
        Err(error @ ServeError::Model { .. }) => error.to_string(),
        Err(other) => panic!("{act}: {other}"),
        Ok(_) => panic!("{act} was served"),
    };
    assert_eq!(told("load-refuse"), "failed to load double@1: bad input: the scorer of double@1: expected something else");
    assert!(told("load-trap").contains("trapped"), "{}", told("load-trap"));
    assert!(told("load-loop").contains("time"), "{}", told("load-loop"));
    assert!(told("gives-nothing").contains("double@1"));
}

#[test]
fn every_output_is_there_for_who_asks() {
    let service = start(fixed("gives-text"), |_| ());
    let answer = service.client().post("/score?outputs=all", br#"{"data":[[1],[2]]}"#);
    let outputs = json!({ "prediction": [1.0, 1.0], "label": ["row 0", "row 1"], "sure": [true, true] });
    assert_eq!(answer.json(), json!({ "result": [1.0, 1.0], "outputs": outputs }));
}
