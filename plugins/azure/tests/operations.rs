//! Long-running operations, throttling and faults, against answers in a row and a clock that only the client moves.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use sprag_azure::{Account, Arm, ArmError, Desired, Host};
use sprag_sdk::http::{Client, Error, Request, Response};
use sprag_sdk::{Action, Failure};

const ROOT: &str = "https://management.azure.com";
const ID: &str = "/subscriptions/s/resourceGroups/g/providers/P/things/t";

/// Answers in the order that they were given, and knows what was asked.
#[derive(Default)]
struct Script {
    answers: RefCell<VecDeque<Result<Response, Error>>>,
    asked: RefCell<Vec<String>>,
    clock: Cell<Duration>,
    stop_after: Cell<Option<Duration>>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Result<Response, Error>>) -> Self {
        Self { answers: RefCell::new(answers.into_iter().collect()), ..Self::default() }
    }

    fn asked(&self) -> Vec<String> {
        assert!(self.answers.borrow().is_empty(), "answers are left: {:?}", self.answers.borrow());
        self.asked.take()
    }
}

impl Client for Script {
    fn send(&self, request: &Request) -> Result<Response, Error> {
        let path = request.url.strip_prefix(ROOT).unwrap_or(&request.url).replace(ID, "ID");
        self.asked.borrow_mut().push(format!("{} {path}", request.method));
        assert_eq!(request.headers[0], ("authorization".to_owned(), "Bearer <azure>".to_owned()));
        self.answers.borrow_mut().pop_front().unwrap_or_else(|| panic!("no answer is left for {} {path}", request.method))
    }

    fn pause(&self, time: Duration) {
        self.clock.set(self.clock.get() + time);
    }

    fn now(&self) -> Duration {
        self.clock.get()
    }
}

impl Host for Script {
    fn placeholder(&self, secret: &str) -> Result<String, Failure> {
        Ok(format!("<{secret}>"))
    }

    fn log(&self, _message: &str, _fields: &[(&str, &str)]) {}

    fn warn(&self, _message: &str) {}

    fn should_stop(&self) -> bool {
        self.stop_after.get().is_some_and(|stop| self.clock.get() >= stop)
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &Value) -> Result<Response, Error> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let body = if body.is_null() { vec![] } else { body.to_string().into_bytes() };
    Ok(Response { status, headers, body })
}

fn thing(state: &str, size: u32) -> Value {
    json!({ "etag": "e", "properties": { "provisioningState": state, "size": size } })
}

fn error(status: u16, code: &str) -> Result<Response, Error> {
    answer(status, &[], &json!({ "error": { "code": code, "message": "words" } }))
}

fn account() -> Account {
    serde_json::from_value(json!({ "subscription": "s", "resource_group": "g", "location": "l", "timeout_seconds": 100 }))
        .unwrap()
}

fn put(script: &Script) -> Result<Value, ArmError> {
    Arm::new(script, script, &account()).unwrap().put(ID, "1", &json!({ "properties": { "size": 1 } }), None)
}

fn desired() -> Desired {
    Desired { kind: "thing", id: ID.to_owned(), version: "1", body: json!({ "properties": { "size": 1 } }), unread: &[] }
}

#[test]
fn an_operation_s_own_document_is_followed_as_fast_as_azure_says() {
    let operation = format!("{ROOT}/operations/1?v=2");
    let script = Script::new([
        answer(201, &[("azure-asyncoperation", &operation), ("retry-after", "10")], &thing("Creating", 1)),
        answer(200, &[("retry-after", "5")], &json!({ "status": "InProgress" })),
        answer(200, &[], &json!({ "status": "Succeeded" })),
        answer(200, &[], &thing("Succeeded", 1)),
    ]);
    assert_eq!(put(&script).unwrap(), thing("Succeeded", 1));
    assert_eq!(script.clock.get(), Duration::from_secs(15));
    let asked = ["PUT ID?api-version=1", "GET /operations/1?v=2", "GET /operations/1?v=2", "GET ID?api-version=1"];
    assert_eq!(script.asked(), asked);
}

