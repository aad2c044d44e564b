//! One process of `sprag serve` under a supervisor.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::folder::{Folder, Wanted};
use crate::keys::Keys;
use crate::process::{ProcessId, part_from_environment};
use crate::socket;

/// How long a server may take until it answers. Compiling a large scorer for the first time is in it.
const TO_READY: Duration = Duration::from_secs(120);

/// A server that was started.
pub(crate) struct Server {
    child: Child,
    pub(crate) process: ProcessId,
    pub(crate) wanted: Wanted,
    /// The bearer keys that it was started with.
    pub(crate) keys: Keys,
    ready_file: PathBuf,
    pub(crate) since: Instant,
}

/// How a server is doing.
pub(crate) enum Health {
    /// It does not answer yet.
    Starting,
    /// It answers.
    Ready,
    /// It ended, or does not become ready: says how.
    Over(String),
}

impl Server {
    /// Starts a server on the listening socket.
    pub(crate) fn start(
        program: &Path,
        project: &Path,
        folder: &Folder,
        listener: &TcpListener,
        wanted: &Wanted,
        keys: &Keys,
        attempt: u64,
    ) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("failed to start `{}`: {error}", program.display());
        let ready_file = folder.ready_file(attempt);
        let _none_before = std::fs::remove_file(&ready_file);
        let log = folder.log().map_err(|error| error.to_string())?;
        let socket = socket::hand_over(listener).map_err(failed)?;
        let mut command = Command::new(program);
        part_from_environment(&mut command);
        command
            .arg("--project")
            .arg(project)
            .arg("serve")
            .args(&wanted.arguments)
            .args(["--listen", "stdin", "--ready-file"])
            .arg(&ready_file)
            // Apart from what it says where it fails, which errors show, and no larger than a service lets it become.
            .arg("--log")
            .arg(folder.path().join("requests.log"))
            .envs(keys.iter())
            // What it counts it keeps under this name.
            .env("SPRAG_SERVICE", folder.name())
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            // A Ctrl-C in the terminal of whoever deployed is not meant for the service.
            .process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let Some(process) = ProcessId::of(child.id()) else {
            let status = child.wait().map_err(failed)?;
            return Err(format!("the service ended at once ({status})\n{}", folder.log_tail()));
        };
        Ok(Self { child, process, wanted: wanted.clone(), keys: keys.clone(), ready_file, since: Instant::now() })
    }

    pub(crate) fn health(&mut self, folder: &Folder) -> Health {
        match self.child.try_wait() {
            Ok(Some(status)) => return Health::Over(format!("the service ended ({status})\n{}", folder.log_tail())),
            Err(error) => return Health::Over(format!("failed to look after the service: {error}")),
            Ok(None) => {}
        }
        if self.ready_file.exists() {
            return Health::Ready;
        }
        if self.since.elapsed() > TO_READY {
            let tail = folder.log_tail();
            return Health::Over(format!(
                "expected the service to be ready within {} s, found that it is not\n{tail}",
                TO_READY.as_secs()
            ));
        }
        Health::Starting
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to finish its requests and to end.
    pub(crate) fn ask_to_end(&self) {
        self.process.ask_to_end();
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        let _ended = self.child.kill();
        let _collected = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.ready_file);
    }
}
