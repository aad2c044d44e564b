//! The log: one JSON object on a line for each request and each event, gathered in memory and written a few times a second.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;

use crate::config::Log;
use crate::error::ServeError;

/// How long a line waits at most. A service that is killed loses no more than the lines of this time.
const EVERY: Duration = Duration::from_millis(50);

/// Bytes that wait at most, where whoever reads the log does not keep up. More lines are dropped, and counted.
const MOST_WAITING: usize = 4 << 20;

/// Bytes of a file from which it makes room for a new one. The one before is kept beside it, with `.1` behind its name.
const MOST_FILE: u64 = 64 << 20;

/// Writes the log.
#[derive(Clone)]
pub(crate) struct Logger(Option<Arc<Shared>>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// Lines that nobody took in time, or that could not be written.
    lost: Counter,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    dropped: u64,
    ended: bool,
    written: bool,
}

/// A line about a request.
#[derive(Serialize)]
pub(crate) struct RequestLine<'a> {
    pub(crate) time: String,
    pub(crate) event: &'static str,
    pub(crate) request: &'a str,
    pub(crate) trace: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) predictions: u32,
    pub(crate) variant: &'a str,
    pub(crate) model: &'a str,
    pub(crate) version: &'a str,
    pub(crate) digest: &'a str,
    pub(crate) ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) row: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'a str>,
}

/// A line about the service itself.
#[derive(Serialize)]
pub(crate) struct EventLine<'a> {
    pub(crate) time: String,
    pub(crate) event: &'a str,
    pub(crate) message: &'a str,
}

/// The time of a line.
pub(crate) fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl Logger {
    /// Opens the log.
    pub(crate) fn open(log: &Log) -> Result<Self, ServeError> {
        let sink = match log {
            Log::Off => return Ok(Self(None)),
            Log::Stderr => Sink::Stderr(io::stderr()),
            Log::File(path) => {
                let failed = |source| ServeError::File { what: "open the log", path: path.clone(), source };
                Sink::File(LogFile::open(path, MOST_FILE).map_err(failed)?)
            }
        };
        let shared = Arc::new(Shared::default());
        let writer = shared.clone();
        let thread = std::thread::Builder::new().name("sprag-log".to_owned());
        let failed = |source| ServeError::File { what: "write the log to", path: "a thread".into(), source };
        thread.spawn(move || writer.write(sink)).map_err(failed)?;
        Ok(Self(Some(shared)))
    }

    /// Whether anybody reads it.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Counts the lines that are lost.
    pub(crate) fn lost(&self) -> Counter {
        self.0.as_ref().map(|shared| shared.lost.clone()).unwrap_or_default()
    }

    /// Adds a line.
    pub(crate) fn line(&self, line: &impl Serialize) {
        let Some(shared) = &self.0 else { return };
        let mut waiting = shared.lock();
        if waiting.lines.len() > MOST_WAITING {
            waiting.dropped += 1;
            shared.lost.inc();
            return;
        }
        if serde_json::to_writer(&mut waiting.lines, line).is_ok() {
            waiting.lines.push(b'\n');
        }
    }

    /// Adds a line about the service itself.
    pub(crate) fn event(&self, event: &str, message: &str) {
        self.line(&EventLine { time: now(), event, message });
    }

    /// Writes what waits, and ends the log. Waits no longer than a reader could be expected to take.
    pub(crate) fn end(&self) {
        let Some(shared) = &self.0 else { return };
        let mut waiting = shared.lock();
        waiting.ended = true;
        shared.changed.notify_all();
        let limit = Duration::from_secs(2);
        let _ended = shared.changed.wait_timeout_while(waiting, limit, |waiting| !waiting.written);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut sink: Sink) {
        let mut lines = vec![];
        loop {
            let waiting = self.lock();
            let (mut waiting, _) =
                self.changed.wait_timeout_while(waiting, EVERY, |waiting| !waiting.ended).unwrap_or_else(PoisonError::into_inner);
            let (dropped, ended) = (std::mem::take(&mut waiting.dropped), waiting.ended);
            std::mem::swap(&mut lines, &mut waiting.lines);
            drop(waiting);
            if dropped > 0 {
                let message = format!("dropped {dropped} lines that nobody took in time");
                let line = EventLine { time: now(), event: "log-dropped", message: &message };
                if serde_json::to_writer(&mut lines, &line).is_ok() {
                    lines.push(b'\n');
                }
            }
            // A log that cannot be written can tell nobody so: the figures do.
            if sink.write(&lines).is_err() {
                self.lost.inc_by(lines.iter().filter(|byte| **byte == b'\n').count() as u64);
            }
            lines.clear();
            if ended {
                self.lock().written = true;
                self.changed.notify_all();
                return;
            }
        }
    }
}

/// Where lines go.
enum Sink {
    Stderr(io::Stderr),
    File(LogFile),
}

impl Sink {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Self::Stderr(stream) => stream.write_all(lines).and_then(|()| stream.flush()),
            Self::File(file) => file.write(lines),
        }
    }
}

/// A file of lines that does not grow for ever.
struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    most: u64,
}

impl LogFile {
    fn open(path: &Path, most: u64) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, bytes, most })
    }

    /// Begins a new file, and keeps the one before beside it.
    fn make_room(&mut self) -> io::Result<()> {
        let mut before = self.path.clone().into_os_string();
        before.push(".1");
        std::fs::rename(&self.path, before)?;
        *self = Self::open(&self.path, self.most)?;
        Ok(())
    }

    /// Appends whole lines.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.bytes > 0 && self.bytes + lines.len() as u64 > self.most {
            // Where that fails the file grows on, and it is tried again when as much more is in it.
            self.bytes = 0;
            let _made = self.make_room();
        }
        self.file.write_all(lines)?;
        self.bytes += lines.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_makes_room_and_the_one_before_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "old\n").unwrap();
        let mut log = LogFile::open(&path, 10).unwrap();
        for line in ["one\n", "two\n", "three\n", "a line that is longer than the whole\n", "four\n"] {
            log.write(line.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "four\n");
        assert_eq!(std::fs::read_to_string(folder.path().join("log.1")).unwrap(), "a line that is longer than the whole\n");
    }

    #[test]
    fn where_no_room_can_be_made_no_line_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        // A folder that is not empty stands where the file before should go.
        std::fs::create_dir_all(folder.path().join("log.1/in-the-way")).unwrap();
        let mut log = LogFile::open(&path, 10).unwrap();
        for _ in 0..5 {
            log.write(b"a line\n").unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a line\n".repeat(5));
    }
}
