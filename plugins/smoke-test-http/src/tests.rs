//! The plugin over services in memory, most of them bad.

use std::cell::{Cell, RefCell};

use serde_json::{Value, json};
use sprag_sdk::http::{Client, Error, Request, Response};
use sprag_sdk::{Column, Finding, Frame, Values};

use super::*;

const MODEL: &str = "sha256:good";

/// A service that answers by a function of the request's count, and a clock that moves by pauses and by what answers take.
struct Fake<F> {
    answer: F,
    sent: RefCell<Vec<Request>>,
    clock: Cell<Duration>,
}

type Answer = Result<(u16, Value), Error>;

impl<F: Fn(usize, &Request) -> Answer> Client for Fake<F> {
    fn send(&self, request: &Request) -> Result<Response, Error> {
        let count = self.sent.borrow().len();
        self.sent.borrow_mut().push(request.clone());
        self.clock.set(self.clock.get() + Duration::from_millis(3));
        let answer = (self.answer)(count, request);
        if matches!(answer, Err(Error::Timeout(_))) {
            self.clock.set(self.clock.get() + request.timeout.unwrap_or_default());
        }
        let (status, body) = answer?;
        let headers = vec![("x-sprag-model-digest".to_owned(), MODEL.to_owned())];
        let body = match body {
            Value::String(raw) => raw.into_bytes(),
            body => body.to_string().into_bytes(),
        };
        Ok(Response { status, headers, body })
    }

    fn pause(&self, time: Duration) {
        self.clock.set(self.clock.get() + time);
    }

    fn now(&self) -> Duration {
        self.clock.get()
    }
}

/// Twice the first column plus the second.
fn model(row: &Value) -> f64 {
    2.0 * row[0].as_f64().unwrap() + row[1].as_f64().unwrap()
}

fn tables() -> (Frame, Frame) {
    let a = vec![1.0, 2.0, 3.5];
    let b = vec![10, 20, 30];
    let expected: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 2.0 * a + f64::from(*b)).collect();
    let integers = Column { values: Values::Integers(b.iter().map(|b| i64::from(*b)).collect()), validity: None };
    (Frame::new([("a", Column::floats(a)), ("b", integers)]), Frame::new([("prediction", Column::floats(expected))]))
}

