//! `wasi:http` for the stages whose kind may use the network: every request goes to the caller's `Outbound`, and is recorded in the stage's log.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use sprag_schemas::record::{LogLevel, LogLine};
use wasmtime::component::Linker;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use crate::outside::{Body, Outbound, Patience, SendError};
use crate::session::Session;
use crate::state::StageState;

/// Offers `wasi:http/types` and `wasi:http/outgoing-handler`. The rest of WASI is linked already.
pub(crate) fn add_to_linker(linker: &mut Linker<StageState>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

/// The state of HTTP in one store.
pub(crate) struct Http {
    context: WasiHttpCtx,
    hooks: Hooks,
}

impl Http {
    pub(crate) fn new(session: Arc<Session>, outbound: Option<Arc<dyn Outbound>>) -> Self {
        Self { context: WasiHttpCtx::new(), hooks: Hooks { session, outbound } }
    }
}

impl WasiHttpView for StageState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.http.hooks, table: &mut self.handles, ctx: &mut self.http.context }
    }
}

struct Hooks {
    session: Arc<Session>,
    outbound: Option<Arc<dyn Outbound>>,
}

/// What the engine asks of a hook that sends a request: the answer, and what goes on after its head.
type Sent = Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (session, outbound) = (self.session.clone(), self.outbound.clone());
        Box::new(async move {
            let sent = Arc::new(AtomicU64::new(0));
            let mut entry = Entry::new(session, &request, sent.clone());
            let counted = request.map(|body| Counted { body, bytes: sent, entry: None }.map_err(broken_guest).boxed_unsync());
            let options = options.unwrap_or_default();
            let patience = Patience {
                connect: options.connect_timeout,
                first_byte: options.first_byte_timeout,
                between_bytes: options.between_bytes_timeout,
            };
            let answer = match outbound {
                Some(outbound) => outbound.send(counted, patience).await,
                None => Err(nobody_sends(&entry.target)),
            };
            match answer {
                Ok(response) => {
                    entry.status = Some(response.status().as_u16());
                    // A stage that fills its log with requests is stopped by the limit on logs, at the latest when this answer was read.
                    let response = response.map(|body| counted_answer(body, entry));
                    Ok((response, Box::new(async { Ok(()) }) as Box<dyn Future<Output = _> + Send>))
                }
                Err(error) => {
                    entry.failure = Some(error.to_string());
                    Err(to_wasi(error))
                }
            }
        })
    }
}

/// The refusal where the caller hands a stage no network at all.
fn nobody_sends(target: &str) -> SendError {
    SendError::Denied(format!(
        "asked to send `{target}`, which no grant of this stage allows; add `http = [\"<origin>\"]` to its grants in sprag.toml"
    ))
}

/// The engine's error for one of ours. A case without room for words is used only where the guest can do no better with the words.
fn to_wasi(error: SendError) -> Error {
    match error {
        SendError::NoAddress(host) => Error::DnsError { rcode: Some(format!("no address of {host}")), info_code: None },
        SendError::Connect { .. } => Error::ConnectionRefused,
        SendError::Timeout { .. } => Error::HttpResponseTimeout,
        SendError::Broken { .. } => Error::HttpResponseIncomplete,
        SendError::Denied(_) | SendError::Tls { .. } | SendError::TooLarge { .. } => {
            Error::InternalError(Some(error.to_string()))
        }
    }
}

/// The guest gave up its own request's body.
fn broken_guest(error: Error) -> SendError {
    SendError::Broken { host: "the stage".to_owned(), message: error.to_string() }
}

fn counted_answer(body: Body, entry: Entry) -> WasiBody {
    let body = body.map_err(to_wasi).boxed_unsync();
    let bytes = entry.received.clone();
    Counted { body, bytes, entry: Some(entry) }.boxed_unsync()
}

/// A body whose bytes are counted. With an entry, it is written when the body ends or is dropped.
struct Counted {
    body: WasiBody,
    bytes: Arc<AtomicU64>,
    entry: Option<Entry>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                self.bytes.fetch_add(length as u64, Ordering::Relaxed);
            }
            Poll::Ready(Some(Err(error))) => {
                if let Some(entry) = &mut self.entry {
                    entry.failure = Some(error.to_string());
                }
            }
            Poll::Ready(None) => self.entry = None,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// What the stage's log keeps of one request: method, host, path without query, status and sizes. It is written when it is dropped.
struct Entry {
    session: Arc<Session>,
    method: String,
    target: String,
    status: Option<u16>,
    failure: Option<String>,
    sent: Arc<AtomicU64>,
    received: Arc<AtomicU64>,
}

impl Entry {
    fn new(session: Arc<Session>, request: &http::Request<WasiBody>, sent: Arc<AtomicU64>) -> Self {
        let uri = request.uri();
        let scheme = uri.scheme_str().unwrap_or("https");
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        // What stands before an `@` is a password as often as not.
        let host = authority.rsplit('@').next().unwrap_or_default();
        let target = session.without_placeholders(&format!("{scheme}://{host}{}", uri.path()));
        let method = request.method().to_string();
        Self { session, method, target, status: None, failure: None, sent, received: Arc::default() }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Self { method, target, status, failure, .. } = &*self;
        let (level, message) = match (status, failure) {
            (Some(status), None) => (LogLevel::Info, format!("{method} {target}: {status}")),
            (Some(status), Some(failure)) => (LogLevel::Warn, format!("{method} {target}: {status}, then {failure}")),
            (None, Some(failure)) => (LogLevel::Warn, format!("{method} {target}: {failure}")),
            (None, None) => (LogLevel::Warn, format!("{method} {target}: given up")),
        };
        let count = |bytes: &AtomicU64| bytes.load(Ordering::Relaxed).to_string();
        let fields =
            BTreeMap::from([("bytes-sent".to_owned(), count(&self.sent)), ("bytes-received".to_owned(), count(&self.received))]);
        self.session.log_by_host(LogLine { level, message, fields });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_words_and_an_outage_its_case() {
        let denied = to_wasi(SendError::Denied("no".to_owned()));
        assert!(matches!(denied, Error::InternalError(Some(words)) if words == "no"));
        let connect = SendError::Connect { host: "h:1".to_owned(), message: "refused".to_owned() };
        assert!(matches!(to_wasi(connect), Error::ConnectionRefused));
    }
}
