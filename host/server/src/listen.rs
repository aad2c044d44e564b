//! Sockets: connections in, answers out, and an end in which nobody is cut off in the middle of an answer.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
pub use tokio_rustls::TlsAcceptor;

/// How long a client may take for the head of a request.
const HEAD: Duration = Duration::from_secs(10);

/// The most connections at once: more wait.
const CONNECTIONS: usize = 1024;

/// How a server listens.
#[derive(Clone, Default)]
pub struct Listening {
    /// TLS, where clients must speak it.
    pub tls: Option<TlsAcceptor>,
    /// Whether a proxy stands before it, whose word counts on where a request comes from.
    pub is_behind_proxy: bool,
    /// How long answers may take after the server was asked to stop.
    pub drain: Duration,
}

/// Answers until `stop`. Readers of events are let go at the end of the drain.
pub async fn serve(listener: TcpListener, router: Router, how: Listening, stop: impl Future<Output = ()>) {
    let (places, graceful) = (Arc::new(Semaphore::new(CONNECTIONS)), GracefulShutdown::new());
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stop => break,
        };
        let Some((stream, from, place)) = accepted else { continue };
        let (router, watcher, tls, is_behind_proxy) = (router.clone(), graceful.watcher(), how.tls.clone(), how.is_behind_proxy);
        tokio::spawn(async move {
            // A client that goes away, or speaks no TLS, is no fault.
            match tls {
                None => answer_all(stream, router, from, is_behind_proxy, watcher).await,
                Some(tls) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HEAD, tls.accept(stream)).await {
                        answer_all(stream, router, from, is_behind_proxy, watcher).await;
                    }
                }
            }
            drop(place);
        });
    }
    drop(listener);
    let _all = tokio::time::timeout(how.drain, graceful.shutdown()).await;
}

/// Answers the requests of a connection until it ends.
async fn answer_all(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    from: SocketAddr,
    is_behind_proxy: bool,
    watcher: Watcher,
) {
    let service = service_fn(move |request: hyper::Request<Incoming>| answer(router.clone(), request, from, is_behind_proxy));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(64 << 10);
    let _done = watcher.watch(builder.serve_connection(TokioIo::new(stream), service)).await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, from)) => {
            let _small = stream.set_nodelay(true);
            Some((stream, from, place))
        }
        // Too many open files: others close some.
        Err(_) => {
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn answer(
    router: Router,
    request: hyper::Request<Incoming>,
    from: SocketAddr,
    is_behind_proxy: bool,
) -> Result<axum::response::Response, Infallible> {
    use tower::ServiceExt;
    let mut request: Request = request.map(Body::new);
    let from = if is_behind_proxy { forwarded(&request).map_or(from, |ip| SocketAddr::new(ip, 0)) } else { from };
    request.extensions_mut().insert(ConnectInfo(from));
    router.oneshot(request).await
}

/// Who asked the proxy: the last address of `X-Forwarded-For`, which is the one that the proxy itself wrote.
fn forwarded(request: &Request) -> Option<IpAddr> {
    let value = request.headers().get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_s_own_word_counts() {
        let request = |value: &str| Request::builder().header("x-forwarded-for", value).body(Body::empty()).unwrap();
        let of = |value: &str| forwarded(&request(value)).map(|ip| ip.to_string());
        assert_eq!(of("10.0.0.1, 203.0.113.7").as_deref(), Some("203.0.113.7"), "what a client wrote itself stands before");
        assert_eq!(of("2001:db8::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(of("unknown"), None);
    }
}
