//! The smallest client of HTTP/1.1: one request on a connection of its own, and the answer as its bytes.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

/// No test waits for an answer for longer than this, whatever the machine is busy with.
const DEADLINE: Duration = Duration::from_secs(120);

/// How often something is asked for that is not so yet.
const TICK: Duration = Duration::from_millis(20);

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The headers in their order, their names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }
}

/// Sends a request to a port of the loopback address.
///
/// # Errors
///
/// There is no connection, or no whole answer.
pub(crate) fn ask(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    head.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    // A server may answer before it has read a body that it refuses.
    let _unread = stream.write_all(body);
    let mut bytes = vec![];
    stream.read_to_end(&mut bytes)?;
    parse(&bytes)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("no answer: {}", String::from_utf8_lossy(&bytes))))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let mut lines = std::str::from_utf8(&bytes[..end]).ok()?.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let headers: Vec<_> = lines.map(header).collect::<Option<_>>()?;
    let mut answer = Answer { status, headers, body: bytes[end + 4..].to_vec() };
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = joined(&answer.body)?;
    }
    Some(answer)
}

/// The chunks of a body, joined.
fn joined(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = vec![];
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?, 16).ok()?;
        let rest = &bytes[end + 2..];
        if length == 0 {
            return Some(body);
        }
        body.extend(rest.get(..length)?);
        bytes = rest.get(length + 2..)?;
    }
}

/// Gets a path.
#[track_caller]
pub(crate) fn get(port: u16, path: &str) -> Answer {
    ask(port, "GET", path, &[], b"").unwrap()
}

/// Posts JSON to a path.
#[track_caller]
pub(crate) fn post(port: u16, path: &str, json: &str) -> Answer {
    ask(port, "POST", path, &[("content-type", "application/json")], json.as_bytes()).unwrap()
}

/// Gets a path until an answer is as it should be, of a server that may not be there yet.
#[track_caller]
pub(crate) fn get_until(port: u16, path: &str, is_it: impl Fn(&Answer) -> bool) -> Answer {
    let mut last = None;
    eventually(path, || {
        last = ask(port, "GET", path, &[], b"").ok();
        last.as_ref().is_some_and(&is_it)
    });
    last.unwrap()
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not so within {DEADLINE:?}");
        std::thread::sleep(TICK);
    }
}
