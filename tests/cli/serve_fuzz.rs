//! A service in the hands of clients that send anything: no panic, no fault of its own, and no memory that grows.

use std::io::{Read, Write};
use std::time::Duration;

use crate::context::{Project, Service};

/// SplitMix64: the same requests on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

const METHODS: [&str; 8] = ["POST", "POST", "POST", "POST", "GET", "PUT", "HEAD", "OPTIONS"];

const TARGETS: [&str; 12] = [
    "/score",
    "/score",
    "/score?outputs=all",
    "/v2/models/diabetes/infer",
    "/v2/models/diabetes/versions/1/infer",
    "/v2/models/diabetes",
    "/v2/models/%00/infer",
    "/metrics",
    "/readyz",
    "/openapi.json?x=1",
    "/../etc/passwd",
    "http://elsewhere/score",
];

const HEADERS: [&str; 14] = [
    "content-type: application/json",
    "content-type: application/octet-stream",
    "content-type: \u{e9}",
    "inference-header-content-length: 10",
    "inference-header-content-length: 99999999999999999999",
    "authorization: Bearer x",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "traceparent: zz",
    "x-request-id: \t",
    "x-api-version: nothing",
    "content-encoding: gzip",
    "expect: 100-continue",
    "connection: upgrade\r\nupgrade: h2c",
    "x: y: z",
];

const BODIES: [&str; 10] = [
    r#"{"data":[[1,2,3,4,5,6,7,8,9,10],[10,9,8,7,6,5,4,3,2,1]]}"#,
    r#"{"data":[{"AGE":1,"SEX":2,"BMI":3,"BP":4,"S1":5,"S2":6,"S3":7,"S4":8,"S5":9,"S6":10}]}"#,
    r#"{"columns":["AGE","SEX","BMI","BP","S1","S2","S3","S4","S5","S6"],"data":[[1,2,3,4,5,6,7,8,9,10]]}"#,
    r#"{"inputs":[{"name":"x","shape":[1,10],"datatype":"FP64","data":[1,2,3,4,5,6,7,8,9,10]}]}"#,
    r#"{"inputs":[{"name":"AGE","shape":[1],"datatype":"INT64","parameters":{"binary_data_size":8}}]}"#,
    r#"{"data":[[NaN,Infinity,-Infinity,1e999,-1e999,null,true,"x",[],{}]]}"#,
    r#"{"data":[]}"#,
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "\u{0}\u{1}\u{2}",
    "",
];

const PIECES: [&str; 20] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u",
    "null",
    "NaN",
    "1e999",
    "-",
    "\"data\"",
    "é",
    "[[[[[[[[",
    "18446744073709551615",
    "\u{a0}",
    "\u{85}",
    "\u{2003}",
    "\u{3000}",
];

/// A body that may once have been good.
fn body(random: &mut Random) -> Vec<u8> {
    let mut body = random.of(&BODIES).as_bytes().to_vec();
    for _ in 0..random.below(5) {
        let at = random.below(body.len() + 1);
        let end = at + random.below(body.len() - at + 1);
        match random.below(5) {
            0 => body.truncate(at),
            1 => drop(body.splice(at..at, random.of(&PIECES).bytes())),
            2 if at < body.len() => body[at] = random.next().to_le_bytes()[0],
            3 => drop(body.drain(at..end)),
            _ => {
                let copy = body[at..end].to_vec();
                drop(body.splice(at..at, copy));
            }
        }
    }
    body
}

/// A request of which something is wrong, mostly.
fn request(random: &mut Random) -> Vec<u8> {
    let body = body(random);
    let mut request =
        format!("{} {} HTTP/1.{}\r\nhost: x\r\n", random.of(&METHODS), random.of(&TARGETS), random.below(2)).into_bytes();
    for _ in 0..random.below(4) {
        request.extend_from_slice(random.of(&HEADERS).as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    match random.below(8) {
        0 => request.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n"),
        1 => request.extend_from_slice(format!("content-length: {}\r\n\r\n", random.next()).as_bytes()),
        2 => request.extend_from_slice(format!("content-length: {}\r\n\r\n", random.below(2 * body.len() + 1)).as_bytes()),
        _ => request.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes()),
    }
    request.extend_from_slice(&body);
    for _ in 0..random.below(3) {
        let at = random.below(request.len());
        request[at] = random.next().to_le_bytes()[0];
    }
    request
}

/// How long an answer is waited for before the request is taken for one that is not complete.
const PATIENCE: Duration = Duration::from_millis(20);

/// Sends a request, and gives the statuses of all that is answered to it.
fn statuses(service: &Service, request: &[u8]) -> Vec<u16> {
    let mut client = service.client();
    let _refused = client.stream.write_all(request);
    client.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answers = vec![0; 64 << 10];
    let count = client.stream.read(&mut answers).unwrap_or_default();
    answers.truncate(count);
    if answers.is_empty() {
        // What it still announces comes with this; what is left over of it is no request, and the service ends the connection.
        client.stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let _refused = client.stream.write_all(format!("\r\n\r\n{}\r\n\r\n", "\u{1}".repeat(70_000)).as_bytes());
        let _reset = client.stream.read_to_end(&mut answers);
    }
    let text = String::from_utf8_lossy(&answers);
    let heads = text.match_indices("HTTP/1.").filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok());
    heads.collect()
}

