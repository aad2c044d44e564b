//! A registry in this process that can be made to fail: it takes nothing that names what it does not have, as the distribution specification wants it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use sprag_core::digest::Digest;

/// What the registry does with the request of this number, from 1, instead of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It closes the connection, from this request on.
    DownFrom(usize),
    /// It answers this one with an error of its own.
    Once(usize, u16, &'static str),
    /// It gives other bytes than those that were asked for.
    OtherBytes,
    /// It takes large content little by little until so much time has passed, and then what is left of it.
    Slow(Duration),
    /// It takes nothing of large content.
    Stuck,
    /// It takes large content and says nothing to it.
    Mute,
    /// It gives half of what was asked for, and then nothing.
    Half,
    /// It answers what begins so with this status and bytes without an end: up to [`FLOOD`] of them.
    Flood(&'static str, u16),
}

/// Content that no system holds in its buffers, from so many bytes on.
const LARGE: usize = 16 << 20;

/// What a flood comes to where nobody stops it.
pub(crate) const FLOOD: usize = 256 << 20;

/// What it wants to know of its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing.
    Open,
    /// A user and a password.
    Basic,
    /// A token of its own service, which gives one to everybody.
    Token,
}

/// What it has and saw.
#[derive(Debug)]
pub(crate) struct State {
    /// Blobs by digest.
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// Manifests by digest and by tag.
    pub(crate) manifests: BTreeMap<String, Vec<u8>>,
    /// Method, path and status of each request.
    pub(crate) log: Vec<String>,
    pub(crate) fault: Option<Fault>,
    pub(crate) access: Access,
    /// Whether it says that it entered what a manifest is about.
    pub(crate) knows_referrers: bool,
    /// How many bytes of floods were taken.
    pub(crate) flooded: usize,
    seen: usize,
    /// Connections on which nothing more comes.
    held: Vec<TcpStream>,
}

/// The registry, on a free port. Its thread ends with the test.
pub(crate) struct StandIn {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

struct Request {
    method: String,
    path: String,
    authorization: Option<String>,
    body: Vec<u8>,
}

struct Answer {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Answer {
    fn new(status: u16) -> Self {
        Self { status, headers: vec![], body: vec![] }
    }

    fn error(status: u16, code: &str) -> Self {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{}"}}]}}"#, code.to_lowercase().replace('_', " "));
        Self { body: body.into_bytes(), ..Self::new(status) }
    }

    fn with(mut self, header: String) -> Self {
        self.headers.push(header);
        self
    }
}

impl StandIn {
    pub(crate) fn start(access: Access) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (blobs, manifests) = (BTreeMap::new(), BTreeMap::new());
        let (log, held) = (vec![], vec![]);
        let state = State { blobs, manifests, log, fault: None, access, knows_referrers: false, flooded: 0, seen: 0, held };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that went away is no matter.
                let _ = serve(&shared, &stream.unwrap(), port);
            }
        });
        Self { port, state }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Sets the fault and counts requests anew.
    pub(crate) fn set(&self, fault: Option<Fault>) {
        let mut state = self.state();
        (state.fault, state.seen, state.flooded) = (fault, 0, 0);
        state.log.clear();
    }
}

/// Answers one request, and closes.
fn serve(state: &Mutex<State>, stream: &TcpStream, port: u16) -> std::io::Result<()> {
    let fault = state.lock().unwrap().fault;
    let Some(request) = read(stream, fault)? else {
        state.lock().unwrap().held.push(stream.try_clone()?);
        return Ok(());
    };
    let mut state = state.lock().unwrap();
    state.seen += 1;
    let answer = match fault {
        Some(Fault::DownFrom(first)) if state.seen >= first => return Ok(()),
        Some(Fault::Once(which, status, code)) if state.seen == which => Answer::error(status, code),
        Some(Fault::Flood(begin, status)) if request.path.starts_with(begin) => {
            state.log.push(format!("{} {} {status}", request.method, request.path));
            return flood(stream, status, &mut state.flooded);
        }
        _ => state.answer(&request, port),
    };
    state.log.push(format!("{} {} {}", request.method, request.path, answer.status));
    let mut head = format!("HTTP/1.1 {} x\r\nconnection: close\r\ncontent-length: {}\r\n", answer.status, answer.body.len());
    head.extend(answer.headers.iter().map(|header| format!("{header}\r\n")));
    let mut to = stream;
    to.write_all(format!("{head}\r\n").as_bytes())?;
    match (request.method.as_str(), fault) {
        ("HEAD", _) => Ok(()),
        ("GET", Some(Fault::Half)) => {
            state.held.push(stream.try_clone()?);
            to.write_all(&answer.body[..answer.body.len() / 2])
        }
        _ => to.write_all(&answer.body),
    }
}