/// What a good service answers.
fn good(request: &Request) -> Answer {
    if request.method == "GET" {
        let number = |title: &str, kind: &str| json!({ "title": title, "type": kind });
        return Ok((
            200,
            json!({ "openapi": "3.1.0", "components": { "schemas": {
                "Row": { "prefixItems": [number("a", "number"), number("b", "integer")] },
                "ScoreAnswer": { "properties": { "outputs": { "properties": {
                    "prediction": { "type": "array", "items": { "type": "number" } },
                } } } },
            } } }),
        ));
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let result: Vec<_> = body["data"].as_array().unwrap().iter().map(model).collect();
    Ok((200, json!({ "result": result })))
}

fn tested(params: &Params, answer: impl Fn(usize, &Request) -> Answer) -> (Report, Vec<Request>) {
    let fake = Fake { answer, sent: RefCell::default(), clock: Cell::default() };
    let (rows, expected) = tables();
    let target = Target { url: "http://h:1".to_owned(), digest: MODEL.to_owned(), token: Some("placeholder".to_owned()) };
    let report = test::run(&fake, &(), params, &target, Trace::new(1, 2), &rows, &expected).unwrap();
    (report, fake.sent.into_inner())
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

#[test]
fn the_schema_is_committed() {
    let derived = schemars::schema_for!(Params).to_value();
    sprag_sdk::testing::check_params_schema(env!("CARGO_MANIFEST_DIR"), <SmokeTestHttp as sprag_sdk::Plugin>::JSON, &derived);
}

#[test]
fn a_good_service_passes() {
    let (report, sent) = tested(&Params::default(), |_, request| good(request));
    assert_eq!((report.findings, report.rows, report.requests, report.attempts), (vec![], 3, 7, 7));
    let asked: Vec<_> = sent.iter().map(|request| format!("{} {}", request.method, request.url)).collect();
    assert_eq!(asked[..2], ["GET http://h:1/openapi.json", "POST http://h:1/score"]);
    assert_eq!(serde_json::from_slice::<Value>(&sent[1].body).unwrap(), json!({ "data": [[1.0, 10], [2.0, 20], [3.5, 30]] }));
    assert_eq!(serde_json::from_slice::<Value>(&sent[3].body).unwrap(), json!({ "data": [[2.0, 20]] }));
    for request in &sent {
        let header = |name: &str| request.headers.iter().find(|(known, _)| known == name).unwrap().1.as_str();
        assert_eq!(header("authorization"), "Bearer placeholder");
        assert_eq!(header("traceparent")[3..35], report.trace);
    }
}

#[test]
fn what_may_pass_is_tried_again_with_growing_pauses() {
    let starting = |count: usize, request: &Request| match count {
        0..4 => Err(Error::Unreachable("refused".to_owned())),
        4 => Ok((503, json!("starting"))),
        _ => good(request),
    };
    let (report, sent) = tested(&Params::default(), starting);
    assert_eq!((report.findings, report.requests, report.attempts), (vec![], 7, 12));
    assert_eq!(sent.len(), 12);
    let spans: std::collections::BTreeSet<_> = sent.iter().flat_map(|request| request.headers.clone()).collect();
    let spans = spans.iter().filter(|(name, _)| name == "traceparent");
    assert_eq!(spans.count(), 12, "each attempt is a span of its own");
}

#[test]
fn a_refusal_is_not_tried_again() {
    let (report, sent) = tested(&Params::default(), |_, _| Ok((401, json!("no key"))));
    assert_eq!((codes(&report.findings), sent.len()), (vec!["wrong-status", "wrong-status"], 2));
    assert!(report.findings[1].message.contains("POST http://h:1/score, found 401: no key"), "{:?}", report.findings);
}

#[test]
fn a_service_that_cannot_be_reached_fails_when_the_time_is_over() {
    let params = Params { seconds: 10.0, ..Params::default() };
    let (report, sent) = tested(&params, |_, _| Err(Error::Unreachable("no connection to `h:1`: it was refused".to_owned())));
    // Pauses of 0.1, 0.2, 0.4, 0.8, 1.6, 2, 2 and 2 seconds fit into ten.
    assert_eq!((codes(&report.findings), sent.len()), (vec!["no-answer"], 9));
    assert_eq!(
        report.findings[0].message,
        "expected an answer to GET http://h:1/openapi.json within 10 s, found none in 9 attempts; the last: no connection to `h:1`: it was refused"
    );
}

#[test]
fn a_slow_service_fails() {
    let params = Params { seconds: 3.0, answer_seconds: 0.5, ..Params::default() };
    let (report, sent) = tested(&params, |_, _| Err(Error::Timeout("no answer of `h:1` in time".to_owned())));
    assert_eq!(codes(&report.findings), ["no-answer"]);
    assert!(sent.iter().all(|request| request.timeout.unwrap() <= Duration::from_millis(500)));
    // One that keeps every timeout by sending a little now and then.
    let fake = Fake { answer: |_: usize, request: &Request| good(request), sent: RefCell::default(), clock: Cell::default() };
    let params = Params { answer_seconds: 0.002, ..Params::default() };
    let (rows, expected) = tables();
    let target = Target { url: "http://h:1".to_owned(), digest: MODEL.to_owned(), token: None };
    let report = test::run(&fake, &(), &params, &target, Trace::new(1, 2), &rows, &expected).unwrap();
    assert_eq!(codes(&report.findings), ["slow"]);
}

#[test]
fn one_lost_answer_may_be_chance_and_two_are_not() {
    let dies_once = |count: usize, request: &Request| match count {
        3 => Err(Error::Broken("the answer of `h:1` was lost".to_owned())),
        _ => good(request),
    };
    assert_eq!(tested(&Params::default(), dies_once).0.findings, []);
    let dies_and_is_restarted = |count: usize, request: &Request| match count % 2 {
        1 => Err(Error::Broken("the answer of `h:1` was lost".to_owned())),
        _ => good(request),
    };
    let (report, _) = tested(&Params::default(), dies_and_is_restarted);
    assert_eq!(codes(&report.findings), ["lost-answer"]);
    let dies_for_good = |count: usize, request: &Request| match count {
        0 => good(request),
        _ => Err(Error::Unreachable("no connection to `h:1`: it was refused".to_owned())),
    };
    let (report, sent) = tested(&Params::default(), dies_for_good);
    assert_eq!((codes(&report.findings), sent.len()), (vec!["lost-answer"], 3));
}

#[test]
fn another_model_is_found_by_its_name_and_by_its_answers() {
    let (rows, expected) = tables();
    let fake = Fake { answer: |_: usize, request: &Request| good(request), sent: RefCell::default(), clock: Cell::default() };
    let target = Target { url: "http://h:1".to_owned(), digest: "sha256:other".to_owned(), token: None };
    let report = test::run(&fake, &(), &Params::default(), &target, Trace::new(1, 2), &rows, &expected).unwrap();
    assert_eq!(codes(&report.findings), ["wrong-model"]);
    assert_eq!(report.findings[0].message, "expected the model sha256:other to answer POST http://h:1/score, found sha256:good");
    let wrong = |_: usize, request: &Request| match request.method.as_str() {
        "POST" => Ok((200, json!({ "result": [12.0, 24.5, 37.0] }))),
        _ => good(request),
    };
    let (report, sent) = tested(&Params::default(), wrong);
    assert_eq!((codes(&report.findings), sent.len()), (vec!["wrong-value"], 2));
    assert!(report.findings[0].message.starts_with("row 1, column `prediction`: expected 24, found 24.5"), "{report:?}");
    assert_eq!(report.findings[0].subject.as_deref(), Some("prediction"));
}

#[test]
fn a_row_alone_must_get_what_it_got_among_others() {
    let forgets = |count: usize, request: &Request| match count {
        4 => Ok((200, json!({ "result": [0.0] }))),
        _ => good(request),
    };
    let (report, sent) = tested(&Params::default(), forgets);
    assert_eq!((codes(&report.findings), sent.len()), (vec!["wrong-value"], 5));
    assert!(report.findings[0].message.starts_with("row 2, column `prediction`: expected 37, found 0"), "{report:?}");
}

#[test]
fn a_service_without_a_document_fails_unless_none_is_asked_for() {
    let bare =
        |_: usize, request: &Request| if request.method == "GET" { Ok((404, json!("no such path"))) } else { good(request) };
    let (report, sent) = tested(&Params::default(), bare);
    assert_eq!(codes(&report.findings), ["wrong-status"]);
    assert_eq!(sent[1].url, "http://h:1/swagger.json");
    let params = Params { schema: Demand::Ignored, ..Params::default() };
    assert_eq!(tested(&params, bare).0.findings, []);
}

#[test]
fn a_stage_that_may_not_send_fails_as_a_stage() {
    let fake = Fake {
        answer: |_: usize, _: &Request| Err(Error::Denied("no grant".to_owned())),
        sent: RefCell::default(),
        clock: Cell::default(),
    };
    let (rows, expected) = tables();
    let target = Target { url: "http://h:1".to_owned(), digest: MODEL.to_owned(), token: None };
    let failure = test::run(&fake, &(), &Params::default(), &target, Trace::new(1, 2), &rows, &expected).unwrap_err();
    assert_eq!(failure, Failure::BadParams("no grant".to_owned()));
    let none = Frame::new([("a", Column::floats(vec![f64::NAN])), ("b", Column::floats(vec![1.0]))]);
    let one = Frame::new([("prediction", Column::floats(vec![1.0]))]);
    let failure = test::run(&fake, &(), &Params::default(), &target, Trace::new(1, 2), &none, &one).unwrap_err();
    assert_eq!(failure.message(), "expected at least one row of finite numbers to send, found none");
}
