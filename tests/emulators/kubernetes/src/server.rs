//! The cluster behind HTTP, plain or with TLS, on a port of the loopback address.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::ask::Request;
use crate::certificate::Identity;
use crate::cluster::{Cluster, Outcome, Watch};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// How often time passes.
const TICK: Duration = Duration::from_millis(10);

/// How a server is set up.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Whether it speaks TLS, with a certificate of an authority of its own.
    pub tls: bool,
    /// How many times as fast as outside time passes in the cluster.
    pub speed: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, tls: false, speed: 1 }
    }
}

/// A running server. It ends when it is dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    authority: Option<String>,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    /// Starts a server for a cluster.
    ///
    /// # Errors
    ///
    /// The port is taken, or the machine gives no thread or certificate.
    pub fn start(cluster: &Cluster, options: Options) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)))?;
        let address = listener.local_addr()?;
        let identity = options.tls.then(Identity::make).transpose()?;
        let authority = identity.as_ref().map(|identity| identity.authority.clone());
        let tls = identity.map(|identity| TlsAcceptor::from(Arc::new(identity.config)));
        runtime.spawn(pass_time(cluster.clone(), options.speed));
        runtime.spawn(listen(cluster.clone(), listener, tls));
        Ok(Self { address, authority, _runtime: runtime })
    }

    /// Its root.
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The authority of its certificate, in PEM.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// A kubeconfig for it: JSON, which is YAML too. `authority` is the path of a file with the authority's certificate.
    pub fn kubeconfig(&self, token: &str, authority: Option<&str>) -> String {
        let mut cluster = serde_json::json!({ "server": self.url() });
        if let Some(path) = authority {
            cluster["certificate-authority"] = serde_json::json!(path);
        }
        let config = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "emulator",
            "clusters": [{ "name": "emulator", "cluster": cluster }],
            "contexts": [{ "name": "emulator", "context": { "cluster": "emulator", "user": "tester" } }],
            "users": [{ "name": "tester", "user": { "token": token } }],
        });
        format!("{config:#}\n")
    }
}

async fn pass_time(cluster: Cluster, speed: u32) {
    let mut last = Instant::now();
    loop {
        tokio::time::sleep(TICK).await;
        let now = Instant::now();
        cluster.advance((now - last) * speed);
        last = now;
    }
}

async fn listen(cluster: Cluster, listener: TcpListener, tls: Option<TlsAcceptor>) {
    // A connection that fails to come about is its caller's to try again.
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (cluster, tls) = (cluster.clone(), tls.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(cluster.clone(), request));
            let connection = hyper::server::conn::http1::Builder::new();
            let _ended = match tls {
                None => connection.serve_connection(TokioIo::new(stream), service).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => connection.serve_connection(TokioIo::new(stream), service).await,
                    Err(_) => return,
                },
            };
        });
    }
}

async fn answer(cluster: Cluster, request: http::Request<Incoming>) -> Result<http::Response<Body>, io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: BTreeMap<_, _> = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let target = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let request = Request { method: parts.method.to_string(), target, headers, body };
    let response = http::Response::builder().header("content-type", "application/json");
    match cluster.handle(&request) {
        // An error of the service ends the connection.
        Outcome::Lost => Err(io::ErrorKind::ConnectionAborted.into()),
        Outcome::Answer(answer) => {
            let mut response = response.status(answer.status);
            for (name, value) in answer.headers {
                response = response.header(name, value);
            }
            response.body(Full::new(Bytes::from(answer.body.to_string())).boxed_unsync()).map_err(io::Error::other)
        }
        Outcome::Watch(watch) => response.body(watched(cluster, watch)).map_err(io::Error::other),
    }
}

/// The changes, a line each, until the time of the watch is over.
fn watched(cluster: Cluster, mut watch: Watch) -> Body {
    let (sender, lines) = mpsc::channel(16);
    tokio::spawn(async move {
        let line = |value: &Value| Bytes::from(format!("{value}\n"));
        let mut versions = cluster.version.subscribe();
        let end = tokio::time::Instant::now() + watch.timeout;
        loop {
            for change in cluster.changes(&mut watch) {
                if sender.send(line(&change)).await.is_err() {
                    return;
                }
            }
            if tokio::time::timeout_at(end, versions.changed()).await.is_err() {
                break;
            }
        }
        if let Some(bookmark) = cluster.bookmark(&watch) {
            let _gone = sender.send(line(&bookmark)).await;
        }
    });
    Lines(lines).boxed_unsync()
}

/// A body that grows line by line.
struct Lines(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}