/// Sends zeros until the other side has had enough.
fn flood(mut stream: &TcpStream, status: u16, flooded: &mut usize) -> std::io::Result<()> {
    stream.write_all(format!("HTTP/1.1 {status} x\r\nconnection: close\r\n\r\n").as_bytes())?;
    let piece = vec![0; 1 << 16];
    while *flooded < FLOOD {
        stream.write_all(&piece)?;
        *flooded += piece.len();
    }
    Ok(())
}

/// Reads a request; none where it is never to be answered.
fn read(stream: &TcpStream, fault: Option<Fault>) -> std::io::Result<Option<Request>> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let fault = fault.filter(|_| length >= LARGE);
    if fault == Some(Fault::Stuck) {
        return Ok(None);
    }
    let mut body = vec![0; length];
    let mut taken = 0;
    if let Some(Fault::Slow(long)) = fault {
        let end = Instant::now() + long;
        while Instant::now() < end {
            let until = body.len().min(taken + (256 << 10));
            reader.read_exact(&mut body[taken..until])?;
            taken = until;
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(taken < length, "the content was there before the time was over");
    }
    reader.read_exact(&mut body[taken..])?;
    Ok(Some(Request { method, path, authorization, body }).filter(|_| fault != Some(Fault::Mute)))
}

impl State {
    fn answer(&mut self, request: &Request, port: u16) -> Answer {
        if request.path.starts_with("/token?") {
            // Under both names, as Docker's does.
            let body = br#"{"token":"let-me-in","access_token":"let-me-in","expires_in":300}"#;
            return Answer { body: body.to_vec(), ..Answer::new(200) };
        }
        let challenge = match self.access {
            Access::Open => None,
            Access::Basic => Some("Basic realm=\"stand-in\"".to_owned()),
            Access::Token => Some(format!("Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"stand-in\"")),
        };
        if let Some(challenge) = challenge.filter(|_| request.authorization.as_deref() != Some("Bearer let-me-in")) {
            return Answer::error(401, "UNAUTHORIZED").with(format!("www-authenticate: {challenge}"));
        }
        let path = request.path.trim_start_matches("/v2/team/mean/");
        match (request.method.as_str(), path.split_once('/')) {
            ("POST", Some(("blobs", _))) => Answer::new(202).with("location: /v2/team/mean/upload/7?state=a%2Fb".to_owned()),
            ("PUT", Some(("upload", rest))) => {
                let digest = rest.rsplit_once("digest=").unwrap().1.replace("%3A", ":");
                if !rest.starts_with("7?state=a%2Fb&") || Digest::of(&request.body).to_string() != digest {
                    return Answer::error(400, "DIGEST_INVALID");
                }
                self.blobs.insert(digest, request.body.clone());
                Answer::new(201)
            }
            ("PUT", Some(("manifests", which))) => self.put_manifest(which, &request.body),
            (_, Some(("blobs", digest))) => self.give(self.blobs.get(digest)),
            (_, Some(("manifests", which))) => self.give(self.manifests.get(which)),
            _ => Answer::error(404, "UNSUPPORTED"),
        }
    }

    fn give(&self, bytes: Option<&Vec<u8>>) -> Answer {
        let Some(bytes) = bytes else { return Answer::error(404, "NOT_FOUND") };
        let mut body = bytes.clone();
        if self.fault == Some(Fault::OtherBytes) {
            *body.last_mut().unwrap() ^= 1;
        }
        Answer { body, ..Answer::new(200) }
    }

    fn put_manifest(&mut self, which: &str, bytes: &[u8]) -> Answer {
        let document: Value = serde_json::from_slice(bytes).unwrap();
        let list = |key: &str| document[key].as_array().cloned().unwrap_or_default();
        let is_tagged_scheme = which.starts_with("sha256-");
        let has = |all: &BTreeMap<String, Vec<u8>>, one: &Value| all.contains_key(one["digest"].as_str().unwrap());
        let config = Some(document["config"].clone()).filter(|config| !config.is_null());
        let is_whole = list("layers").iter().chain(&config).all(|blob| has(&self.blobs, blob))
            && (is_tagged_scheme || list("manifests").iter().all(|manifest| has(&self.manifests, manifest)));
        if !is_whole {
            return Answer::error(400, "MANIFEST_BLOB_UNKNOWN");
        }
        let digest = Digest::of(bytes).to_string();
        if which.starts_with("sha256:") && which != digest {
            return Answer::error(400, "DIGEST_INVALID");
        }
        self.manifests.insert(digest, bytes.to_vec());
        self.manifests.insert(which.to_owned(), bytes.to_vec());
        let answer = Answer::new(201);
        match document["subject"]["digest"].as_str() {
            Some(subject) if self.knows_referrers => answer.with(format!("oci-subject: {subject}")),
            _ => answer,
        }
    }
}
