//! One request, from its head to its answer.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::json;
use sprag_scoring::{Ask, Head, Problem, Reply, Route};
use tokio::sync::Semaphore;

use crate::body::{self, BodyMemory};
use crate::config::{Config, ServeLimits};
use crate::figures::{Figures, RequestLabels};
use crate::identity::Identity;
use crate::keys::Keys;
use crate::log::{self, Logger, RequestLine};
use crate::observer::{Observation, Observer};
use crate::served::Served;
use crate::variants::{Variant, Variants};
use crate::{convert, failure};

/// The headers that an answer has beside those of HTTP.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const MODEL_VERSION: HeaderName = HeaderName::from_static("x-sprag-model-version");
const MODEL_DIGEST: HeaderName = HeaderName::from_static("x-sprag-model-digest");

/// Why the library cannot refuse a header that was made of what it took before.
const CHECKED: &str = "ids are visible ASCII, and traces hexadecimal digits";

/// What all requests share.
pub(crate) struct Service {
    pub(crate) variants: Variants,
    pub(crate) keys: Option<RwLock<Arc<Keys>>>,
    pub(crate) figures: Figures,
    pub(crate) log: Logger,
    pub(crate) draining: AtomicBool,
    limits: ServeLimits,
    open_metrics: bool,
    observers: Vec<Arc<dyn Observer>>,
    memory: BodyMemory,
    turns: Semaphore,
    waiting: AtomicUsize,
}

/// What becomes known of a request on its way, for the log.
#[derive(Default)]
struct Note {
    route: &'static str,
    predictions: u32,
    code: Option<&'static str>,
    reason: Option<String>,
}

/// Counts down when it is dropped, however the request ends.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a request as being answered until it is dropped: a client that goes away drops it, too.
struct InFlight<'a>(&'a Figures);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

