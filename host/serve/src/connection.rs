//! Connections: accepted up to their number, with or without TLS, each answered until it ends.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Request;
use http::header::{CONNECTION, HeaderValue};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use crate::config::ServeLimits;
use crate::handler::Service;
use crate::stream::{Stream, Unread};

/// The most bytes of a request's head.
const MOST_HEAD: usize = 64 << 10;

/// How long the listener rests where the machine has no room for another connection.
const REST: Duration = Duration::from_millis(50);

/// How long the last connections may be used before they are ended, once no more are taken.
const FAREWELL: Duration = Duration::from_millis(300);

/// How often it is looked whether all of them have ended by themselves.
const LOOK: Duration = Duration::from_millis(5);

/// Accepts connections.
pub(crate) struct Acceptor {
    pub(crate) listener: TcpListener,
    pub(crate) service: Arc<Service>,
    room: Arc<Semaphore>,
    most: usize,
    shared: Arc<Shared>,
}

/// What all connections share.
struct Shared {
    tls: Option<TlsAcceptor>,
    head_time: Duration,
    /// Whether each answer is the last one of its connection.
    is_closing: AtomicBool,
}

impl Acceptor {
    pub(crate) fn new(listener: TcpListener, tls: Option<TlsAcceptor>, service: Arc<Service>, limits: &ServeLimits) -> Self {
        let most = limits.connections.clamp(1, Semaphore::MAX_PERMITS);
        let shared = Shared { tls, head_time: limits.head_time, is_closing: AtomicBool::new(false) };
        Self { listener, service, room: Arc::new(Semaphore::new(most)), most, shared: Arc::new(shared) }
    }

    /// Whether clients must speak TLS.
    pub(crate) fn has_tls(&self) -> bool {
        self.shared.tls.is_some()
    }

    /// Accepts one connection after the other, for as long as it is asked.
    pub(crate) async fn run(&self, graceful: &GracefulShutdown) {
        loop {
            let permit = self.room.clone().acquire_owned().await.expect("the acceptor never closes it");
            match self.listener.accept().await {
                Ok((stream, _)) => self.take(stream, permit, graceful.watcher()),
                Err(_) => tokio::time::sleep(REST).await,
            }
        }
    }

    /// Takes what was connected until now, and no more. A connection that a client may be about to use is not ended in its face: each answer says that it is
    /// the last one, and only who asks nothing for a while is left without that word.
    pub(crate) async fn close(self, graceful: &GracefulShutdown) {
        self.shared.is_closing.store(true, Ordering::Relaxed);
        while let Ok(permit) = self.room.clone().try_acquire_owned() {
            let Ok(Ok((stream, _))) = tokio::time::timeout(Duration::ZERO, self.listener.accept()).await else { break };
            self.take(stream, permit, graceful.watcher());
        }
        let Self { listener, room, most, .. } = self;
        drop(listener);
        let until = tokio::time::Instant::now() + FAREWELL;
        while room.available_permits() < most && tokio::time::Instant::now() < until {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn take(&self, stream: TcpStream, permit: OwnedSemaphorePermit, watcher: Watcher) {
        let (service, shared) = (self.service.clone(), self.shared.clone());
        tokio::spawn(async move {
            service.figures.connections.inc();
            // A connection that ends in an error is the client's affair.
            let _ended = connection(stream, &service, &shared, watcher).await;
            service.figures.connections.dec();
            drop(permit);
        });
    }
}

async fn connection(stream: TcpStream, service: &Arc<Service>, shared: &Shared, watcher: Watcher) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let unread = Unread::default();
    // Who takes no answer is given as much time as who sends no request.
    let stream = Stream::new(stream, unread.clone(), shared.head_time);
    match &shared.tls {
        None => serve(stream, service, unread, shared, watcher).await,
        Some(tls) => {
            let stream = tokio::time::timeout(shared.head_time, tls.accept(stream)).await??;
            serve(stream, service, unread, shared, watcher).await
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: &Arc<Service>,
    unread: Unread,
    shared: &Shared,
    watcher: Watcher,
) -> io::Result<()> {
    let answer = service_fn(|request: Request<Incoming>| {
        let has_body = !request.body().is_end_stream();
        let unread = unread.clone();
        async move {
            let mut response = service.answer(request).await;
            // Only an error comes before the end of a request.
            if has_body && !response.status().is_success() {
                unread.mark();
            }
            if shared.is_closing.load(Ordering::Relaxed) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(shared.head_time).max_buf_size(MOST_HEAD);
    let connection = builder.serve_connection(TokioIo::new(stream), answer);
    watcher.watch(connection).await.map_err(io::Error::other)
}