#[test]
fn a_location_is_followed_until_it_is_no_202() {
    let link = format!("{ROOT}/results/1");
    let script = Script::new([
        answer(202, &[("location", &link)], &Value::Null),
        answer(202, &[("location", &link)], &Value::Null),
        answer(200, &[], &thing("Succeeded", 1)),
        answer(200, &[], &thing("Succeeded", 1)),
    ]);
    put(&script).unwrap();
    assert_eq!(script.asked().len(), 4);
}

#[test]
fn without_either_the_resource_says_how_far_it_is() {
    let script = Script::new([
        answer(200, &[], &thing("Updating", 1)),
        answer(200, &[], &thing("Updating", 1)),
        answer(200, &[], &thing("Succeeded", 1)),
        answer(200, &[], &thing("Succeeded", 1)),
    ]);
    put(&script).unwrap();
    assert_eq!(script.asked()[1..], ["GET ID?api-version=1"; 3]);
}

#[test]
fn an_operation_that_fails_says_why() {
    let operation = format!("{ROOT}/operations/1");
    let failed = json!({ "status": "Failed", "error": { "code": "QuotaExceeded", "message": "no cores" } });
    let script =
        Script::new([answer(201, &[("azure-asyncoperation", &operation)], &thing("Creating", 1)), answer(200, &[], &failed)]);
    let failure = put(&script).unwrap_err();
    assert_eq!(failure.to_string(), "Azure began to put P/things/t, and it ended as `Failed`: QuotaExceeded: no cores");
}

#[test]
fn a_token_goes_to_the_endpoint_only() {
    for link in ["https://evil.example/1", "https://management.azure.com.evil.example/1", "http://management.azure.com/1"] {
        let script = Script::new([answer(202, &[("location", link)], &Value::Null)]);
        let failure = put(&script).unwrap_err().to_string();
        assert!(failure.contains("found it to point to"), "{failure}");
        assert_eq!(script.asked().len(), 1);
    }
}

#[test]
fn throttling_and_faults_that_pass_are_waited_out() {
    let throttled = answer(429, &[("retry-after", "20")], &json!({ "error": { "code": "TooManyRequests", "message": "slow" } }));
    let script = Script::new([
        throttled,
        error(503, "ServerBusy"),
        Err(Error::Broken("gone".to_owned())),
        answer(200, &[], &thing("Succeeded", 1)),
        answer(200, &[], &thing("Succeeded", 1)),
    ]);
    put(&script).unwrap();
    assert_eq!(script.clock.get(), Duration::from_secs(20 + 1 + 2));
}

#[test]
fn a_throttle_beyond_the_limit_of_time_is_the_answer() {
    let script = Script::new([answer(
        429,
        &[("retry-after", "3600")],
        &json!({ "error": { "code": "TooManyRequests", "message": "slow" } }),
    )]);
    let failure = put(&script).unwrap_err();
    assert!(matches!(&failure, ArmError::Refused { status: 429, .. }), "{failure:?}");
    assert_eq!(script.clock.get(), Duration::ZERO);
}

#[test]
fn a_server_that_stays_broken_is_given_up() {
    let script = Script::new((0..6).map(|_| error(500, "InternalServerError")));
    assert!(matches!(put(&script).unwrap_err(), ArmError::Refused { status: 500, .. }));
    let script = Script::new((0..6).map(|_| Err(Error::Unreachable("refused".to_owned()))));
    assert!(matches!(Failure::from(put(&script).unwrap_err()), Failure::Retry(_)));
}

#[test]
fn an_action_whose_answer_is_lost_is_not_repeated() {
    let script = Script::new([Err(Error::Broken("gone".to_owned()))]);
    let arm = Arm::new(&script, &script, &account()).unwrap();
    let failure = arm.post(ID, "swap", "1", &json!({})).unwrap_err();
    assert!(matches!(Failure::from(failure), Failure::Retry(_)));
    assert_eq!(script.asked(), ["POST ID/swap?api-version=1"]);
}

#[test]
fn another_operation_in_the_way_is_waited_for() {
    let script = Script::new([
        error(409, "AnotherOperationInProgress"),
        answer(200, &[], &thing("Creating", 7)),
        answer(200, &[], &thing("Creating", 7)),
        answer(200, &[], &thing("Failed", 7)),
        answer(200, &[], &thing("Succeeded", 1)),
        answer(200, &[], &thing("Succeeded", 1)),
    ]);
    put(&script).unwrap();
    assert_eq!(script.asked()[4], "PUT ID?api-version=1");
}

