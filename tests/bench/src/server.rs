//! A team's server: from a request to the first stage, runs a second, a long list, and its memory when nothing happens.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sprag_schemas::record::RunRecord;
use sprag_store::Store;

use crate::measure::{Report, Times, alone, ms};
use crate::orchestrators;

/// For how long runs are asked for.
const SECONDS: f64 = 5.0;

/// How many runs the long list has.
const LISTED: usize = 10_000;

/// A pipeline of one stage that does nothing, and is never taken from the cache.
const PROJECT: &str = "[project]\nname = \"idle\"\n\n[data]\npath = \"data.csv\"\ntarget = \"y\"\n\n[stages.sanity-check]\nplugin = \"./check.wasm\"\ngrants = { clock = \"real\" }\n\n[pipeline]\nqueue = 100000\n";

pub(crate) fn run(report: &mut Report, sprag: &Path, scratch: &Path) {
    let project = scratch.join("idle");
    fs::create_dir_all(&project).expect("the scratch folder can be written");
    let write = |name: &str, bytes: &[u8]| fs::write(project.join(name), bytes).expect("the scratch folder can be written");
    write("sprag.toml", PROJECT.as_bytes());
    write("data.csv", b"a,y\n1,2\n2,4\n3,6\n4,8\n5,10\n");
    write("check.wasm", &fs::read(env!("BENCH_CHECK")).expect("the build script built it"));
    let published = command(sprag, &project, scratch).arg("publish").output().expect("sprag starts");
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    let begun = Instant::now();
    let server = Server::start(sprag, &project, scratch);
    let up = begun.elapsed().as_secs_f64();
    report.add("`sprag server` until it answers", ms(up), String::new(), String::new(), None);
    let megabytes = || format!("{} MB", server.resident() >> 20);
    report.add("a server that has done nothing yet, resident", megabytes(), String::new(), String::new(), None);
    server.one_run();
    report.add("the same after a run", megabytes(), String::new(), String::new(), None);
    let first = Times::of((0..20).map(|_| server.first_stage()).collect());
    report.add("API call to the first stage running", ms(first.median()), String::new(), String::new(), None);
    for clients in [1, 16] {
        let count = server.many(clients);
        let figure = format!("{:.0} runs/s", f64::from(count) / SECONDS);
        report.add(&format!("no-op pipeline through the API, {clients} clients"), figure, String::new(), String::new(), None);
    }
    fill(&project);
    let page = alone(20, || {
        let text = server.exchange("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        assert!(text.contains("Older runs"), "a page of many runs has more behind it");
    });
    report.add(&format!("page of the newest of {LISTED} runs"), ms(page.median()), String::new(), String::new(), None);
    drop(server);
    orchestrators::run(report, (up, first.median()), scratch);
}

/// More runs, as they would be had they been run.
fn fill(project: &Path) {
    let store = Store::open(&project.join(".sprag")).expect("the store is there");
    let like: RunRecord = store.find_run("latest").expect("there was a run");
    for count in 0..LISTED {
        let id = format!("20260101-{count:06}-zzzz");
        store
            .start_run(&RunRecord { id, started_at: format!("2026-01-01T00:00:00.{count:06}Z"), ..like.clone() })
            .expect("it is new");
    }
}

fn command(sprag: &Path, project: &Path, scratch: &Path) -> Command {
    let mut command = Command::new(sprag);
    command.arg("--project").arg(project).env("SPRAG_CACHE_DIR", scratch.join("cache")).stdin(Stdio::null());
    command
}

/// A server that is stopped by its own process when it goes.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(sprag: &Path, project: &Path, scratch: &Path) -> Self {
        let ready = scratch.join("ready");
        let mut server = command(sprag, project, scratch);
        server.args(["server", "--listen", "127.0.0.1:0", "--ready-file"]).arg(&ready);
        let child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sprag starts");
        let since = Instant::now();
        while !ready.exists() {
            assert!(since.elapsed() < Duration::from_secs(60), "the server does not answer");
            std::thread::sleep(Duration::from_millis(1));
        }
        let url = fs::read_to_string(ready).expect("it was written a moment ago");
        Self { child, address: url.trim().trim_start_matches("http://").to_owned() }
    }

    fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the server answers");
        stream.write_all(request.as_bytes()).expect("the server takes it");
        let mut text = String::new();
        let _all = stream.read_to_string(&mut text);
        text
    }

    /// Asks for a run, and gives its id.
    fn ask(&self) -> String {
        let path = "/api/v1/pipelines/idle/runs";
        let answer =
            self.exchange(&format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"));
        let id = answer.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next());
        id.unwrap_or_else(|| panic!("no run: {answer}")).to_owned()
    }

    /// Reads the events of a run until one of this name, or their end.
    fn until(&self, id: &str, event: &str) {
        let mut stream = TcpStream::connect(&self.address).expect("the server answers");
        let request = format!("GET /api/v1/runs/{id}/events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the server takes it");
        let (mut text, mut piece, wanted) = (String::new(), [0; 8192], format!("event: {event}\n"));
        while !text.contains(&wanted) {
            match stream.read(&mut piece) {
                Ok(count) if count > 0 => text += &String::from_utf8_lossy(&piece[..count]),
                _ => return,
            }
        }
    }

    fn one_run(&self) {
        self.until(&self.ask(), "run-finished");
    }

    /// From the request to the first stage.
    fn first_stage(&self) -> f64 {
        let begun = Instant::now();
        let id = self.ask();
        self.until(&id, "stage-started");
        let took = begun.elapsed().as_secs_f64();
        self.until(&id, "run-finished");
        took
    }

    /// How many runs so many clients get, each of which asks for the next when the last has ended.
    fn many(&self, clients: usize) -> u32 {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let client = || {
                let mut count = 0;
                while begun.elapsed().as_secs_f64() < SECONDS {
                    self.one_run();
                    count += 1;
                }
                count
            };
            let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
            clients.into_iter().map(|client| client.join().unwrap_or(0)).sum()
        })
    }

    /// Its memory that is in use now (proc_pid_status(5), `VmRSS`).
    fn resident(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) << 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}
