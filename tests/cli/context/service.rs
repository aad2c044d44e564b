//! `sprag serve` as a process of its own, on a free port.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::http::Client;
use super::{Outcome, Project, Running};

/// How long a service may take to say where it answers, once it said that it does.
const TO_SAY: Duration = Duration::from_secs(60);

/// A service that runs until it is dropped.
pub(crate) struct Service {
    running: Running,
    /// Where it answers.
    pub(crate) address: SocketAddr,
}

impl Service {
    /// Starts `sprag serve` with arguments in a project, and waits until it answers.
    #[track_caller]
    pub(crate) fn start(project: &Project, args: &[&str]) -> Self {
        Self::of(project, project.sprag(&["serve", "--listen", "127.0.0.1:0", "--ready-file", "ready"]), args)
    }

    /// The same, of a call that is prepared already and says `--ready-file ready`.
    #[track_caller]
    pub(crate) fn of(project: &Project, mut sprag: super::Sprag<'_>, args: &[&str]) -> Self {
        for arg in args {
            sprag = sprag.arg(arg);
        }
        let mut running = sprag.start();
        running.wait_for_text(" answers at ");
        let since = Instant::now();
        while !project.path("ready").exists() {
            assert!(since.elapsed() < TO_SAY, "there is no file that says where it answers");
            std::thread::sleep(Duration::from_millis(1));
        }
        let url = project.read("ready");
        let address = url.trim().split_once("://").unwrap().1.parse().unwrap();
        Self { running, address }
    }

    /// A new connection.
    pub(crate) fn client(&self) -> Client<TcpStream> {
        Client::connect(self.address)
    }

    /// Its memory that is in use now, in bytes (proc_pid_status(5), `VmRSS`).
    pub(crate) fn resident_bytes(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.running.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    /// Waits for its end.
    pub(crate) fn finish(self) -> Outcome {
        self.running.finish()
    }

    /// Asks it to stop, and waits for its end.
    pub(crate) fn stop(self) -> Outcome {
        self.signal("TERM");
        self.finish()
    }

    /// Kills it where it stands.
    pub(crate) fn kill(self) {
        self.running.kill();
    }
}
