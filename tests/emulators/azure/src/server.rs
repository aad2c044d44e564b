//! The emulator on a port of the loopback address.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::azure::Azure;
use crate::message::Request;

/// An emulator that answers until it is dropped.
pub struct Running {
    azure: Arc<Mutex<Azure>>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts on a port; 0 takes a free one. Its addresses are then of that port.
    ///
    /// # Errors
    ///
    /// The port cannot be had.
    ///
    /// # Panics
    ///
    /// When the thread cannot be started.
    pub fn start(azure: Azure, port: u16) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let mut azure = azure;
        azure.settings.root = format!("http://{address}");
        let azure = Arc::new(Mutex::new(azure));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = azure.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = accept(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { azure, address, stop: Some(stop), thread: Some(thread) })
    }

    /// The root of its addresses.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What is in it.
    ///
    /// # Panics
    ///
    /// When a request made it panic.
    pub fn azure(&self) -> MutexGuard<'_, Azure> {
        self.azure.lock().expect("the emulator answered its last request")
    }

    /// Waits for ever: for a program that is nothing else.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _stopped = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, azure: Arc<Mutex<Azure>>) {
    let started = Instant::now();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let azure = azure.clone();
        let service = service_fn(move |request| answer(azure.clone(), started, request));
        tokio::spawn(async move {
            // A client that goes away, and a connection that a fault cuts, are no matter of the server's.
            let _ended = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    azure: Arc<Mutex<Azure>>,
    started: Instant,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, Cut> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes().to_vec();
    let headers = parts.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let request = Request { method: parts.method.to_string(), target, headers: headers.collect(), body };
    let answered =
        azure.lock().expect("the emulator answered its last request").handle(started.elapsed(), &request).ok_or(Cut)?;
    let mut response = http::Response::builder().status(answered.status);
    for (name, value) in &answered.headers {
        response = response.header(name, value);
    }
    if !answered.body.is_null() {
        response = response.header("content-type", "application/json; charset=utf-8");
    }
    response.body(Full::new(Bytes::from(answered.bytes()))).map_err(|_| Cut)
}

/// The connection ends here.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection was cut")
    }
}

impl std::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
