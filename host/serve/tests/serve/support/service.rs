//! A service on a free port, which ends with its test.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use sprag_serve::{Catalog, Config, Listen, Log, ServeError, Server};
use tempfile::NamedTempFile;
use tokio::sync::oneshot;

use super::{Client, DEADLINE, runtime};

/// A service that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) warnings: Vec<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<bool>>,
    log: NamedTempFile,
}

/// Starts a service.
#[track_caller]
pub(crate) fn start(catalog: Arc<dyn Catalog>, change: impl FnOnce(&mut Config)) -> Running {
    try_start(catalog, change).unwrap_or_else(|error| panic!("{error}"))
}

/// Starts a service that may not start.
pub(crate) fn try_start(catalog: Arc<dyn Catalog>, change: impl FnOnce(&mut Config)) -> Result<Running, ServeError> {
    let log = NamedTempFile::new().unwrap();
    let mut config = Config {
        listen: Listen::Address((Ipv4Addr::LOCALHOST, 0).into()),
        log: Log::File(log.path().to_owned()),
        poll: Duration::from_millis(5),
        ..Config::default()
    };
    // Only a test of that limit may hit it.
    config.limits.time = DEADLINE;
    config.scorer.memory = 64 << 20;
    change(&mut config);
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = tokio.block_on(Server::bind(config, runtime(), catalog))?;
    let (address, warnings) = (server.address(), server.warnings().to_vec());
    let (stop, asked) = oneshot::channel();
    let thread = std::thread::spawn(move || tokio.block_on(server.run(async { _ = asked.await })));
    Ok(Running { address, warnings, stop: Some(stop), thread: Some(thread), log })
}

impl Running {
    /// A new connection.
    pub(crate) fn client(&self) -> Client<TcpStream> {
        Client::connect(self.address)
    }

    /// The value of a line of `/metrics`.
    #[track_caller]
    pub(crate) fn figure(&self, line: &str) -> f64 {
        let answer = self.client().get("/metrics");
        let text = answer.text();
        let found = text.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(' ')?.parse().ok());
        found.unwrap_or_else(|| panic!("no line `{line}` in:\n{text}"))
    }

    /// Asks it to stop, and gives a handle on its end.
    pub(crate) fn ask_to_stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits for the end, and says whether everything that was begun was answered.
    pub(crate) fn ended(&mut self) -> bool {
        self.thread.take().unwrap().join().unwrap()
    }

    /// What the log holds until now.
    pub(crate) fn log_so_far(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    /// Stops it and gives the lines of its log.
    pub(crate) fn log(mut self) -> Vec<Value> {
        self.ask_to_stop();
        assert!(self.ended());
        lines(self.log.path())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Whether the other side has ended a connection and nothing more comes.
pub(crate) fn is_over(stream: &mut impl Read) -> bool {
    let mut rest = vec![];
    match stream.read_to_end(&mut rest) {
        Ok(_) => rest.is_empty(),
        Err(error) => matches!(error.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::UnexpectedEof),
    }
}
