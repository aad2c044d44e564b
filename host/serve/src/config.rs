//! How a service is set up.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sprag_core::limits::Limits;
use sprag_schemas::canary::Canary;
use sprag_tls::TlsFiles;

use crate::challenger::Challenger;
use crate::observer::Observer;

/// How a service is set up.
pub struct Config {
    /// Where it listens.
    pub listen: Listen,
    /// The certificate and its key, where it speaks TLS.
    pub tls: Option<TlsFiles>,
    /// The bearer keys that clients must have one of; anybody may ask where there is no source of them.
    pub keys: Vec<KeySource>,
    /// Whether `/metrics` may be read without a key.
    pub open_metrics: bool,
    /// What a request may cost.
    pub limits: ServeLimits,
    /// What a scorer may use. Its `time` is that of a request: see [`ServeLimits::time`].
    pub scorer: Limits,
    /// Where the lines of the log go.
    pub log: Log,
    /// How often the catalog is asked.
    pub poll: Duration,
    /// How long, once it was asked to stop, it still takes connections while it says that it is not ready, so that a load balancer can look away.
    pub notice: Duration,
    /// How long requests that were begun may go on after that.
    pub drain: Duration,
    /// Who sees rows and predictions.
    pub observers: Vec<Arc<dyn Observer>>,
    /// The models beside the champion.
    pub challengers: Vec<Challenger>,
    /// The analysis that sets the weight of the one challenger that answers.
    pub canary: Option<CanarySetup>,
    /// The header by which requests are kept together: all with one value go to one variant, as long as the shares stay. Requests without it are divided in turn.
    pub sticky: Option<String>,
}

/// An analysis of a challenger.
#[derive(Debug, Clone, PartialEq)]
pub struct CanarySetup {
    /// Steps and thresholds.
    pub canary: Canary,
    /// The file that keeps how far it is; without one a service that starts again begins anew.
    pub state: Option<PathBuf>,
}

/// Where a service listens.
#[derive(Debug)]
pub enum Listen {
    /// At an address; port 0 takes a free one.
    Address(SocketAddr),
    /// On a socket that listens already, held by whoever looks after the service.
    Socket(TcpListener),
}

/// Where bearer keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file with a key on each line; lines that begin with `#` are notes. It is read again when it changes.
    File(PathBuf),
    /// Keys that the caller has read, and where from.
    Given {
        /// The keys.
        keys: Vec<String>,
        /// Where they came from, for errors.
        origin: String,
    },
}

impl KeySource {
    /// The file that it reads, where it reads one.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Given { .. } => None,
        }
    }
}

/// Where the lines of the log go: one JSON object each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Log {
    /// To standard error.
    Stderr,
    /// To the end of a file.
    File(PathBuf),
    /// Nowhere.
    Off,
}

/// What a request may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeLimits {
    /// Bytes of a body.
    pub body: usize,
    /// Bytes of all requests that are held at once: bodies, the columns that become of them (taken as four times as much), and answers that are not taken yet.
    pub bodies: usize,
    /// Rows in one request.
    pub rows: u32,
    /// Time from the end of the body to the answer, waiting included.
    pub time: Duration,
    /// Time for a body to arrive.
    pub body_time: Duration,
    /// Time for a request's head to arrive, and for an idle connection to stay open.
    pub head_time: Duration,
    /// Connections at once.
    pub connections: usize,
    /// Requests that are scored at once.
    pub concurrency: usize,
    /// Requests that wait for their turn.
    pub queue: usize,
}

impl Default for ServeLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            body: 16 << 20,
            bodies: 256 << 20,
            rows: 100_000,
            time: Duration::from_secs(10),
            body_time: Duration::from_secs(10),
            head_time: Duration::from_secs(30),
            connections: 4096,
            concurrency: 2 * cores,
            queue: 1024,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen::Address(SocketAddr::from(([127, 0, 0, 1], 8080))),
            tls: None,
            keys: vec![],
            open_metrics: false,
            limits: ServeLimits::default(),
            scorer: Limits { memory: 512 << 20, ..Limits::default() },
            log: Log::Stderr,
            poll: Duration::from_millis(200),
            notice: Duration::ZERO,
            drain: Duration::from_secs(30),
            observers: vec![],
            challengers: vec![],
            canary: None,
            sticky: None,
        }
    }
}
