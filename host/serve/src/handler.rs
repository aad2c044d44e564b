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
use sprag_scoring::{Head, Problem, Reply, Route};
use tokio::sync::Semaphore;

use crate::body::{self, BodyMemory};
use crate::canary::CanaryWork;
use crate::challenger::CHAMPION;
use crate::config::{Config, ServeLimits};
use crate::error::ServeError;
use crate::figures::{Figures, RequestLabels};
use crate::identity::Identity;
use crate::keys::Keys;
use crate::log::{self, Logger, RequestLine};
use crate::observer::Observer;
use crate::rival::Rival;
use crate::served::Served;
use crate::variants::{Chosen, Variants};

/// The headers that an answer has beside those of HTTP.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const MODEL_VERSION: HeaderName = HeaderName::from_static("x-sprag-model-version");
const MODEL_DIGEST: HeaderName = HeaderName::from_static("x-sprag-model-digest");
const VARIANT: HeaderName = HeaderName::from_static("x-sprag-variant");

/// Where the variants are shown.
const VARIANTS: &str = "/variants";

/// Why the library cannot refuse a header that was made of what it took before.
const CHECKED: &str = "ids are visible ASCII, and traces hexadecimal digits";

/// What all requests share.
pub(crate) struct Service {
    pub(crate) variants: Variants,
    pub(crate) canary: Option<Arc<CanaryWork>>,
    pub(crate) keys: Option<RwLock<Arc<Keys>>>,
    pub(crate) figures: Figures,
    pub(crate) log: Logger,
    pub(crate) draining: AtomicBool,
    pub(crate) limits: ServeLimits,
    open_metrics: bool,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    memory: BodyMemory,
    pub(crate) turns: Semaphore,
    pub(crate) waiting: AtomicUsize,
}

/// What becomes known of a request on its way, for the log.
#[derive(Default)]
pub(crate) struct Note {
    route: &'static str,
    pub(crate) predictions: u32,
    pub(crate) code: Option<&'static str>,
    pub(crate) reason: Option<String>,
}

/// Counts a request as being answered until it is dropped: a client that goes away drops it, too.
struct InFlight<'a>(&'a Figures);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

impl Service {
    /// Puts a service together, its challengers not yet loaded.
    ///
    /// # Errors
    /// The challengers cannot be set up, or the analysis cannot be.
    pub(crate) fn new(config: &Config, champion: Served, keys: Option<Keys>, log: Logger) -> Result<Self, ServeError> {
        let figures = Figures::new(config.observers.clone());
        figures.swapped(CHAMPION, None, &champion.key);
        let rival = |challenger| Rival::new(challenger, figures.contest.clone(), log.clone());
        let rivals = config.challengers.iter().map(rival).collect::<Result<Vec<_>, _>>()?;
        let canary = config.canary.clone().map(|setup| CanaryWork::new(setup, &rivals)).transpose()?;
        let sticky = config.sticky.as_deref().map(sticky).transpose()?;
        Ok(Self {
            variants: Variants::new(champion, rivals, sticky),
            canary: canary.map(Arc::new),
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
        })
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let started = Instant::now();
        self.figures.in_flight.inc();
        let _in_flight = InFlight(&self.figures);
        let (parts, body) = request.into_parts();
        let identity = Identity::of(&parts.headers);
        let mut chosen = self.variants.choose_champion();
        let head = head(&parts);
        let mut note = Note { route: "other", ..Note::default() };
        let answered = self.respond(&head, &parts, body, &mut chosen, &identity, &mut note).await;
        let reply = answered.unwrap_or_else(|problem| {
            note.code = Some(problem.code);
            note.reason.get_or_insert_with(|| problem.message.clone());
            problem.reply(head.error_style())
        });
        self.figures.request(&RequestLabels { route: note.route, status: reply.status, variant: chosen.variant.name() });
        let trace = identity.trace.to_string();
        self.write_line(&parts, &identity, &trace, &chosen, reply.status, &note, started.elapsed());
        response(reply, &identity, &trace, &chosen)
    }

