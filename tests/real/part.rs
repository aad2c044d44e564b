//! Real programs as tests need them: found or reported missing, started on a free loopback port, and stopped by their own process id.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// No test waits for a part for longer than this, whatever the machine is busy with.
const DEADLINE: Duration = Duration::from_secs(120);

/// How often a part is asked whether it is ready.
const TICK: Duration = Duration::from_millis(20);

/// Whether a program is there: `args` must make it end well. Where it is not, the test that asked says so and is over. CI has them all, but for those of which
/// `.ci/run` found that no package has them: `SPRAG_TESTS_WITHOUT` names them.
pub(crate) fn is_here(program: &str, args: &[&str]) -> bool {
    let found = Command::new(program).args(args).stdin(Stdio::null()).output();
    if found.is_ok_and(|output| output.status.success()) {
        return true;
    }
    let what = format!("`{program} {}`", args.join(" "));
    leave_out(program, &format!("{what} to work"));
    eprintln!("not tested here: {what} does not work");
    false
}

/// Whether there is a `kubectl` of 1.27 or newer: older ones want the second version of OpenAPI, which the emulator does not have.
pub(crate) fn has_kubectl() -> bool {
    if !is_here("kubectl", &["version", "--client"]) {
        return false;
    }
    let told = output("kubectl", &["version", "--client", "--output=json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let number = |part: &str| told["clientVersion"][part].as_str()?.trim_end_matches('+').parse::<u32>().ok();
    if number("major").zip(number("minor")).is_some_and(|version| version >= (1, 27)) {
        return true;
    }
    leave_out("kubectl", "a `kubectl` of 1.27 or newer");
    eprintln!("not tested here: this `kubectl` is older than 1.27");
    false
}

/// Insists that the tests of a program may be left out.
#[track_caller]
fn leave_out(program: &str, expected: &str) {
    let without = std::env::var("SPRAG_TESTS_WITHOUT").unwrap_or_default();
    let is_ci = std::env::var_os("CI").is_some();
    assert!(may_be_missing(program, is_ci, &without), "expected {expected}: .ci/run installs what it needs");
}

/// Whether the tests of a program may be left out where it does not work.
fn may_be_missing(program: &str, is_ci: bool, without: &str) -> bool {
    !is_ci || without.split_whitespace().any(|name| name == program)
}

#[test]
fn what_a_package_has_is_never_left_out_in_ci() {
    assert!(may_be_missing("kubectl", false, ""));
    assert!(may_be_missing("kubectl", true, "npm kubectl"));
    assert!(
        !may_be_missing("kubectl", true, "")
            && !may_be_missing("skopeo", true, "kubectl")
            && !may_be_missing("kube", true, "kubectl")
    );
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
        // Some start processes of their own, which end with them as one group.
        let child = command.stdin(Stdio::null()).process_group(0).spawn();
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
        let group = format!("-{}", self.child.id());
        let _ended = Command::new("kill").args(["-KILL", "--", &group]).status();
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
