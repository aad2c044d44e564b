//! Processes that are told to end, and what they started.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sprag_confine::{Ended, Event, Job, Limits, Means};

use crate::support::{all_means, job, run, run_until};

/// The processes of this machine that have a word on their command line: a namespace hides nothing from outside.
fn running(word: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    // The helpers' own command lines hold the script's arguments as JSON.
    lines.filter(|line| line.contains(word) && !line.contains("\"step\"")).collect()
}

#[test]
fn who_listens_ends_in_order() {
    let script = r#"
import signal, sys, time
def stop(*_):
    open("out/checkpoint", "w").write("half")
    print("stopping")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready")
time.sleep(600)
"#;
    for means in all_means() {
        let (outcome, events) = run_until(means, &job(script), "ready");
        assert_eq!((outcome.ended, outcome.was_cancelled, outcome.limit), (Ended::Exited(0), true, None), "{means:?}");
        assert!(outcome.stdout.text().ends_with("stopping\n"), "{means:?}: {}", outcome.stdout.text());
        assert_eq!(outcome.outputs.len(), 1);
        assert!(!outcome.is_success());
        assert!(events.contains(&Event::Asked) && !events.contains(&Event::Killed), "{events:?}");
    }
}

#[test]
fn who_does_not_listen_is_killed() {
    let script = r#"
import signal, time
for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(name, signal.SIG_IGN)
print("ready")
while True: time.sleep(600)
"#;
    for means in all_means() {
        let limits = Limits { grace: Duration::from_millis(300), ..Limits::default() };
        let began = Instant::now();
        let (outcome, events) = run_until(means, &Job { limits, ..job(script) }, "ready");
        assert_eq!((outcome.ended, outcome.was_cancelled), (Ended::Signalled(9), true), "{means:?}");
        assert!(events.contains(&Event::Killed), "{events:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "{means:?} took {:?}", began.elapsed());
    }
}

/// Starts children that leave its session and group and whose parents end, all of them deaf.
const DETACHES: &str = r#"
import os, signal, sys, time
for name in (signal.SIGTERM, signal.SIGHUP): signal.signal(name, signal.SIG_IGN)
read, write = os.pipe()
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(write, b"x")
            os.execvp("sleep", ["sleep", sys.argv[1]])
        os._exit(0)
for _ in range(3): os.read(read, 1)
print("detached")
"#;

#[test]
fn what_a_script_leaves_behind_ends_with_it() {
    for (index, means) in all_means().iter().enumerate() {
        let word = format!("66600{index}.{}", std::process::id());
        let outcome = run(means, &Job { arguments: vec![word.clone()], ..job(DETACHES) }).unwrap();
        assert!(outcome.is_success(), "{means:?} {} {}", outcome.ended, outcome.stderr.text());
        assert_eq!(outcome.stdout.text(), "detached\n");
        assert_eq!(running(&word), [""; 0], "{means:?}");
    }
}

#[test]
fn what_a_cancelled_script_started_ends_with_it() {
    let script = format!("{DETACHES}time.sleep(600)");
    for (index, means) in all_means().iter().enumerate() {
        let word = format!("77700{index}.{}", std::process::id());
        let limits = Limits { grace: Duration::from_millis(100), ..Limits::default() };
        let (outcome, _) = run_until(means, &Job { arguments: vec![word.clone()], limits, ..job(&script) }, "detached");
        assert!(outcome.was_cancelled);
        assert_eq!(running(&word), [""; 0], "{means:?}");
    }
}

#[test]
fn a_script_that_stops_its_helpers_is_ended_too() {
    let script = r#"
import os, signal
print("ready")
for pid in (os.getppid(), os.getpid()):
    try:
        os.kill(pid, signal.SIGSTOP)
    except OSError:
        pass
while True: pass
"#;
    for means in all_means() {
        let limits = Limits { grace: Duration::from_millis(100), time: Duration::from_secs(1), ..Limits::default() };
        let began = Instant::now();
        let outcome = run(means, &Job { limits, ..job(script) }).unwrap();
        assert!(outcome.limit.is_some(), "{means:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "{means:?} took {:?}", began.elapsed());
    }
}

/// This very test, as a process that supervises and is then killed without a warning.
#[test]
fn nothing_outlives_who_supervises() {
    const WORD: &str = "SPRAG_CONFINE_TEST_WORD";
    if let Ok(word) = std::env::var(WORD) {
        let (index, word) = word.split_once(' ').unwrap();
        let means = &all_means()[index.parse::<usize>().unwrap()];
        let script =
            "import subprocess, sys\nchild = subprocess.Popen(['sleep', sys.argv[1]])\nprint('up', flush=True)\nchild.wait()";
        let tell = |event: Event| {
            if matches!(event, Event::Line(..)) {
                std::io::stderr().write_all(b"up\n").unwrap();
            }
        };
        let job = Job { arguments: vec![word.to_owned()], ..job(script) };
        let supervisor = sprag_confine::Supervisor::with(crate::support::shim(), means.clone());
        supervisor.run(crate::support::environment(), &job, &tell, &|| false).unwrap();
        return;
    }
    crate::support::environment();
    for (index, means) in all_means().iter().enumerate() {
        let word = format!("88800{index}.{}", std::process::id());
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "cancel::nothing_outlives_who_supervises", "--nocapture"]);
        command.env(WORD, format!("{index} {word}")).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut supervising = command.spawn().unwrap();
        let mut stderr = supervising.stderr.take().unwrap();
        let mut heard = vec![];
        while !heard.ends_with(b"up\n") {
            let mut byte = [0];
            assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{means:?}: {}", String::from_utf8_lossy(&heard));
            heard.extend(byte);
        }
        assert!(!running(&word).is_empty(), "{means:?}");
        supervising.kill().unwrap();
        supervising.wait().unwrap();
        // Its end is the kernel's work, and comes when it comes: asked until it has.
        let until = Instant::now() + Duration::from_secs(20);
        while running(&word).iter().any(|line| !is_left(means, line)) && Instant::now() < until {
            std::thread::yield_now();
        }
        let left: Vec<_> = running(&word).into_iter().filter(|line| !is_left(means, line)).collect();
        assert_eq!(left, [""; 0], "{means:?}");
        end(&word);
    }
}

/// What a script started itself is nobody's where there is no namespace: told in the documentation of `Means::Bare`.
fn is_left(means: &Means, line: &str) -> bool {
    *means == Means::Bare && line.starts_with("sleep ")
}

/// Ends the processes of this test that have a word on their command line.
fn end(word: &str) {
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| String::from_utf8_lossy(&line).contains(word)) {
            let _ended = kill_process(pid, Signal::KILL);
        }
    }
}