#[test]
fn a_conflict_that_is_told_in_words_is_waited_for() {
    let words = "Cannot modify this site because another operation is in progress. Details: Id: 1";
    let busy = || answer(409, &[], &json!({ "Code": "Conflict", "Message": words }));
    let found = || answer(200, &[], &json!({ "properties": {} }));
    let script = Script::new([busy(), found(), busy(), found(), found(), found()]);
    put(&script).unwrap();
    assert_eq!(script.clock.get(), Duration::from_secs(10));
    // An action is not sent again: what is in its way may be the very same.
    let script = Script::new([busy()]);
    let arm = Arm::new(&script, &script, &account()).unwrap();
    assert!(arm.post(ID, "swap", "1", &json!({})).unwrap_err().is_busy());
    script.asked();
}

#[test]
fn a_conflict_of_another_kind_is_an_error() {
    let script = Script::new([error(409, "NameTaken"), answer(200, &[], &thing("Succeeded", 7))]);
    assert!(put(&script).unwrap_err().to_string().contains("NameTaken"));
}

#[test]
fn what_takes_too_long_goes_on_without_the_plugin() {
    let script = Script::new((0..35).map(|_| answer(200, &[], &thing("Creating", 1))));
    let failure = put(&script).unwrap_err();
    assert!(matches!(&failure, ArmError::Unfinished { seconds: 100, state, .. } if state == "Creating"), "{failure:?}");
    assert!(matches!(Failure::from(failure), Failure::Retry(_)));
}

#[test]
fn a_run_that_is_cancelled_stops_within_a_second() {
    let script =
        Script::new([answer(200, &[("retry-after", "60")], &thing("Creating", 1)), answer(200, &[], &thing("Creating", 1))]);
    script.stop_after.set(Some(Duration::from_secs(2)));
    assert!(matches!(Failure::from(put(&script).unwrap_err()), Failure::Cancelled));
    assert_eq!(script.clock.get(), Duration::from_secs(2));
}

#[test]
fn a_resource_is_kept_made_or_changed() {
    let check = |answers: Vec<Result<Response, Error>>, action: Action, detail: &str| {
        let script = Script::new(answers);
        let (change, _) = Arm::new(&script, &script, &account()).unwrap().ensure(&desired()).unwrap();
        assert_eq!((change.action, change.detail.as_str()), (action, detail));
        script.asked();
    };
    let ready = |size| answer(200, &[], &thing("Succeeded", size));
    check(vec![ready(1)], Action::Keep, "as it should be");
    check(vec![error(404, "ResourceNotFound"), ready(1), ready(1)], Action::Create, "at P/things/t");
    check(vec![ready(2), ready(1), ready(1)], Action::Update, "properties.size: 2 -> 1");
    // What an earlier call began is adopted.
    let going = || answer(200, &[], &thing("Creating", 1));
    check(vec![going(), going(), ready(1), ready(1)], Action::Keep, "as it should be");
    // What failed before is sent again, although nothing differs.
    let failed = || answer(200, &[], &thing("Failed", 1));
    check(vec![failed(), ready(1), ready(1)], Action::Update, "its last operation ended as `Failed`");
}

#[test]
fn a_deletion_ends_when_the_thing_is_gone() {
    let link = format!("{ROOT}/results/1");
    let script = Script::new([
        answer(202, &[("location", &link)], &Value::Null),
        answer(204, &[], &Value::Null),
        answer(200, &[], &thing("Deleting", 1)),
        error(404, "ResourceNotFound"),
    ]);
    Arm::new(&script, &script, &account()).unwrap().delete(ID, "1").unwrap();
    assert_eq!(script.asked().len(), 4);
    let script = Script::new([answer(204, &[], &Value::Null)]);
    Arm::new(&script, &script, &account()).unwrap().delete(ID, "1").unwrap();
}

#[test]
fn a_list_has_all_its_pages() {
    let link = format!("{ROOT}/next");
    let script = Script::new([
        answer(200, &[], &json!({ "value": [1, 2], "nextLink": link })),
        answer(200, &[], &json!({ "value": [3] })),
    ]);
    let all = Arm::new(&script, &script, &account()).unwrap().list(ID, "1").unwrap();
    assert_eq!(all, [1, 2, 3]);
}