impl Service {
    pub(crate) fn new(config: &Config, champion: Served, keys: Option<Keys>, log: Logger) -> Self {
        let figures = Figures::new(config.observers.clone());
        let champion = Variant::new("champion", champion);
        figures.swapped(champion.name(), None, &champion.release());
        Self {
            variants: Variants { champion },
            keys: keys.map(|keys| RwLock::new(Arc::new(keys))),
            figures,
            log,
            draining: AtomicBool::new(false),
            limits: config.limits.clone(),
            open_metrics: config.open_metrics,
            observers: config.observers.clone(),
            memory: BodyMemory::default(),
            turns: Semaphore::new(config.limits.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let started = Instant::now();
        self.figures.in_flight.inc();
        let _in_flight = InFlight(&self.figures);
        let (parts, body) = request.into_parts();
        let identity = Identity::of(&parts.headers);
        let variant = self.variants.choose(&parts.headers);
        let served = variant.served();
        let head = head(&parts);
        let mut note = Note { route: "other", ..Note::default() };
        let answered = self.respond(&head, &parts, body, variant, &served, &identity, &mut note).await;
        let reply = answered.unwrap_or_else(|problem| {
            note.code = Some(problem.code);
            note.reason.get_or_insert_with(|| problem.message.clone());
            problem.reply(head.error_style())
        });
        self.figures.request(&RequestLabels { route: note.route, status: reply.status, variant: variant.name() });
        let trace = identity.trace.to_string();
        self.write_line(&parts, &identity, &trace, variant, &served, reply.status, &note, started.elapsed());
        response(reply, &identity, &trace, &served)
    }

    #[expect(clippy::too_many_arguments, reason = "a request, what answers it, and what is noted about it")]
    async fn respond(
        &self,
        head: &Head<'_>,
        parts: &Parts,
        body: Incoming,
        variant: &Variant,
        served: &Served,
        identity: &Identity,
        note: &mut Note,
    ) -> Result<Reply, Problem> {
        let route = served.api.route(head);
        let is_open = match &route {
            Ok(Route::Live | Route::Ready) => true,
            Ok(Route::Metrics) => self.open_metrics,
            _ => false,
        };
        if !is_open {
            self.check_key(parts)?;
        }
        match route? {
            Route::Live => {
                note.route = "live";
                Ok(Reply::json(r#"{"live":true}"#))
            }
            Route::Ready => {
                note.route = "ready";
                self.ready(variant, served)
            }
            Route::Metrics => {
                note.route = "metrics";
                let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                Ok(Reply { status: 200, content_type, headers: vec![], body: self.figures.text().into_bytes() })
            }
            Route::Fixed(reply) => {
                note.route = "document";
                Ok(reply)
            }
            Route::Score(ask) => {
                note.route = "score";
                let (body, _share) = match body::read(body, &self.memory, &self.limits).await {
                    Ok(read) => read,
                    Err(problem) => {
                        self.figures.rejected(problem.code);
                        return Err(problem);
                    }
                };
                self.score(&ask, &body, variant, served, identity, note).await
            }
        }
    }

    fn check_key(&self, parts: &Parts) -> Result<(), Problem> {
        let Some(keys) = &self.keys else { return Ok(()) };
        let keys = keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        if keys.accept(parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes)) {
            return Ok(());
        }
        let message = "expected the header `authorization: Bearer <key>` with a key of this service, found none that is";
        Err(Problem::new(401, "no-key", message).header("www-authenticate", "Bearer realm=\"sprag\""))
    }

    fn ready(&self, variant: &Variant, served: &Served) -> Result<Reply, Problem> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(Problem::new(503, "draining", "expected a service that goes on, found one that is about to end"));
        }
        let key = &served.key;
        let body = json!({
            "ready": true,
            "model": key.name,
            "version": key.version,
            "digest": key.digest,
            "trouble": variant.trouble(),
        });
        Ok(Reply::json(body.to_string()))
    }

    async fn score(
        &self,
        ask: &Ask,
        body: &[u8],
        variant: &Variant,
        served: &Served,
        identity: &Identity,
        note: &mut Note,
    ) -> Result<Reply, Problem> {
        let started = Instant::now();
        let batch = served.api.decode(ask, body, self.limits.rows)?;
        let inputs = convert::to_data(batch.columns);
        let kept = if self.observers.is_empty() { vec![] } else { inputs.clone() };
        let deadline = tokio::time::Instant::now() + self.limits.time;
        let _turn = self.turn(deadline).await?;
        let scored = tokio::time::timeout_at(deadline, served.pool.predict(batch.rows, inputs)).await;
        let result = match scored {
            Ok(Ok(outputs)) => Ok(outputs),
            Ok(Err(failed)) => {
                if failure::is_scorer_lost(&failed.failure) {
                    self.figures.scorer_failed();
                }
                let (problem, reason) = failure::problem(&failed, &identity.request);
                note.reason = Some(reason);
                Err(problem)
            }
            Err(_) => {
                self.figures.scorer_failed();
                let message = format!("expected the model's answer within {:?}, found none", self.limits.time);
                Err(Problem::new(504, "timeout", message))
            }
        };
        let latency = started.elapsed();
        for observer in &self.observers {
            let signature = served.pool.signature();
            observer.observe(&Observation {
                variant: variant.name(),
                release: &served.key,
                rows: batch.rows,
                input_fields: &signature.inputs,
                inputs: &kept,
                output_fields: &signature.outputs,
                outputs: result.as_deref().ok(),
                status: result.as_ref().map_or_else(|problem| problem.status, |_| 200),
                latency,
            });
        }
        let outputs = result?;
        note.predictions = batch.rows;
        self.figures.scored(variant.name(), batch.rows, latency);
        Ok(served.api.answer(&batch.shape, batch.rows, &convert::to_wire(outputs)))
    }

    /// Waits for a turn, unless too many wait already or the time is over before.
    async fn turn(&self, deadline: tokio::time::Instant) -> Result<tokio::sync::SemaphorePermit<'_>, Problem> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok(turn);
        }
        let overloaded = |message: &str| {
            self.figures.rejected("overloaded");
            Problem::new(503, "overloaded", message).header("retry-after", "1")
        };
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Counted(&self.waiting);
        if before >= self.limits.queue {
            return Err(overloaded("expected room for one more request, found the queue full"));
        }
        match tokio::time::timeout_at(deadline, self.turns.acquire()).await {
            Ok(turn) => Ok(turn.expect("the service never closes it")),
            Err(_) => Err(overloaded("expected a turn in time, found the service busy with other requests")),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a line has all that is known of a request")]
    fn write_line(
        &self,
        parts: &Parts,
        identity: &Identity,
        trace: &str,
        variant: &Variant,
        served: &Served,
        status: u16,
        note: &Note,
        time: Duration,
    ) {
        if !self.log.is_on() {
            return;
        }
        self.log.line(&RequestLine {
            time: log::now(),
            event: "request",
            request: &identity.request,
            trace,
            method: parts.method.as_str(),
            path: parts.uri.path(),
            status,
            predictions: note.predictions,
            variant: variant.name(),
            model: &served.key.name,
            version: &served.key.version,
            digest: &served.key.digest,
            ms: (time.as_secs_f64() * 1e6).round() / 1e3,
            code: note.code,
            reason: note.reason.as_deref(),
        });
    }
}

/// What the protocol looks at of a head.
fn head(parts: &Parts) -> Head<'_> {
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"));
    Head {
        method: parts.method.as_str(),
        target: parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str),
        content_type: header(CONTENT_TYPE.as_str()),
        content_encoding: header(CONTENT_ENCODING.as_str()),
        inference_header_length: header("inference-header-content-length"),
    }
}

fn response(reply: Reply, identity: &Identity, trace: &str, served: &Served) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(REQUEST_ID, HeaderValue::from_str(&identity.request).expect(CHECKED));
    headers.insert(TRACE_PARENT, HeaderValue::from_str(trace).expect(CHECKED));
    headers.insert(MODEL_VERSION, served.version_header.clone());
    headers.insert(MODEL_DIGEST, served.digest_header.clone());
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}
