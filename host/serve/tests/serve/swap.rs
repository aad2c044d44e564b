//! An alias moves while the service answers: no request fails, and each is answered by one model alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;

use crate::support::{Moving, eventually, start};

#[test]
fn promotion_under_load_fails_no_request() {
    let model = Moving::at(1, "times 1");
    let service = start(model.clone(), |_| ());
    let (done, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for client in 0..16 {
            let (service, done, answered) = (&service, &done, &answered);
            scope.spawn(move || {
                let mut connection = service.client();
                let x = f64::from(client) + 1.0;
                while !done.load(Ordering::Relaxed) {
                    let answer = connection.score(&[x, x]);
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let version: f64 = answer.header("x-sprag-model-version").unwrap()["double@".len()..].parse().unwrap();
                    let expected = format!("{{\"result\":[{:?},{:?}]}}", x * version, x * version);
                    assert_eq!(answer.text(), expected, "the model that the header names answered");
                    if answered.fetch_add(1, Ordering::Relaxed) % 50 == 0 {
                        connection = service.client();
                    }
                }
            });
        }
        for version in 2..=20_u32 {
            model.move_to(version.into(), &format!("times {version}"));
            eventually("the alias is followed", || {
                service.client().get("/readyz").json()["version"] == json!(version.to_string())
            });
            let before = answered.load(Ordering::Relaxed);
            eventually("requests go on", || answered.load(Ordering::Relaxed) >= before + 20);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(service.figure("sprag_swaps_total"), 19.0);
    assert_eq!(service.figure("sprag_swap_failures_total"), 0.0);
    let figures = service.client().get("/metrics");
    let models: Vec<_> = figures.text().lines().filter(|line| line.starts_with("sprag_model{")).collect();
    assert!(models.len() == 1 && models[0].contains(r#"version="20""#), "{models:?}");
}

#[test]
fn a_request_ends_with_the_model_that_it_began_with() {
    let model = Moving::at(1, "times 1");
    let service = start(model.clone(), |_| ());
    let mut slow = service.client();
    // Its head is read, and with it the model is chosen; its body comes later.
    slow.send(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 14\r\n\r\n{\"data\":");
    eventually("its head is read", || service.figure("sprag_in_flight") >= 2.0);
    model.move_to(2, "times 2");
    eventually("the alias is followed", || service.client().score(&[5.0]).json() == json!({ "result": [10.0] }));
    slow.send(b"[[5]]}");
    let answer = slow.answer().unwrap();
    assert_eq!((answer.text(), answer.header("x-sprag-model-version")), (r#"{"result":[5.0]}"#, Some("double@1")));
}

#[test]
fn a_model_that_cannot_take_over_leaves_the_one_before() {
    let model = Moving::at(1, "times 1");
    let service = start(model.clone(), |_| ());
    let ready = || service.client().get("/readyz");
    for (version, act) in [(2, "load-refuse"), (3, "load-trap"), (4, "gives-nothing")] {
        model.move_to(version, act);
        eventually("the trouble shows", || {
            ready().json()["trouble"]
                .as_str()
                .is_some_and(|trouble| trouble.contains(&format!("double@{version} cannot take over")))
        });
        assert_eq!(ready().status, 200, "what was there goes on");
        assert_eq!(service.client().score(&[7.0]).json(), json!({ "result": [7.0] }));
    }
    model.lose("the alias is gone");
    eventually("the trouble shows", || ready().json()["trouble"] == "the alias is gone");
    assert_eq!(service.client().score(&[7.0]).status, 200);
    // It comes back to where it was, and the trouble is over.
    model.move_to(1, "times 1");
    eventually("the trouble is over", || ready().json()["trouble"].is_null());
    model.move_to(5, "times 5");
    eventually("a good one takes over", || service.client().score(&[7.0]).json() == json!({ "result": [35.0] }));
    assert!(service.figure("sprag_swap_failures_total") >= 3.0);
    let events: Vec<_> = service.log().iter().filter_map(|line| Some(line["event"].as_str()?.to_owned())).collect();
    for event in ["model-trouble", "model-recovered", "model-swapped"] {
        assert!(events.iter().any(|found| found == event), "{event} in {events:?}");
    }
}

#[test]
fn a_model_that_never_moves_is_never_asked_about_again() {
    struct Counting(Arc<AtomicU64>, Arc<dyn sprag_serve::Catalog>);
    impl sprag_serve::Catalog for Counting {
        fn poll(
            &self,
            known: Option<&sprag_serve::ReleaseKey>,
        ) -> Result<Option<sprag_serve::Release>, sprag_serve::CatalogError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            self.1.poll(known)
        }
        fn can_change(&self) -> bool {
            false
        }
    }
    let count = Arc::new(AtomicU64::new(0));
    let service = start(Arc::new(Counting(count.clone(), crate::support::fixed("double"))), |_| ());
    for _ in 0..20 {
        assert_eq!(service.client().score(&[1.0]).status, 200);
    }
    drop(service);
    assert_eq!(count.load(Ordering::Relaxed), 1);
}
