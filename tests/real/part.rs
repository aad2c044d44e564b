//! Real programs as tests need them: found or reported missing, started on a free loopback port, and stopped by their own process id.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// No test waits for a part for longer than this, whatever the machine is busy with.
const DEADLINE: Duration = Duration::from_secs(120);

/// How often a part is asked whether it is ready.
const TICK: Duration = Duration::from_millis(20);

/// Whether a program is there: `args` must make it end well. Where it is not, the test that asked says so and is over; CI has them all.
pub(crate) fn is_here(program: &str, args: &[&str]) -> bool {
    let found = Command::new(program).args(args).stdin(Stdio::null()).output();
    if found.is_ok_and(|output| output.status.success()) {
        return true;
    }
    let what = format!("`{program} {}`", args.join(" "));
    assert!(std::env::var_os("CI").is_none(), "expected {what} to work: .ci/run installs what it needs");
    eprintln!("not tested here: {what} does not work");
    false
}

/// Whether these Python modules can be imported.
pub(crate) fn has_python(modules: &str) -> bool {
    is_here("python3", &["-c", &format!("import {modules}")])
}

/// A free port of the loopback address. Another process could take it before its user does; nothing here hands ports out as fast as that.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    /// The port on the loopback address that it answers on.
    pub(crate) port: u16,
}

impl Server {
    /// Starts a command that will answer HTTP at `path` of a port, and waits until it does, whatever the answer.
    #[track_caller]
    pub(crate) fn start(command: &mut Command, port: u16, path: &str) -> Self {
        let ready = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
        Self::until(command, port, |stream| {
            let _lost = stream.write_all(ready.as_bytes());
            let mut first = [0; 5];
            stream.read_exact(&mut first).is_ok() && first == *b"HTTP/"
        })
    }

    /// Starts a command that will take connections on a port, and waits until `is_ready` says so of one.
    #[track_caller]
    pub(crate) fn until(command: &mut Command, port: u16, is_ready: impl Fn(&mut TcpStream) -> bool) -> Self {
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("failed to start {:?}: {error}", command.get_program()));
        let mut server = Self { child, port };
        let deadline = Instant::now() + DEADLINE;
        loop {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            if let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
                stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                if is_ready(&mut stream) {
                    return server;
                }
            }
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("{:?} ended before it was ready: {status}", command.get_program());
            }
            assert!(Instant::now() < deadline, "{:?} was not ready within {DEADLINE:?}", command.get_program());
            std::thread::sleep(TICK);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _collected = self.child.wait();
    }
}

/// Runs a program to its end, and gives what it wrote to standard output.
#[track_caller]
pub(crate) fn output(program: impl AsRef<OsStr>, args: &[&str]) -> String {
    let program = program.as_ref();
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("failed to start {}: {error}", program.display()));
    let (told, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{} {args:?}: {}\n{told}{complained}", program.display(), output.status);
    told.into_owned()
}
