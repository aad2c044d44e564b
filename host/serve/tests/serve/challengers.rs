//! Challengers beside a champion: the shares, the pin, the shadow, and what a bad one costs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sprag_serve::{Catalog, Challenger, ChallengerLimits, Config, Part, ServeError};

use crate::support::{Answer, DEADLINE, Moving, Running, eventually, fixed, start, try_start};

const SHADOW: Part = Part::Shadow { tolerance: 1e-9 };

/// A challenger that must be loadable, and that no test's machine is too slow for.
pub(crate) fn challenger(name: &str, part: Part, catalog: Arc<dyn Catalog>) -> Challenger {
    let limits = if matches!(part, Part::Shadow { .. }) { ChallengerLimits::shadow() } else { ChallengerLimits::weighted() };
    let limits = ChallengerLimits { time: DEADLINE, queue: 1024, memory: 64 << 20, ..limits };
    Challenger { name: name.to_owned(), part, catalog, limits, is_required: true }
}

/// A service with a champion that doubles and these challengers.
#[track_caller]
fn beside(challengers: Vec<Challenger>) -> Running {
    start(fixed("double"), |config| config.challengers = challengers)
}

fn pinned(service: &Running, variant: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("x-api-version", variant)];
    service.client().request("POST", "/score", &headers, b"{\"data\":[[4]]}")
}

/// What `/variants` says of one.
pub(crate) fn shown(service: &Running, variant: &str) -> Value {
    let all = service.client().get("/variants").json();
    let found = all["variants"].as_array().unwrap().iter().find(|shown| shown["name"] == variant).cloned();
    found.unwrap_or_else(|| panic!("no `{variant}` in {all}"))
}

#[test]
fn a_thousand_requests_are_divided_as_the_shares_ask() {
    let service = beside(vec![
        challenger("b", Part::Weighted(30), Moving::at(2, "times 3")),
        challenger("c", Part::Weighted(5), Moving::at(3, "times 5")),
    ]);
    let mut counts = [0_i32; 3];
    let mut client = service.client();
    for _ in 0..1000 {
        let answer = client.score(&[2.0]);
        let (place, body) = match answer.header("x-sprag-variant").unwrap() {
            "champion" => (0, "{\"result\":[4.0]}"),
            "b" => (1, "{\"result\":[6.0]}"),
            "c" => (2, "{\"result\":[10.0]}"),
            other => panic!("an unknown variant `{other}`"),
        };
        assert_eq!((answer.status, answer.text()), (200, body));
        counts[place] += 1;
    }
    for (count, expected) in counts.iter().zip([650, 300, 50]) {
        assert!((count - expected).abs() <= 3, "{counts:?}");
    }
    for (variant, weight) in [("champion", 65.0), ("b", 30.0), ("c", 5.0)] {
        assert_eq!(service.figure(&format!("sprag_variant_weight{{variant=\"{variant}\"}}")), weight);
    }
    let scored = "sprag_requests_total{route=\"score\",status=\"200\",variant=\"b\"}";
    assert_eq!(service.figure(scored), f64::from(counts[1]));
    let log = service.log();
    let of_b = log.iter().filter(|line| line["event"] == "request" && line["variant"] == "b");
    assert_eq!(of_b.clone().count() as i32, counts[1]);
    assert!(of_b.clone().all(|line| line["version"] == "2"));
}

#[test]
fn a_client_pins_a_variant() {
    let service = beside(vec![
        challenger("b", Part::Weighted(0), Moving::at(2, "times 3")),
        challenger("s", SHADOW, Moving::at(3, "times 5")),
    ]);
    for (variant, version, body) in [
        ("champion", "double@1", "{\"result\":[8.0]}"),
        ("b", "double@2", "{\"result\":[12.0]}"),
        ("s", "double@3", "{\"result\":[20.0]}"),
    ] {
        let answer = pinned(&service, variant);
        assert_eq!((answer.status, answer.text()), (200, body));
        assert_eq!(answer.header("x-sprag-variant"), Some(variant));
        assert_eq!(answer.header("x-sprag-model-version"), Some(version));
    }
    let unknown = pinned(&service, "B");
    assert_eq!(unknown.refusal(), (400, "unknown-variant".to_owned()));
    let expected = "expected one of the variants `champion`, `b`, `s` in the header `x-api-version`, found `B`";
    assert_eq!(unknown.json()["error"]["message"], expected);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(service.client().request("GET", path, &[("x-api-version", "B")], b"").status, 200, "{path}");
    }
    assert_eq!(service.client().post("/variants", b"{}").refusal(), (405, "wrong-method".to_owned()));
    let document = service.client().request("GET", "/v2/models/double", &[("x-api-version", "b")], b"");
    assert_eq!(document.json()["versions"], serde_json::json!(["2"]));
}

