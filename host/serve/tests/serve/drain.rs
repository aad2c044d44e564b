//! The end of a service: what was begun is answered, and nothing new is taken.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{DEADLINE, eventually, fixed, is_over, start};

/// The head of a request and the beginning of its body, and what is missing of it.
const BEGUN: (&[u8], &[u8]) = (b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 14\r\n\r\n{\"data\":", b"[[5]]}");

#[test]
fn what_was_begun_is_answered_and_nothing_new_is_taken() {
    let mut service = start(fixed("double"), |config| config.drain = DEADLINE);
    let (mut idle, mut fresh, mut begun) = (service.client(), service.client(), service.client());
    assert_eq!(idle.score(&[1.0]).status, 200);
    begun.send(BEGUN.0);
    eventually("the request is begun", || service.figure("sprag_in_flight") >= 2.0);
    service.ask_to_stop();
    eventually("no connection is taken", || TcpStream::connect(service.address).is_err());
    assert!(is_over(&mut idle.stream), "a connection that waits for a request ends");
    assert!(is_over(&mut fresh.stream), "one that never sent anything ends, too");
    begun.send(BEGUN.1);
    let answer = begun.answer().unwrap();
    assert_eq!((answer.status, answer.text()), (200, r#"{"result":[10.0]}"#));
    assert!(is_over(&mut begun.stream), "and then its connection ends");
    assert!(service.ended());
}

#[test]
fn a_load_balancer_has_time_to_look_away() {
    let mut service = start(fixed("double"), |config| config.notice = Duration::from_secs(2));
    let mut client = service.client();
    assert_eq!(client.get("/readyz").status, 200);
    service.ask_to_stop();
    eventually("it says that it is about to end", || client.get("/readyz").status == 503);
    assert_eq!(client.get("/v2/health/ready").refusal(), (503, "draining".to_owned()));
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(service.client().score(&[1.0]).status, 200, "it still answers, new connections too");
    assert!(service.ended());
}

#[test]
fn a_request_that_never_ends_is_cut_off() {
    let mut service = start(fixed("double"), |config| config.drain = Duration::from_millis(200));
    let mut begun = service.client();
    begun.send(BEGUN.0);
    eventually("the request is begun", || service.figure("sprag_in_flight") >= 2.0);
    let since = Instant::now();
    service.ask_to_stop();
    assert!(!service.ended(), "not everything was answered");
    assert!(since.elapsed() < DEADLINE);
}
