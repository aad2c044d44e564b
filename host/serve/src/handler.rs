//! One request, from its head to its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::json;
use sprag_scoring::{Head, Problem, Reply, Route};
use tokio::sync::Semaphore;

use crate::body::{self, Arrived, BodyMemory, Share};
use crate::canary::CanaryWork;
use crate::challenger::CHAMPION;
use crate::config::{Config, ServeLimits};
use crate::entry::Entry;
use crate::error::ServeError;
use crate::figures::Figures;
use crate::keys::Keys;
use crate::log::Logger;
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

impl Service {
    /// Puts a service together, its challengers not yet loaded.
    ///
    /// # Errors
    /// The challengers cannot be set up, or the analysis cannot be.
    pub(crate) fn new(config: &Config, champion: Served, keys: Option<Keys>, log: Logger) -> Result<Self, ServeError> {
        let figures = Figures::new(config.observers.clone(), log.lost());
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
        let (parts, body) = request.into_parts();
        let mut entry = Entry::new(self, parts);
        let reply = match unpanicked(self.respond(&mut entry, body)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(problem)) => self.refuse(&mut entry, &problem),
            Err(Panicked) => {
                let message = "expected an answer, found a fault of the service; its log says where";
                self.refuse(&mut entry, &Problem::new(500, "internal-fault", message))
            }
        };
        entry.status = Some(reply.status);
        let share = entry.share.take();
        response(reply, share, &entry)
    }

    fn refuse(&self, entry: &mut Entry<'_>, problem: &Problem) -> Reply {
        let Entry { parts, chosen, note, .. } = entry;
        note.refused(problem, |field| chosen.served.pool.signature().inputs.iter().any(|input| input.name == field));
        problem.reply(head(parts).error_style())
    }

    /// Answers by the champion, unless the client, the path or the shares say another: then that one stands in the entry.
    async fn respond<'a>(&'a self, entry: &mut Entry<'a>, body: Incoming) -> Result<Reply, Problem> {
        let Entry { parts, identity, chosen, note, share, .. } = entry;
        let head = head(parts);
        let mut route = chosen.served.api.route(&head);
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
            return self.show_variants(&head);
        }
        // Whether the service lives is nothing that a variant answers, whichever a client means.
        if !matches!(route, Ok(Route::Live | Route::Ready | Route::Metrics)) {
            route = self.choose(route, &head, parts, chosen);
        }
        match route? {
            Route::Live => {
                note.route = "live";
                Ok(Reply::json(r#"{"live":true}"#))
            }
            Route::Ready => {
                note.route = "ready";
                self.ready(chosen, self.check_key(parts).is_ok())
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
                let arrived = body::read(body, &self.memory, &self.limits).await;
                let Arrived { bytes, share: own } = arrived.inspect_err(|problem| self.figures.rejected(problem.code))?;
                let share = share.insert(own);
                self.score(&head, ask, (&bytes, share), chosen, identity, note).await
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

    /// Says whether requests can be answered; by which model, and what is amiss with it, to those who may ask.
    fn ready(&self, chosen: &Chosen<'_>, is_known: bool) -> Result<Reply, Problem> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(Problem::new(503, "draining", "expected a service that goes on, found one that is about to end"));
        }
        if !is_known {
            return Ok(Reply::json(r#"{"ready":true}"#));
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
}

/// The service panicked while it worked on a request.
struct Panicked;

/// Runs work that must not end its connection: a fault in it is a 500 with a line in the log, as every other request has.
async fn unpanicked<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    // What a panic left half done is dropped with the request; what requests share is behind atomics and locks that take poison in their stride.
    let poll = |context: &mut Context<'_>| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    };
    std::future::poll_fn(poll).await
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

fn response(reply: Reply, share: Option<Share>, entry: &Entry<'_>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body::until_taken(reply.body, share)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.reserve(12);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(REQUEST_ID, HeaderValue::from_str(&entry.identity.request).expect("ids are visible ASCII"));
    headers.insert(TRACE_PARENT, entry.trace.clone());
    // Who has no key is told nothing of the model.
    if reply.status != 401 {
        headers.insert(VARIANT, HeaderValue::from_static(entry.chosen.variant.name()));
        headers.insert(MODEL_VERSION, entry.chosen.served.version_header.clone());
        headers.insert(MODEL_DIGEST, entry.chosen.served.digest_header.clone());
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}
