//! A client that never sleeps: `sprag-bench spin PORT PATH CONNECTIONS SECONDS`, with the body in `SPRAG_BENCH_BODY`.
//!
//! A client that waits is woken by the server's own system call, and on a virtual machine that costs the server's core more than a request does: what is
//! measured then is how often a client that is faster than the server falls asleep. This one looks at all of its sockets again and again, so that a server
//! pays for its own work alone, whoever it is.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use crate::measure::say;

/// A connection with one request under way.
struct Asking {
    stream: TcpStream,
    since: Instant,
    answer: Vec<u8>,
}

/// Asks over all connections for so many seconds, and prints the line that `wrk`'s script prints.
pub(crate) fn run(port: &str, path: &str, connections: &str, seconds: &str) {
    let body = std::env::var("SPRAG_BENCH_BODY").unwrap_or_default();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (connections, seconds) = (connections.parse().unwrap_or(1), seconds.parse().unwrap_or(1));
    let begin = || {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse().ok()?)).ok()?;
        stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true)).ok()?;
        (&stream).write_all(request.as_bytes()).ok()?;
        Some(Asking { stream, since: Instant::now(), answer: Vec::with_capacity(4096) })
    };
    let mut open: Vec<Asking> = (0..connections).filter_map(|_| begin()).collect();
    let (mut times, mut wrong, mut broken) = (vec![], 0_u64, connections - open.len());
    let started = Instant::now();
    let time = Duration::from_secs(seconds);
    let mut scrap = [0; 16 << 10];
    while started.elapsed() < time && !open.is_empty() {
        open.retain_mut(|asking| {
            let read = match asking.stream.read(&mut scrap) {
                Ok(read) if read > 0 => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                _ => {
                    broken += 1;
                    return false;
                }
            };
            asking.answer.extend_from_slice(&scrap[..read]);
            let Some(is_good) = whole(&asking.answer) else { return true };
            times.push(u32::try_from(asking.since.elapsed().as_nanos()).unwrap_or(u32::MAX));
            wrong += u64::from(!is_good);
            asking.answer.clear();
            asking.since = Instant::now();
            let is_sent = asking.stream.write_all(request.as_bytes()).is_ok();
            broken += usize::from(!is_sent);
            is_sent
        });
    }
    let (took, count) = (started.elapsed().as_micros(), times.len());
    times.sort_unstable();
    let quantile =
        |share: usize| times.get((count * share / 100).min(count.saturating_sub(1))).map_or(0.0, |ns| f64::from(*ns) / 1e3);
    say(&format!("RESULT {count} {took} {} {} {wrong} {broken}", quantile(50), quantile(99)));
}

/// Whether the answer that is there in full is a success; none where more of it is to come.
fn whole(answer: &[u8]) -> Option<bool> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    (answer.len() >= end + length).then(|| head.starts_with("HTTP/1.1 2"))
}