#[test]
fn names_of_variants_are_for_who_has_a_key() {
    let key = "0123456789abcdef0123456789abcdef";
    let service = start(fixed("double"), |config| {
        config.challengers = vec![challenger("b", Part::Weighted(0), Moving::at(2, "times 3"))];
        config.keys = vec![sprag_serve::KeySource::Given { keys: vec![key.to_owned()], origin: "the test".to_owned() }];
    });
    assert_eq!(pinned(&service, "x").status, 401);
    assert_eq!(service.client().get("/variants").status, 401);
    let bearer = format!("Bearer {key}");
    let shown = service.client().request("GET", "/variants", &[("authorization", &bearer)], b"");
    assert_eq!((shown.status, &shown.json()["variants"][1]["name"]), (200, &Value::from("b")));
}

#[test]
fn requests_with_one_key_stay_together() {
    let service = start(fixed("double"), |config| {
        config.challengers = vec![challenger("b", Part::Weighted(50), Moving::at(2, "times 3"))];
        config.sticky = Some("X-User".to_owned());
    });
    let mut client = service.client();
    let mut variant = |user: &str| {
        let headers = [("content-type", "application/json"), ("x-user", user)];
        let answer = client.request("POST", "/score", &headers, b"{\"data\":[[4]]}");
        answer.header("x-sprag-variant").unwrap().to_owned()
    };
    let users: Vec<String> = (0..40).map(|user| format!("user-{user}")).collect();
    let first: Vec<String> = users.iter().map(|user| variant(user)).collect();
    assert!(first.iter().any(|variant| variant == "b") && first.iter().any(|variant| variant == "champion"));
    for _ in 0..3 {
        let again: Vec<String> = users.iter().map(|user| variant(user)).collect();
        assert_eq!(again, first);
    }
}

#[test]
fn a_path_that_names_a_version_gets_that_version() {
    let service = beside(vec![challenger("b", Part::Weighted(100), Moving::at(2, "times 3"))]);
    let body = br#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[4]}]}"#;
    for (path, variant) in [
        ("/v2/models/double/versions/1/infer", "champion"),
        ("/v2/models/double/versions/2/infer", "b"),
        ("/v2/models/double/infer", "b"),
    ] {
        let answer = service.client().post(path, body);
        assert_eq!((answer.status, answer.header("x-sprag-variant")), (200, Some(variant)), "{path}: {}", answer.text());
    }
    assert_eq!(service.client().post("/v2/models/double/versions/3/infer", body).refusal(), (404, "unknown-model".to_owned()));
}

#[test]
fn a_shadow_is_compared_and_never_seen() {
    let service = beside(vec![
        challenger("same", SHADOW, Moving::at(2, "times 2")),
        challenger("other", SHADOW, Moving::at(3, "times 2.5")),
    ]);
    let mut client = service.client();
    for x in 1..=20 {
        let answer = client.score(&[f64::from(x), 0.0]);
        assert_eq!(answer.header("x-sprag-variant"), Some("champion"));
        assert_eq!(answer.text(), format!("{{\"result\":[{}.0,0.0]}}", 2 * x));
    }
    let compared = |variant: &str| shown(&service, variant)["compared"].clone();
    eventually("both shadows are compared", || ["same", "other"].iter().all(|name| compared(name)["requests"] == 20));
    let expected =
        |mismatches: u32| serde_json::json!({"requests": 20, "rows": 40, "mismatches": mismatches, "failed": 0, "dropped": 0});
    assert_eq!((compared("same"), compared("other")), (expected(0), expected(20)));
    let column = "{variant=\"other\",column=\"prediction\"}";
    assert_eq!(service.figure(&format!("sprag_shadow_mismatches_total{column}")), 20.0);
    assert_eq!(service.figure(&format!("sprag_shadow_absolute_difference_count{column}")), 40.0);
    // Half of 1 to 20, summed; a fifth of each, for 2.5 is by a fifth of itself more than 2.
    assert_eq!(service.figure(&format!("sprag_shadow_absolute_difference_sum{column}")), 105.0);
    assert!((service.figure(&format!("sprag_shadow_relative_difference_sum{column}")) - 4.0).abs() < 1e-9);
    let equal = "sprag_shadow_absolute_difference_bucket{le=\"0.0\",variant=\"same\",column=\"prediction\"}";
    assert_eq!(service.figure(equal), 40.0);
    let log = service.log();
    let told = log.iter().find(|line| line["event"] == "shadow-compared").unwrap()["message"].as_str().unwrap();
    assert!(told.starts_with("the shadow `") && told.contains(" was compared in 1 requests with 2 rows: "), "{told}");
}