#[test]
fn ten_thousand_malformed_requests_change_nothing() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let service = Service::start(&project, &["@production", "--log", "log", "--body-timeout", "1s"]);
    let mut random = Random(7);
    let (mut good, mut bad, mut before) = (0, 0, 0);
    for round in 0..10_000 {
        if round == 2_000 {
            before = service.resident_bytes();
        }
        let request = request(&mut random);
        for status in statuses(&service, &request) {
            assert!((100..500).contains(&status), "{status} to {}", String::from_utf8_lossy(&request));
            if status < 400 { good += 1 } else { bad += 1 }
        }
    }
    assert!(good > 200 && bad > 5000, "{good} good, {bad} bad");
    let grown = service.resident_bytes().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes more than after the first 2000");
    let metrics = service.client().get("/metrics").text().to_owned();
    let faults: Vec<_> =
        metrics.lines().filter(|line| line.starts_with("sprag_requests_total") && line.contains(r#"status="5"#)).collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert!(metrics.contains("sprag_scorers_failed_total 0\n") && metrics.contains("sprag_in_flight 1\n"), "{metrics}");
    let ended = service.stop().ok();
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn a_body_of_a_gigabyte_is_refused_and_never_held() {
    let project = Project::diabetes();
    let _ = project.run(&["run"]).ok();
    let service = Service::start(&project, &["@production"]);
    assert_eq!(service.client().post("/score", br#"{"data":[[1,2,3,4,5,6,7,8,9,10]]}"#).status, 200);
    let before = service.resident_bytes();
    let megabyte = vec![b'1'; 1 << 20];
    let grown = |what: &str| {
        let grown = service.resident_bytes().saturating_sub(before);
        // A body may have 16 MiB; while it grows it is copied.
        assert!(grown < 96 << 20, "{grown} bytes more after {what}");
    };
    // Announced, and sent all the same by a client that looks for no answer before the end.
    let mut client = service.client();
    client.send(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 1073741824\r\n\r\n{\"data\":[[");
    let mut sent = 0;
    while sent < 1024 && client.stream.write_all(&megabyte).is_ok() {
        sent += 1;
    }
    grown("a body that was announced");
    assert_eq!(service.client().get("/readyz").status, 200);
    // In pieces, which announce nothing.
    let mut client = service.client();
    client.send(b"POST /score HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    let piece = [b"100000\r\n".as_slice(), &megabyte, b"\r\n"].concat();
    let mut sent = 0;
    while sent < 1024 && client.stream.write_all(&piece).is_ok() {
        sent += 1;
    }
    grown("a body in pieces");
    // A client that listens gets its answer, and is told what there is room for.
    let mut client = service.client();
    client.send(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 1073741824\r\nexpect: 100-continue\r\n\r\n");
    let answer = client.answer().unwrap();
    assert_eq!((answer.refusal(), answer.header("connection")), ((413, "too-large".to_owned()), Some("close")));
    assert!(answer.text().contains("expected a body of at most 16777216 bytes, found more"), "{}", answer.text());
    // Many at once share what there is.
    let clients: Vec<_> = (0..24)
        .map(|_| {
            let mut client = service.client();
            client.send(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 16000000\r\n\r\n");
            client.stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
            client
        })
        .collect();
    for mut client in clients {
        for _ in 0..15 {
            client.send(&megabyte);
        }
    }
    assert!(service.resident_bytes() < before + (400 << 20), "bodies have 256 MiB together");
    assert_eq!(service.client().get("/readyz").status, 200);
    let _ = service.stop();
}
