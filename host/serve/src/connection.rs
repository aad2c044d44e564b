//! Connections: accepted up to their number, with or without TLS, each answered until it ends.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::config::ServeLimits;
use crate::handler::Service;

/// The most bytes of a request's head.
const MOST_HEAD: usize = 64 << 10;

/// How long the listener rests where the machine has no room for another connection.
const REST: Duration = Duration::from_millis(50);

/// Accepts connections.
pub(crate) struct Acceptor {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) service: Arc<Service>,
    room: Arc<Semaphore>,
    head_time: Duration,
}

impl Acceptor {
    pub(crate) fn new(listener: TcpListener, tls: Option<TlsAcceptor>, service: Arc<Service>, limits: &ServeLimits) -> Self {
        let room = Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
        Self { listener, tls, service, room, head_time: limits.head_time }
    }

    /// Accepts one connection after the other, for as long as it is asked.
    pub(crate) async fn run(&self, graceful: &GracefulShutdown) {
        loop {
            let permit = self.room.clone().acquire_owned().await.expect("the acceptor never closes it");
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(REST).await;
                continue;
            };
            let (service, tls, head_time, watcher) = (self.service.clone(), self.tls.clone(), self.head_time, graceful.watcher());
            tokio::spawn(async move {
                service.figures.connections.inc();
                // A connection that ends in an error is the client's affair.
                let _ended = connection(stream, tls, &service, head_time, watcher).await;
                service.figures.connections.dec();
                drop(permit);
            });
        }
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    service: &Arc<Service>,
    head_time: Duration,
    watcher: Watcher,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => serve(stream, service, head_time, watcher).await,
        Some(tls) => {
            let stream = tokio::time::timeout(head_time, tls.accept(stream)).await??;
            serve(stream, service, head_time, watcher).await
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: &Arc<Service>,
    head_time: Duration,
    watcher: Watcher,
) -> io::Result<()> {
    let answer = service_fn(|request| async { Ok::<_, Infallible>(service.answer(request).await) });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_time).max_buf_size(MOST_HEAD).pipeline_flush(true);
    let connection = builder.serve_connection(TokioIo::new(stream), answer);
    watcher.watch(connection).await.map_err(io::Error::other)
}
