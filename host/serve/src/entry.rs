//! A request on its way: what becomes known of it, for the headers of the answer, the figures and the log.

use std::time::Instant;

use http::header::HeaderValue;
use http::request::Parts;
use sprag_scoring::Problem;

use crate::body::Share;
use crate::figures::RequestLabels;
use crate::handler::Service;
use crate::identity::Identity;
use crate::log::{self, RequestLine};
use crate::variants::Chosen;

/// The status of a request that was never answered: its client went away, or the service ended. The number is nginx's; no client ever sees it.
const UNANSWERED: u16 = 499;

/// The longest path that a line has, in bytes.
const MOST_PATH: usize = 256;

/// A request on its way. However it ends, it is counted and has its line in the log.
pub(crate) struct Entry<'a> {
    service: &'a Service,
    started: Instant,
    pub(crate) parts: Parts,
    pub(crate) identity: Identity,
    /// The trace as its header has it.
    pub(crate) trace: HeaderValue,
    /// Who answers.
    pub(crate) chosen: Chosen<'a>,
    pub(crate) note: Note,
    /// The memory that it holds, once it has sent rows.
    pub(crate) share: Option<Share>,
    /// The status of the answer, once there is one.
    pub(crate) status: Option<u16>,
}

/// What becomes known of a request on its way, for its line.
#[derive(Default)]
pub(crate) struct Note {
    pub(crate) route: &'static str,
    pub(crate) predictions: u32,
    pub(crate) code: Option<&'static str>,
    /// Why the service or the model failed. What is wrong with a request is not told here: it may repeat what the client sent.
    pub(crate) reason: Option<String>,
    row: Option<u64>,
    field: Option<String>,
}

impl Note {
    /// Takes down what was wrong, without what the client sent.
    pub(crate) fn refused(&mut self, problem: &Problem, is_input: impl FnOnce(&str) -> bool) {
        self.code = Some(problem.code);
        self.row = problem.row;
        self.field = problem.field.clone().filter(|field| is_input(field));
        if problem.status >= 500 {
            self.reason.get_or_insert_with(|| problem.message.clone());
        }
    }
}

impl<'a> Entry<'a> {
    /// A request begins.
    pub(crate) fn new(service: &'a Service, parts: Parts) -> Self {
        let started = Instant::now();
        service.figures.in_flight.inc();
        let identity = Identity::of(&parts.headers);
        let trace = HeaderValue::from_str(&identity.trace.to_string()).expect("a trace is made of hexadecimal digits");
        let chosen = service.variants.choose_champion();
        let note = Note { route: "other", ..Note::default() };
        Self { service, started, parts, identity, trace, chosen, note, share: None, status: None }
    }

    fn write_line(&self, status: u16) {
        let path = self.parts.uri.path();
        let key = &self.chosen.served.key;
        self.service.log.line(&RequestLine {
            time: log::now(),
            event: "request",
            request: &self.identity.request,
            trace: self.trace.to_str().unwrap_or_default(),
            method: self.parts.method.as_str(),
            path: &path[..path.floor_char_boundary(MOST_PATH)],
            status,
            predictions: self.note.predictions,
            variant: self.chosen.variant.name(),
            model: &key.name,
            version: &key.version,
            digest: &key.digest,
            ms: (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3,
            code: self.note.code,
            row: self.note.row,
            field: self.note.field.as_deref(),
            reason: self.note.reason.as_deref(),
        });
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let status = self.status.unwrap_or(UNANSWERED);
        if self.status.is_none() {
            self.note.code = Some("unanswered");
        }
        self.service.figures.in_flight.dec();
        let (route, variant) = (self.note.route, self.chosen.variant.name());
        self.service.figures.request(&RequestLabels { route, status, variant });
        if self.service.log.is_on() {
            self.write_line(status);
        }
    }
}
