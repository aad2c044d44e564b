//! More than the service takes is turned away at once, with a word on when to come back.

use std::time::Duration;

use crate::support::{Client, eventually, fixed, start};

#[test]
fn a_full_queue_is_a_503_that_says_when_to_come_back() {
    let service = start(fixed("moody"), |config| {
        config.limits.time = Duration::from_secs(2);
        config.limits.concurrency = 1;
        config.limits.queue = 0;
    });
    let (mut busy, mut client) = (service.client(), service.client());
    eventually("the one scorer is busy", || {
        busy.send_request("POST", "/score", &[], br#"{"data":[[-2]]}"#);
        let answer = client.score(&[1.0]);
        if answer.status == 200 {
            // It came first, and the other was refused, or came second: once more.
            let _answer = busy.answer().unwrap();
            return false;
        }
        assert_eq!(answer.refusal(), (503, "overloaded".to_owned()));
        assert_eq!(answer.header("retry-after"), Some("1"));
        true
    });
    assert_eq!(client.get("/readyz").status, 200, "it answers whoever looks after it");
    assert_eq!(busy.answer().unwrap().refusal(), (504, "timeout".to_owned()));
    assert_eq!(client.score(&[1.0]).status, 200);
    assert!(service.figure(r#"sprag_rejected_total{reason="overloaded"}"#) >= 1.0);
}

#[test]
fn who_waits_gets_a_turn_or_is_told_that_none_came() {
    let service = start(fixed("moody"), |config| {
        config.limits.time = Duration::from_millis(700);
        config.limits.concurrency = 1;
        config.limits.queue = 8;
    });
    let mut clients: Vec<_> = (0..6).map(|_| service.client()).collect();
    for client in &mut clients {
        client.send_request("POST", "/score", &[], br#"{"data":[[-2]]}"#);
    }
    let mut statuses: Vec<_> = clients.iter_mut().map(|client| client.answer().unwrap().status).collect();
    statuses.sort_unstable();
    assert!(statuses.contains(&503) && statuses.contains(&504), "{statuses:?}");
    assert!(statuses.iter().all(|status| [503, 504].contains(status)), "{statuses:?}");
    assert_eq!(service.client().score(&[1.0]).status, 200);
}

#[test]
fn bodies_share_the_memory_that_there_is() {
    let service = start(fixed("double"), |config| {
        config.limits.body = 1000;
        config.limits.bodies = 1500;
    });
    let half = |client: &mut Client<_>| {
        client.send(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
        client.send(&[b' '; 900]);
    };
    let (mut first, mut second) = (service.client(), service.client());
    half(&mut first);
    half(&mut second);
    // Whichever came second has no room; it is closed, since its body is still to come.
    for client in [&mut first, &mut second] {
        client.stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    }
    let mut answer = None;
    eventually("one of both is turned away", || {
        answer = first.answer().or_else(|| second.answer());
        answer.is_some()
    });
    let answer = answer.unwrap();
    assert_eq!(answer.refusal(), (503, "overloaded".to_owned()));
    assert_eq!((answer.header("retry-after"), answer.header("connection")), (Some("1"), Some("close")));
    assert_eq!(service.client().score(&[1.0]).status, 200);
}