    /// Answers by the champion, unless the client, the path or the shares say another: then that one stands in `chosen`.
    async fn respond<'a>(
        &'a self,
        head: &Head<'_>,
        parts: &Parts,
        body: Incoming,
        chosen: &mut Chosen<'a>,
        identity: &Identity,
        note: &mut Note,
    ) -> Result<Reply, Problem> {
        let mut route = chosen.served.api.route(head);
        let is_open = match &route {
            Ok(Route::Live | Route::Ready) => true,
            Ok(Route::Metrics) => self.open_metrics,
            _ => false,
        };
        if !is_open {
            self.check_key(parts)?;
        }
        if head.path() == VARIANTS {
            note.route = "variants";
            return self.show_variants(head);
        }
        // Whether the service lives is nothing that a variant answers, whichever a client means.
        if !matches!(route, Ok(Route::Live | Route::Ready | Route::Metrics)) {
            route = self.choose(route, head, parts, chosen);
        }
        match route? {
            Route::Live => {
                note.route = "live";
                Ok(Reply::json(r#"{"live":true}"#))
            }
            Route::Ready => {
                note.route = "ready";
                self.ready(chosen)
            }
            Route::Metrics => {
                note.route = "metrics";
                if !self.variants.rivals.is_empty() {
                    self.figures.contest.weight(CHAMPION, self.variants.champion_weight());
                }
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
                self.score(head, ask, &body, chosen, identity, note).await
            }
        }
    }

    /// Puts into `chosen` who is to answer, and gives where the request leads there: `route` is where it leads at the champion.
    fn choose<'a>(
        &'a self,
        route: Result<Route, Problem>,
        head: &Head<'_>,
        parts: &Parts,
        chosen: &mut Chosen<'a>,
    ) -> Result<Route, Problem> {
        if let Some(pinned) = self.variants.pinned(&parts.headers)? {
            let route = pinned.served.api.route(head);
            *chosen = pinned;
            return route;
        }
        let other = match &route {
            Ok(Route::Score(_)) => self.variants.draw(&parts.headers, head, &chosen.served),
            Ok(_) => None,
            Err(_) => self.variants.named(head),
        };
        let Some((other, found)) = other else { return route };
        *chosen = other;
        Ok(found)
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

    fn ready(&self, chosen: &Chosen<'_>) -> Result<Reply, Problem> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(Problem::new(503, "draining", "expected a service that goes on, found one that is about to end"));
        }
        let key = &chosen.served.key;
        let body = json!({
            "ready": true,
            "model": key.name,
            "version": key.version,
            "digest": key.digest,
            "trouble": chosen.variant.trouble(),
        });
        Ok(Reply::json(body.to_string()))
    }

    #[expect(clippy::too_many_arguments, reason = "a line has all that is known of a request")]
    fn write_line(
        &self,
        parts: &Parts,
        identity: &Identity,
        trace: &str,
        chosen: &Chosen<'_>,
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
            variant: chosen.variant.name(),
            model: &chosen.served.key.name,
            version: &chosen.served.key.version,
            digest: &chosen.served.key.digest,
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

/// The header that keeps requests together.
fn sticky(name: &str) -> Result<HeaderName, ServeError> {
    name.parse().map_err(|_| ServeError::Challengers(format!("expected the name of a header, found `{}`", name.escape_debug())))
}

fn response(reply: Reply, identity: &Identity, trace: &str, chosen: &Chosen<'_>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(REQUEST_ID, HeaderValue::from_str(&identity.request).expect(CHECKED));
    headers.insert(TRACE_PARENT, HeaderValue::from_str(trace).expect(CHECKED));
    headers.insert(VARIANT, HeaderValue::from_static(chosen.variant.name()));
    headers.insert(MODEL_VERSION, chosen.served.version_header.clone());
    headers.insert(MODEL_DIGEST, chosen.served.digest_header.clone());
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}
