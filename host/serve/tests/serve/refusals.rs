//! Bad input is a 4xx that names the field and the row, and the service goes on.

use serde_json::json;

use crate::support::{fixed, start};

#[test]
fn bad_rows_name_their_field_and_row() {
    let service = start(fixed("double"), |_| ());
    let mut client = service.client();
    type Case<'a> = (&'a [u8], u16, &'a str, Option<u64>, Option<&'a str>);
    let cases: [Case<'_>; 17] = [
        (br#"{"data":[[1],["a"]]}"#, 422, "bad-type", Some(1), Some("x")),
        (br#"{"data":[[1],[null]]}"#, 422, "missing-value", Some(1), Some("x")),
        (br#"{"data":[[1],[]]}"#, 422, "wrong-width", Some(1), Some("x")),
        (br#"{"data":[[1,2]]}"#, 422, "wrong-width", Some(0), None),
        (br#"{"data":[[1],{"y":2}]}"#, 422, "unknown-column", Some(1), Some("y")),
        (br#"{"data":[[1],{}]}"#, 422, "missing-value", Some(1), Some("x")),
        (br#"{"data":[[true]]}"#, 422, "bad-type", Some(0), Some("x")),
        (br#"{"data":[[1],7]}"#, 422, "bad-type", Some(1), None),
        (br#"{"data":[]}"#, 422, "no-rows", None, None),
        (br#"{}"#, 422, "missing-key", None, None),
        (br#"{"rows":[]}"#, 422, "unknown-key", None, None),
        (br#"{"data":[[1]],"data":[[1]]}"#, 422, "repeated-key", None, None),
        (br#"{"data":[[1e999]]}"#, 422, "not-finite", Some(0), Some("x")),
        (br#"{"data":[[1],[NaN]]}"#, 422, "not-finite", Some(1), Some("x")),
        (br#"{"data":[[-Infinity]]}"#, 422, "not-finite", Some(0), Some("x")),
        (b"\xff\xfe", 400, "not-json", None, None),
        (b"", 400, "not-json", None, None),
    ];
    for (body, status, code, row, field) in cases {
        let shown = String::from_utf8_lossy(body);
        let answer = client.post("/score", body);
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{shown}: {}", answer.text());
        let error = &answer.json()["error"];
        assert_eq!((&error["row"], &error["field"]), (&json!(row), &json!(field)), "{shown}: {error}");
        assert!(error["message"].as_str().unwrap().starts_with("expected "), "{error}");
    }
    assert_eq!(client.score(&[1.0]).status, 200, "the connection goes on");
}

#[test]
fn what_is_no_request_of_this_service_says_what_would_be() {
    let service = start(fixed("double"), |config| config.limits.rows = 2);
    let mut client = service.client();
    let refused = |answer: &crate::support::Answer| answer.refusal().1;
    let wrong = client.get("/score");
    assert_eq!((refused(&wrong), wrong.header("allow")), ("wrong-method".to_owned(), Some("POST")));
    let wrong = client.post("/metrics", b"");
    assert_eq!((refused(&wrong), wrong.header("allow")), ("wrong-method".to_owned(), Some("GET, HEAD")));
    assert_eq!(client.get("/nothing").refusal(), (404, "not-found".to_owned()));
    assert_eq!(client.post("/score?outputs=some", b"{}").refusal(), (400, "unknown-parameter".to_owned()));
    assert_eq!(client.score(&[1.0, 2.0, 3.0]).refusal(), (413, "too-many-rows".to_owned()));
    for (header, value, code) in [("content-type", "text/csv", "wrong-type"), ("content-encoding", "gzip", "wrong-encoding")] {
        let answer = service.client().request("POST", "/score", &[(header, value)], b"{}");
        assert_eq!(answer.refusal(), (415, code.to_owned()));
    }
}

#[test]
fn bytes_that_are_no_http_are_refused() {
    let service = start(fixed("double"), |_| ());
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(1000));
    let sent: [&[u8]; 7] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SCORE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        long.as_bytes(),
        many.as_bytes(),
    ];
    for bytes in sent {
        let mut client = service.client();
        client.send(bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
        let answer = client.answer().unwrap_or_else(|| panic!("no answer to {shown}"));
        assert!((400..500).contains(&answer.status), "{} to {shown}", answer.status);
    }
    // A body in pieces that lies about their sizes.
    let mut client = service.client();
    client.send(b"POST /score HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
    assert_eq!(client.answer().unwrap().refusal(), (400, "broken-body".to_owned()));
    assert_eq!(service.client().score(&[1.0]).status, 200);
}
