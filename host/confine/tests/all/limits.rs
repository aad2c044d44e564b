//! Each limit, by a process that passes it.

use std::time::Duration;

use sprag_confine::{Ended, Job, Limit, Limits, Means, Outcome};

use crate::support::{all_means, job, run};

fn check(limits: Limits, script: &str, expected: Limit) {
    for means in all_means() {
        let outcome = run(means, &Job { limits: limits.clone(), ..job(script) }).unwrap();
        hits(means, &outcome, expected);
    }
}

fn hits(means: &Means, outcome: &Outcome, expected: Limit) {
    let Outcome { ended, limit, wall, .. } = outcome;
    let text = outcome.stderr.text();
    assert_eq!(*limit, Some(expected), "{means:?}: {ended} after {wall:?}\n{text}");
    assert!(!outcome.is_success());
}

fn limits() -> Limits {
    Limits { time: Duration::from_secs(60), grace: Duration::from_millis(200), ..Limits::default() }
}

#[test]
fn time() {
    let limits = Limits { time: Duration::from_millis(700), ..limits() };
    check(limits.clone(), "while True: pass", Limit::Time);
    check(limits, "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)", Limit::Time);
}

#[test]
fn processor_time() {
    check(Limits { cpu: Some(Duration::from_secs(1)), ..limits() }, "while True: pass", Limit::Cpu);
}

#[test]
fn memory_at_once() {
    check(Limits { memory: 200 << 20, ..limits() }, "x = bytearray(4 << 30)", Limit::Memory);
}

#[test]
fn memory_bit_by_bit() {
    let script = "x = []\nwhile True: x.append(bytearray(1 << 20))";
    check(Limits { memory: 200 << 20, ..limits() }, script, Limit::Memory);
}

#[test]
fn memory_of_many_processes() {
    let script = r#"
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(60 << 20)
        time.sleep(600)
os.wait()
"#;
    check(Limits { memory: 200 << 20, ..limits() }, script, Limit::Memory);
}

#[test]
fn memory_that_is_no_mapping() {
    let script = r#"
import os, time
file = os.memfd_create("x")
for _ in range(400): os.write(file, bytes(1 << 20))
time.sleep(600)
"#;
    check(Limits { memory: 200 << 20, ..limits() }, script, Limit::Memory);
}

#[test]
fn memory_that_forks_share_counts_once() {
    let script = r#"
import os, time
x = b"\1" * (120 << 20)
children = []
for _ in range(6):
    child = os.fork()
    if child == 0:
        time.sleep(0.5)
        os._exit(0)
    children.append(child)
for child in children: os.waitpid(child, 0)
"#;
    for means in all_means() {
        let outcome = run(means, &Job { limits: Limits { memory: 400 << 20, ..limits() }, ..job(script) }).unwrap();
        assert!(outcome.is_success(), "{means:?}: {} {:?}", outcome.ended, outcome.limit);
        assert!(outcome.peak_memory.is_some_and(|peak| peak > 100 << 20), "{:?}", outcome.peak_memory);
    }
}

#[test]
fn disk_in_one_file() {
    let script = "f = open('out/x', 'wb')\nwhile True: f.write(bytes(1 << 20))";
    check(Limits { disk: 50 << 20, ..limits() }, script, Limit::Disk);
}

#[test]
fn disk_in_many_files() {
    let script = "n = 0\nwhile True:\n    open(f'tmp/{n}', 'wb').write(bytes(1 << 20))\n    n += 1";
    check(Limits { disk: 50 << 20, ..limits() }, script, Limit::Disk);
}

#[test]
fn disk_in_files_without_a_name() {
    let script = r#"
import os, time
files = []
for n in range(8):
    files.append(open("tmp/x", "wb"))
    os.unlink("tmp/x")
    files[-1].write(bytes(10 << 20))
    files[-1].flush()
time.sleep(600)
"#;
    check(Limits { disk: 50 << 20, ..limits() }, script, Limit::Disk);
}

#[test]
fn files() {
    check(Limits { files: 500, ..limits() }, "n = 0\nwhile True:\n    open(f'tmp/{n}', 'wb').close()\n    n += 1", Limit::Files);
    check(
        Limits { files: 500, ..limits() },
        "import os\nos.chdir('tmp')\nwhile True:\n    os.mkdir('d')\n    os.chdir('d')",
        Limit::Files,
    );
}

#[test]
fn processes() {
    let script = r#"
import os, time
while True:
    try:
        child = os.fork()
    except OSError:
        time.sleep(600)
    if child == 0:
        time.sleep(600)
"#;
    let raises =
        "import subprocess\nchildren = [subprocess.Popen(['sleep', '600']) for _ in range(500)]\nimport time\ntime.sleep(600)";
    for means in all_means() {
        // Where the kernel holds the limit, the first script lives within it until its time is over.
        let limits = Limits { processes: 20, time: Duration::from_secs(2), ..limits() };
        let outcome = run(means, &Job { limits: limits.clone(), ..job(script) }).unwrap();
        assert!(
            matches!(outcome.limit, Some(Limit::Processes | Limit::Time)),
            "{means:?}: {} {:?}",
            outcome.ended,
            outcome.limit
        );
        let outcome = run(means, &Job { limits: Limits { time: Duration::from_secs(60), ..limits }, ..job(raises) }).unwrap();
        hits(means, &outcome, Limit::Processes);
    }
}

/// A bomb of 400 processes and no more: where a limit fails, the machine survives the test.
#[test]
fn a_fork_bomb() {
    let script = "import os, time\nfor _ in range(400):\n    try:\n        if os.fork() == 0:\n            time.sleep(20)\n            os._exit(0)\n    except OSError:\n        pass\nwhile True:\n    pass";
    for means in all_means() {
        if matches!(means, Means::Bare) && rustix::process::geteuid().is_root() {
            eprintln!("not tested with {means:?} as root: the kernel limits nothing, and the machine is needed");
            continue;
        }
        let limits = Limits { processes: 50, time: Duration::from_secs(2), ..limits() };
        let outcome = run(means, &Job { limits, ..job(script) }).unwrap();
        assert!(
            matches!(outcome.limit, Some(Limit::Processes | Limit::Time)),
            "{means:?}: {} {:?}",
            outcome.ended,
            outcome.limit
        );
    }
}

#[test]
fn within_the_limits_nothing_is_said() {
    for means in all_means() {
        let outcome = run(means, &job("import sys\nsys.exit(3)")).unwrap();
        assert_eq!((outcome.ended, outcome.limit), (Ended::Exited(3), None), "{means:?}");
        let outcome = run(means, &job("import os\nos.kill(os.getpid(), 11)")).unwrap();
        assert_eq!((outcome.ended, outcome.limit), (Ended::Signalled(11), None), "{means:?}");
    }
}
