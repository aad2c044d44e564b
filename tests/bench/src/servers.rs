//! Servers as processes of their own: each on one core, and ended by its own process id.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it answers; MLflow's takes its time.
const DEADLINE: Duration = Duration::from_secs(120);

/// A server that answers.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    child: Child,
    port: u16,
    path: &'static str,
    body: &'static str,
    /// How long it took from the start of its process to its first answer.
    pub(crate) ready: Duration,
}

/// The two rows of every request, as the reference's smoke test sends them.
pub(crate) const ROWS: &str = r#"{"data":[[1,2,3,4,5,6,7,8,9,10],[10,9,8,7,6,5,4,3,2,1]]}"#;

/// The same as MLflow's server wants them.
pub(crate) const MLFLOW_ROWS: &str = r#"{"inputs":[[1,2,3,4,5,6,7,8,9,10],[10,9,8,7,6,5,4,3,2,1]]}"#;

/// A free port of the loopback address.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback address has a free port");
    listener.local_addr().expect("it was just bound").port()
}

/// A program on the first core alone, so that the load on the second does not take turns with it.
pub(crate) fn on_first_core(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program);
    command
}

impl Server {
    /// Starts a server that will answer `body` at `path`, and waits until it does. `None` where it does not: the reason is printed by the server itself.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        port: u16,
        path: &'static str,
        body: &'static str,
    ) -> Option<Self> {
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let mut server = Self { name, child, port, path, body, ready: Duration::ZERO };
        while !server.answers() {
            if started.elapsed() > DEADLINE || !matches!(server.child.try_wait(), Ok(None)) {
                return None;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        server.ready = started.elapsed();
        Some(server)
    }

    /// Whether it answers two rows well.
    fn answers(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
        let (path, body, length) = (self.path, self.body, self.body.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let mut start = [0; 12];
        let asked = stream.set_read_timeout(Some(Duration::from_secs(5))).and_then(|()| stream.write_all(request.as_bytes()));
        asked.and_then(|()| stream.read_exact(&mut start)).is_ok() && start.ends_with(b" 200")
    }

    /// What it has in memory, with the processes that it started, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        family(self.child.id()).into_iter().filter_map(resident).sum()
    }

    /// Loads it from the second core.
    pub(crate) fn load(&self, client: Client, connections: u32, seconds: u32) -> Option<Load> {
        let mut command = Command::new("taskset");
        command.args(["-c", "1"]);
        match client {
            Client::Wrk => {
                let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("serving/load.lua");
                command.args(["wrk", "-t1", "--latency", &format!("-c{connections}"), &format!("-d{seconds}s"), "-s"]);
                command.arg(script).arg(format!("http://127.0.0.1:{}{}", self.port, self.path));
            }
            Client::Spinning => {
                let [port, connections, seconds] = [u32::from(self.port), connections, seconds].map(|number| number.to_string());
                command.arg(std::env::current_exe().ok()?).args(["spin", &port, self.path, &connections, &seconds]);
            }
        }
        let output = command.env("SPRAG_BENCH_BODY", self.body).output().ok()?;
        let told = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<f64> =
            told.lines().find_map(|line| line.strip_prefix("RESULT "))?.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [requests, time, p50, p99, wrong, broken] = numbers[..] else { return None };
        Some(Load { per_second: requests / time * 1e6, p50: p50 / 1e6, p99: p99 / 1e6, failed: wrong + broken })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Those that it started first: a parent that is gone leaves them to nobody.
        for id in family(self.child.id()).into_iter().skip(1) {
            let _ended = Command::new("kill").arg(id.to_string()).status();
        }
        let _ended = self.child.kill();
        let _collected = self.child.wait();
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// `wrk`, which sleeps while nothing has come.
    Wrk,
    /// One that never sleeps: see [`crate::spin`].
    Spinning,
}

/// What a load found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Requests per second.
    pub(crate) per_second: f64,
    /// The median latency in seconds.
    pub(crate) p50: f64,
    /// The latency in seconds that 99 of 100 requests keep to.
    pub(crate) p99: f64,
    /// Requests that were not answered with success.
    pub(crate) failed: f64,
}

impl Load {
    /// The load with the median throughput of several.
    pub(crate) fn median(mut loads: Vec<Self>) -> Option<Self> {
        loads.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
        let middle = *loads.get(loads.len() / 2)?;
        let mut latencies: Vec<f64> = loads.iter().map(|load| load.p99).collect();
        latencies.sort_by(f64::total_cmp);
        Some(Self { p99: latencies[latencies.len() / 2], failed: loads.iter().map(|load| load.failed).sum(), ..middle })
    }
}

/// A process and all that descend from it, as `/proc` has them.
fn family(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let mut next = 0;
    while let Some(parent) = all.get(next) {
        let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
        let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        let found: Vec<u32> =
            children.flat_map(|text| text.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect();
        all.extend(found);
        next += 1;
    }
    all
}

/// The resident memory of a process in bytes.
fn resident(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}
