//! Runs uv, venv and pip: their output line by line, its end kept, and stopped when nobody waits for it any more.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::lock::without_credentials;

/// How many of the last lines an error shows.
const LINES: usize = 20;
/// A longer line is cut.
const LINE: u64 = 4096;
/// How often is asked whether the caller still waits.
const POLL: Duration = Duration::from_millis(50);

/// How a tool's work ended.
pub(crate) enum End {
    Done { status: ExitStatus, output: Vec<String> },
    Slow { output: Vec<String> },
    Cancelled,
}

/// Runs a tool to its end. Each line of its output goes to the observer, credentials taken out of addresses.
pub(crate) fn run(
    mut command: Command,
    time: Duration,
    observer: &dyn Fn(&str),
    cancelled: &dyn Fn() -> bool,
) -> std::io::Result<End> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: what the tool starts is stopped with it.
    command.process_group(0);
    let mut child = command.spawn()?;
    let (sender, lines) = channel();
    let readers = [
        child.stdout.take().map(|stream| read_lines(stream, sender.clone())),
        child.stderr.take().map(|stream| read_lines(stream, sender)),
    ];
    let until = Instant::now() + time;
    let mut output = VecDeque::new();
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => {
                observer(&line);
                output.push_back(line);
                if output.len() > LINES {
                    output.pop_front();
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let is_slow = Instant::now() > until;
        if is_slow || cancelled() {
            stop(&mut child)?;
            return Ok(if is_slow { End::Slow { output: output.into() } } else { End::Cancelled });
        }
    }
    for reader in readers.into_iter().flatten() {
        reader.join().expect("a reader of lines does not panic");
    }
    Ok(End::Done { status: child.wait()?, output: output.into() })
}

fn stop(child: &mut Child) -> std::io::Result<()> {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended just now, which is what was wanted.
        let _ended = kill_process_group(group, Signal::KILL);
    }
    child.wait().map(drop)
}

fn read_lines(stream: impl Read + Send + 'static, lines: Sender<String>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = vec![];
        // A failure to read is the end of the output; how the tool ended says the rest.
        while (&mut stream).take(LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            let text = without_credentials(text.trim_end());
            line.clear();
            if !text.is_empty() && lines.send(text).is_err() {
                break;
            }
        }
    })
}
