//! Clients that take their time, or send more than anybody wants: they end, and others are answered meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{DEADLINE, eventually, fixed, is_over, start};

#[test]
fn who_never_ends_a_head_is_shown_out_while_others_are_answered() {
    let service = start(fixed("double"), |config| {
        config.limits.head_time = Duration::from_millis(500);
        config.limits.connections = 100;
    });
    let mut loris: Vec<_> = (0..60).map(|_| service.client()).collect();
    for client in &mut loris {
        client.send(b"POST /score HTTP/1.1\r\nhost: x\r\nx-slow: ");
    }
    let mut client = service.client();
    assert_eq!(client.score(&[1.0]).status, 200);
    // A byte now and then buys no more time.
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(600) {
        for client in &mut loris {
            client.send(b"a");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    for client in &mut loris {
        let mut rest = vec![];
        let _reset = client.stream.read_to_end(&mut rest);
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
    }
    assert_eq!(service.client().score(&[1.0]).status, 200);
    eventually("their connections are gone", || service.figure("sprag_connections") <= 2.0);
}

#[test]
fn connections_beyond_their_number_wait_for_a_place() {
    let service = start(fixed("double"), |config| {
        config.limits.head_time = Duration::from_millis(500);
        config.limits.connections = 4;
    });
    let _loris: Vec<_> = (0..8).map(|_| service.client()).collect();
    // The eight that say nothing go within their time, and then it is this one's turn.
    assert_eq!(service.client().score(&[1.0]).status, 200);
}

#[test]
fn a_body_that_does_not_come_is_a_408() {
    let service = start(fixed("double"), |config| config.limits.body_time = Duration::from_millis(200));
    let mut client = service.client();
    client.send(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"data\":[");
    let answer = client.answer().unwrap();
    assert_eq!(answer.refusal(), (408, "slow-body".to_owned()));
    assert!(is_over(&mut client.stream));
}

#[test]
fn a_body_that_is_too_large_is_refused_unread() {
    let service = start(fixed("double"), |config| config.limits.body = 1000);
    // By what its head says, before any of it came.
    let mut client = service.client();
    client.send(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\nexpect: 100-continue\r\n\r\n");
    assert_eq!(client.answer().unwrap().refusal(), (413, "too-large".to_owned()), "and not asked to continue");
    // By what comes, where the head says nothing.
    let mut client = service.client();
    client.send(b"POST /score HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    for _ in 0..200 {
        client.send(format!("3e8\r\n{}\r\n", " ".repeat(1000)).as_bytes());
    }
    let answer = client.answer().unwrap();
    assert_eq!((answer.refusal(), answer.header("connection")), ((413, "too-large".to_owned()), Some("close")));
    assert_eq!(service.client().score(&[1.0]).status, 200);
    assert_eq!(service.figure(r#"sprag_rejected_total{reason="too-large"}"#), 2.0);
}

#[test]
fn a_client_that_sends_on_still_gets_its_answer() {
    let service = start(fixed("double"), |config| config.limits.body = 1000);
    for _ in 0..20 {
        let mut client = service.client();
        client.send(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 8000000\r\n\r\n");
        // It looks for no answer before it has sent everything, as simple clients do.
        for _ in 0..8 {
            client.send(&[b' '; 1_000_000]);
        }
        assert_eq!(client.answer().unwrap().refusal(), (413, "too-large".to_owned()));
    }
}

/// Asks for more and more and takes its answers as `take` does, until the service takes no more requests, and then ends the connection.
fn until_shown_out(take: impl Fn(&mut TcpStream)) {
    let service = start(fixed("double"), |config| config.limits.head_time = Duration::from_millis(300));
    let mut client = service.client();
    client.stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    let request = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let since = Instant::now();
    loop {
        assert!(since.elapsed() < DEADLINE);
        match client.stream.write(&request) {
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
            Ok(_) => {}
        }
        take(&mut client.stream);
    }
    eventually("its connection is gone", || service.figure("sprag_connections") <= 1.0);
}

#[test]
fn who_takes_no_answers_is_shown_out() {
    until_shown_out(|_| ());
}

#[test]
fn who_takes_a_byte_now_and_then_is_shown_out() {
    until_shown_out(|stream| {
        let _reset = stream.read(&mut [0; 100]);
    });
}