/// A challenger with limits that a bad one hits.
fn bad(name: &str, part: Part, act: &str) -> Challenger {
    let mut bad = challenger(name, part, Moving::at(2, act));
    let time = if act == "predict-loop" { Duration::from_millis(100) } else { DEADLINE };
    bad.limits = ChallengerLimits { time, memory: 16 << 20, concurrency: 2, ..bad.limits };
    bad
}

const BAD: [(&str, &str, u16); 6] = [
    ("predict-trap", "trap", 500),
    ("predict-loop", "late", 504),
    ("predict-bloat", "limit", 500),
    ("predict-nan", "contract", 500),
    ("predict-rows", "contract", 500),
    ("predict-refuse", "refused", 422),
];

#[test]
fn what_a_challenger_fails_the_champion_answers() {
    for (act, kind, status) in BAD {
        let service = beside(vec![bad("b", Part::Weighted(100), act)]);
        let alone = pinned(&service, "b");
        assert_eq!((alone.status, alone.header("x-sprag-variant")), (status, Some("b")), "{act}");
        let mut client = service.client();
        for x in 0..8 {
            let answer = client.score(&[f64::from(x)]);
            assert_eq!((answer.status, answer.header("x-sprag-variant")), (200, Some("champion")), "{act}");
            assert_eq!(answer.text(), format!("{{\"result\":[{}.0]}}", 2 * x));
        }
        assert_eq!(service.figure("sprag_fallbacks_total{variant=\"b\"}"), 8.0, "{act}");
        assert!(service.figure(&format!("sprag_challenger_failures_total{{variant=\"b\",reason=\"{kind}\"}}")) >= 2.0, "{act}");
        let is_paused = kind != "refused";
        assert_eq!(shown(&service, "b")["paused"], is_paused, "{act}");
        assert_eq!(service.figure("sprag_challenger_paused{variant=\"b\"}"), f64::from(u8::from(is_paused)), "{act}");
        if is_paused {
            assert_eq!(pinned(&service, "b").refusal(), (503, "paused".to_owned()), "{act}");
        }
        let log = service.log();
        let fallen: Vec<_> = log.iter().filter(|line| line["code"] == "fell-back").collect();
        assert_eq!(fallen.len(), 8, "{act}");
        let reason = fallen[0]["reason"].as_str().unwrap();
        assert!(reason.starts_with(&format!("`b` failed ({kind}): ")), "{act}: {reason}");
    }
}

#[test]
fn what_the_champion_refuses_too_is_the_client_s_fault() {
    let service = beside(vec![challenger("b", Part::Weighted(100), Moving::at(2, "times 3"))]);
    let answer = service.client().post("/score", b"{\"data\":[[1,2]]}");
    assert_eq!((answer.status, answer.header("x-sprag-variant")), (422, Some("champion")), "{}", answer.text());
    assert!(!service.client().get("/metrics").text().contains("sprag_fallbacks_total{"));
}

#[test]
fn a_bad_shadow_costs_the_champion_nothing() {
    for (act, ..) in BAD {
        let service = beside(vec![bad("s", SHADOW, act)]);
        let mut client = service.client();
        let mut asked = 0;
        eventually("the shadow has failed", || {
            for _ in 0..20 {
                let answer = client.score(&[4.0]);
                assert_eq!((answer.status, answer.text()), (200, "{\"result\":[8.0]}"), "{act}");
                asked += 1;
            }
            let failed = shown(&service, "s")["compared"]["failed"].as_u64().unwrap();
            // It is asked no more once its fuse has blown.
            failed >= 3 && (act == "predict-refuse" || shown(&service, "s")["paused"] == true)
        });
        let scored = "sprag_requests_total{route=\"score\",status=\"200\",variant=\"champion\"}";
        assert_eq!(service.figure(scored), f64::from(asked), "{act}");
    }
}

