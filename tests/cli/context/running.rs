//! The program while it runs: what it says as it says it, and signals to it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use sprag_schemas::event::Event;

use super::Outcome;
use super::redact::Redactor;

/// No test waits for longer than this, whatever the machine is busy with.
const DEADLINE: Duration = Duration::from_secs(120);

/// A line that the program wrote.
enum Line {
    Out(String),
    Err(String),
}

/// A call of the program that has not ended.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<Line>,
    stdout: String,
    stderr: String,
    /// Lines of each stream that came while one of the other was waited for: the two are not in step.
    passed_out: VecDeque<String>,
    passed_err: VecDeque<String>,
    redactor: Redactor,
    deadline: Instant,
}

impl Running {
    pub(super) fn new(mut child: Child, redactor: Redactor) -> Self {
        let (sender, lines) = channel();
        listen(child.stdout.take().unwrap(), Line::Out, sender.clone());
        listen(child.stderr.take().unwrap(), Line::Err, sender);
        let (stdout, stderr) = (String::new(), String::new());
        let (passed_out, passed_err) = (VecDeque::new(), VecDeque::new());
        Self { child, lines, stdout, stderr, passed_out, passed_err, redactor, deadline: Instant::now() + DEADLINE }
    }

    /// The next line; none where the program has ended.
    fn line(&mut self) -> Option<Line> {
        match self.lines.recv_timeout(self.deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                let (seen, text) = match &line {
                    Line::Out(text) => (&mut self.stdout, text),
                    Line::Err(text) => (&mut self.stderr, text),
                };
                seen.push_str(text);
                seen.push('\n');
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("nothing within {DEADLINE:?} after:\n{}{}", self.stdout, self.stderr),
        }
    }

    /// The next event; none where the program has ended.
    pub(crate) fn event(&mut self) -> Option<Event> {
        let text = loop {
            if let Some(passed) = self.passed_out.pop_front() {
                break passed;
            }
            match self.line()? {
                Line::Out(text) => break text,
                Line::Err(text) => self.passed_err.push_back(text),
            }
        };
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// Waits for an event.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, is_it: impl Fn(&Event) -> bool) -> Event {
        while let Some(event) = self.event() {
            if is_it(&event) {
                return event;
            }
        }
        panic!("the program ended before the event came:\n{}{}", self.stdout, self.stderr);
    }

    /// Waits for a stage to begin its work.
    #[track_caller]
    pub(crate) fn wait_for_stage(&mut self, name: &str) {
        self.wait_for(|event| matches!(event, Event::StageStarted { stage, .. } if stage == name));
    }

    /// Waits for a line, on either stream, that has a text in it: the next one on its stream, whatever came on the other.
    #[track_caller]
    pub(crate) fn wait_for_text(&mut self, text: &str) {
        for passed in [&mut self.passed_out, &mut self.passed_err] {
            if let Some(at) = passed.iter().position(|line| line.contains(text)) {
                passed.drain(..=at);
                return;
            }
        }
        while let Some(line) = self.line() {
            let (passed, line) = match line {
                Line::Out(line) => (&mut self.passed_out, line),
                Line::Err(line) => (&mut self.passed_err, line),
            };
            if line.contains(text) {
                passed.clear();
                return;
            }
            passed.push_back(line);
        }
        panic!("the program ended before it said `{text}`:\n{}{}", self.stdout, self.stderr);
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(sent.success(), "failed to send {name}");
    }

    /// Kills the program where it stands. It has no say in it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Outcome {
        while self.line().is_some() {}
        let (stdout, stderr) = (std::mem::take(&mut self.stdout).into_bytes(), std::mem::take(&mut self.stderr).into_bytes());
        let status = self.child.wait().unwrap();
        Outcome::new(Output { status, stdout, stderr }, self.redactor.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed leaves no process behind; one that has ended is not hurt.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads whole lines on a thread of its own until the stream ends. Half a line, which a killed program may leave, is none.
fn listen(stream: impl Read + Send + 'static, line: fn(String) -> Line, sender: Sender<Line>) {
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut text = String::new();
        while stream.read_line(&mut text).is_ok_and(|bytes| bytes > 0) && text.ends_with('\n') {
            text.pop();
            if sender.send(line(std::mem::take(&mut text))).is_err() {
                return;
            }
        }
    });
}