#[test]
fn a_shadow_that_does_not_keep_up_is_asked_less() {
    let mut slow = bad("s", SHADOW, "predict-loop");
    slow.limits = ChallengerLimits { time: DEADLINE, concurrency: 1, queue: 2, ..slow.limits };
    let service = beside(vec![slow]);
    let mut client = service.client();
    (0..50).for_each(|_| assert_eq!(client.score(&[4.0]).status, 200));
    let dropped = shown(&service, "s")["compared"]["dropped"].as_u64().unwrap();
    assert!(dropped >= 47, "one is scored and two wait: {dropped}");
    assert_eq!(service.figure("sprag_shadow_dropped_total{variant=\"s\",reason=\"full\"}"), dropped as f64);
}

#[test]
fn each_variant_follows_its_own_reference() {
    let (champion, b) = (Moving::at(1, "double"), Moving::at(2, "times 3"));
    let service = start(champion.clone(), |config| {
        config.challengers = vec![challenger("b", Part::Weighted(0), b.clone())];
    });
    b.move_to(3, "times 4");
    eventually("the challenger has moved", || pinned(&service, "b").text() == "{\"result\":[16.0]}");
    assert_eq!(pinned(&service, "champion").text(), "{\"result\":[8.0]}");
    champion.move_to(4, "times 5");
    eventually("the champion has moved", || pinned(&service, "champion").text() == "{\"result\":[20.0]}");
    assert_eq!(pinned(&service, "b").text(), "{\"result\":[16.0]}");
    b.move_to(5, "load-trap");
    eventually("the trouble shows", || shown(&service, "b")["trouble"].is_string());
    assert_eq!(pinned(&service, "b").text(), "{\"result\":[16.0]}", "the one before goes on");
    assert_eq!(shown(&service, "champion")["trouble"], Value::Null);
}

#[test]
fn a_champion_with_other_columns_leaves_its_challengers_behind() {
    let champion = Moving::at(1, "double");
    let service = start(champion.clone(), |config| {
        config.challengers = vec![
            challenger("b", Part::Weighted(100), Moving::at(2, "times 3")),
            challenger("s", SHADOW, Moving::at(3, "times 3")),
        ];
    });
    assert_eq!(service.client().score(&[4.0]).header("x-sprag-variant"), Some("b"));
    champion.move_to(4, "wants-text");
    eventually("the champion has moved", || shown(&service, "champion")["version"] == "4");
    let answer = service.client().post("/score", b"{\"data\":[[\"a\"]]}");
    assert_eq!(answer.header("x-sprag-variant"), Some("champion"), "{}", answer.text());
    for variant in ["b", "s"] {
        let trouble = shown(&service, variant)["trouble"].as_str().unwrap().to_owned();
        assert_eq!(trouble, "it does not fit the champion: input 0 is `x` of Float where the champion has `x` of Text");
    }
    assert_eq!(service.figure("sprag_shadow_dropped_total{variant=\"s\",reason=\"unfit\"}"), 1.0);
}

#[test]
fn a_challenger_that_cannot_be_loaded_keeps_no_champion_from_answering() {
    for (act, why) in [
        ("load-trap", "cannot be loaded: failed to load double@2"),
        ("wants-text", "expected the challenger `b` to have the champion's columns, found others: input 0 is `x` of Text"),
    ] {
        let mut broken = challenger("b", Part::Weighted(100), Moving::at(2, act));
        let refused = try_start(fixed("double"), |config: &mut Config| config.challengers = vec![broken.clone()]);
        assert!(matches!(refused, Err(ServeError::Model { .. } | ServeError::Columns { .. })), "{act}");
        broken.is_required = false;
        let service = beside(vec![broken]);
        assert_eq!(service.client().score(&[4.0]).text(), "{\"result\":[8.0]}");
        eventually("the trouble shows", || shown(&service, "b")["trouble"].is_string());
        let trouble = shown(&service, "b")["trouble"].as_str().unwrap().to_owned();
        assert!(trouble.contains(why), "{act}: {trouble}");
        assert_eq!(pinned(&service, "b").refusal(), (503, "not-loaded".to_owned()));
        assert_eq!(service.client().score(&[4.0]).header("x-sprag-variant"), Some("champion"));
        assert_eq!(service.client().get("/readyz").status, 200);
    }
}

#[test]
fn a_challenger_that_loops_while_it_is_loaded_keeps_nobody_waiting() {
    let mut stuck = challenger("b", Part::Weighted(100), Moving::at(2, "load-loop"));
    stuck.is_required = false;
    let service = beside(vec![stuck]);
    (0..50).for_each(|_| assert_eq!(service.client().score(&[4.0]).text(), "{\"result\":[8.0]}"));
    assert_eq!(shown(&service, "b")["version"], Value::Null);
}
