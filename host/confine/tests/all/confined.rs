//! What a process cannot reach, and that the report says so.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use sprag_confine::{
    Demand, FileSystem, Input, InputSource, Job, Means, Network, NetworkGrant, ProcessError, Processes, Program, Supervisor,
};

use crate::support::{all_means, environment, expected, folder, job, landlock, printed, run, shim};

#[test]
fn the_report_says_what_there_was() {
    for means in all_means() {
        let found = run(means, &job("")).unwrap().confinement;
        println!("{means:?}: {found}");
        assert_eq!(found, expected(means), "{means:?}");
    }
    let best = Supervisor::new(shim());
    assert_eq!(best.means(), &all_means()[0], "the best way that works is taken");
}

/// Whether a script can read a file.
fn can_read(means: &Means, path: &str) -> bool {
    let script = format!("try:\n    print(len(open({path:?}, 'rb').read(10)) > 0)\nexcept OSError:\n    print(False)");
    printed(means, &job(&script)) == "True\n"
}

#[test]
fn files_of_others_cannot_be_read() {
    let secret = tempfile::NamedTempFile::new_in(folder()).unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    let home = std::env::var("HOME").unwrap();
    let in_home = tempfile::NamedTempFile::new_in(&home).unwrap();
    std::fs::write(in_home.path(), "secret").unwrap();
    let pid = std::process::id();
    for means in all_means() {
        let is_confined = expected(means).file_system != FileSystem::None;
        for path in [secret.path(), in_home.path()].map(|path| path.to_str().unwrap().to_owned()) {
            assert_eq!(can_read(means, &path), !is_confined, "{means:?} {path}");
        }
        for path in ["/etc/passwd".to_owned(), "/etc/shadow".to_owned(), format!("/proc/{pid}/environ")] {
            assert!(!is_confined || !can_read(means, &path), "{means:?} {path}");
        }
        assert!(can_read(means, "/dev/urandom"), "{means:?}");
        // The interpreter may lie below it, and then so much of it is there.
        let name = in_home.path().file_name().unwrap().to_str().unwrap();
        let list = format!("import os\ntry:\n    print({name:?} in os.listdir({home:?}))\nexcept OSError:\n    print(False)");
        assert_eq!(printed(means, &job(&list)) == "True\n", !is_confined, "{means:?}");
    }
}

#[test]
fn nothing_is_written_but_in_its_own_folders() {
    let outside = folder().join("must-not-be-written");
    let script = format!(
        r#"
import os
base = os.path.dirname(os.path.abspath(__file__))
for path in [{outside:?}, "/usr/x", "/x", "/dev/x", "/etc/x", os.path.join(base, "x"), os.path.join(base, "in", "x"), os.path.join(base, "in", "data"),
             os.path.join(os.path.dirname(os.__file__), "x"), {environment:?}, os.path.abspath(__file__)]:
    try:
        open(path, "ab").close()
        print("wrote", path)
    except OSError:
        pass
for path in ["out/x", "tmp/x", os.path.join(os.environ["HOME"], "y"), os.path.join(os.environ["TMPDIR"], "z")]:
    open(path, "wb").close()
try:
    os.link("in/data", "out/linked")
    print("linked")
except OSError:
    pass
"#,
        environment = environment().dir().join("x")
    );
    let inputs = vec![Input { name: "data".into(), source: InputSource::Bytes(b"data".to_vec()) }];
    let job = Job { inputs, ..job(&script) };
    for means in all_means() {
        if expected(means).file_system == FileSystem::None {
            eprintln!("not tested with {means:?}: nothing confines files here");
            continue;
        }
        assert_eq!(printed(means, &job), "", "{means:?}");
        assert!(!outside.exists(), "{means:?}");
    }
}

#[test]
fn inputs_are_the_files_and_stay_as_they_are() {
    let file = tempfile::NamedTempFile::new_in(folder()).unwrap();
    std::fs::write(file.path(), "from a file").unwrap();
    let script = r#"
import os
print(sorted(os.listdir("in")), open("in/a.csv").read(), open("in/b.bin", "rb").read())
for change in [lambda: open("in/a.csv", "w"), lambda: os.chmod("in/a.csv", 0o777), lambda: os.unlink("in/a.csv")]:
    try:
        change()
    except OSError:
        pass
"#;
    let inputs = vec![
        Input { name: "a.csv".into(), source: InputSource::File(file.path().to_owned()) },
        Input { name: "b.bin".into(), source: InputSource::Bytes(vec![0, 255]) },
    ];
    let mode = std::fs::metadata(file.path()).unwrap().permissions();
    let job = Job { inputs, ..job(script) };
    for means in all_means() {
        assert_eq!(printed(means, &job), "['a.csv', 'b.bin'] from a file b'\\x00\\xff'\n", "{means:?}");
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "from a file");
        assert_eq!(std::fs::metadata(file.path()).unwrap().permissions(), mode, "{means:?}");
    }
}

#[test]
fn the_network_is_closed_unless_granted() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    std::thread::spawn(move || server.incoming().flatten().for_each(drop));
    let script = format!(
        "import socket\ntry:\n    socket.create_connection(('127.0.0.1', {port}), 5).close()\n    print('connected')\nexcept OSError:\n    print('refused')"
    );
    for means in all_means() {
        let is_closed = expected(means).network != Network::None;
        assert_eq!(printed(means, &job(&script)), if is_closed { "refused\n" } else { "connected\n" }, "{means:?}");
        let granted = Job { network: NetworkGrant::Open, ..job(&script) };
        assert_eq!(printed(means, &granted), "connected\n", "{means:?}");
        assert_eq!(run(means, &granted).unwrap().confinement.network, Network::Granted);
    }
}

#[test]
fn services_of_the_machine_cannot_be_asked() {
    let dir = tempfile::tempdir_in("/run").ok();
    let Some(dir) = dir else {
        eprintln!("not tested: `/run` cannot be written by this user");
        return;
    };
    let path = dir.path().join("socket");
    let server = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || server.incoming().flatten().for_each(drop));
    let script = format!(
        "import socket\ntry:\n    socket.socket(socket.AF_UNIX).connect({path:?})\n    print('connected')\nexcept OSError:\n    print('refused')"
    );
    for means in all_means() {
        let found = printed(means, &job(&script));
        match means {
            // Landlock knows sockets that are files from version 9 on.
            Means::Bare => assert_eq!(found == "refused\n", landlock().is_some_and(|abi| abi >= 9), "{found}"),
            _ => assert_eq!(found, "refused\n", "{means:?}"),
        }
    }
}

#[test]
fn other_processes_cannot_be_touched() {
    let mut other = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let script = format!(
        "import os\nprint(len([pid for pid in os.listdir('/proc') if pid.isdigit()]) if os.access('/proc', os.R_OK) else 0)\ntry:\n    os.kill({}, 9)\nexcept OSError:\n    pass",
        other.id()
    );
    for means in all_means() {
        let confinement = expected(means);
        let kills = confinement.processes != Processes::PidNamespace && landlock().is_none_or(|abi| abi < 6);
        if kills {
            eprintln!("not tested with {means:?}: nothing confines signals here");
            continue;
        }
        let seen = run(means, &job(&script)).unwrap();
        assert!(other.try_wait().unwrap().is_none(), "{means:?}");
        if confinement.processes == Processes::PidNamespace {
            let count: usize = seen.stdout.text().trim().parse().unwrap();
            assert!(count <= 5, "{means:?} sees {count} processes");
        }
    }
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn no_rights_are_left() {
    let script = r#"
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["CapEff"], 16), int(status["CapBnd"], 16) & int(status["CapPrm"], 16), status["NoNewPrivs"].strip(), status["Threads"].strip())
"#;
    for means in all_means() {
        if matches!(means, Means::Bare) && landlock().is_some() {
            let script = "import os\ntry:\n    os.setuid(12345)\n    os.chown('out', 1, 1)\n    print('may')\nexcept OSError:\n    print('may not')";
            assert_eq!(printed(means, &job(script)), "may not\n");
            continue;
        }
        assert_eq!(printed(means, &job(script)), "0 0 1 1\n", "{means:?}");
    }
}

#[test]
fn the_environment_s_variables_are_these() {
    let script = "import os, sys\nprint(sorted(os.environ), os.environ['SPRAG_SEED'], os.environ['OMP_NUM_THREADS'], hash('a') == int(sys.argv[1]) if sys.argv[1:] else hash('a'))\nprint(sys.stdin.read() == '', os.path.basename(os.environ['HOME']), sys.flags.safe_path if hasattr(sys.flags, 'safe_path') else True)";
    let mut first = None;
    for means in all_means() {
        let text = printed(means, &job(script));
        let names = "['HOME', 'LANG', 'OMP_NUM_THREADS', 'PATH', 'PYTHONDONTWRITEBYTECODE', 'PYTHONFAULTHANDLER', 'PYTHONHASHSEED', 'PYTHONNOUSERSITE', 'PYTHONSAFEPATH', 'PYTHONUNBUFFERED', 'SPRAG_SEED', 'TMPDIR'] 7 1 ";
        // bubblewrap sets the working directory too.
        let text = text.replace("'PWD', ", "");
        assert!(text.starts_with(names), "{means:?}: {text}");
        assert!(text.ends_with("\nTrue tmp True\n"), "{means:?}: {text}");
        assert_eq!(*first.get_or_insert(text.clone()), text, "hashes are the same each time");
    }
}

#[test]
fn a_program_of_the_environment_runs() {
    for means in all_means() {
        let program = Program::Named("python3".into());
        let ran = Job { program, arguments: vec!["-c".into(), "print(6 * 7)".into()], ..job("") };
        assert_eq!(printed(means, &ran), "42\n");
        for name in ["nothing", "../bin/python3", "."] {
            let error = run(means, &Job { program: Program::Named(name.into()), ..job("") }).unwrap_err();
            let expected = format!("expected a program in the environment's `bin` folder, found no `{name}`");
            assert_eq!(error.to_string(), expected);
        }
    }
}

#[test]
fn what_is_demanded_is_there_or_nothing_starts() {
    for means in all_means() {
        let demanding = Job { demand: Demand::Confined, ..job("print('ran')") };
        let confinement = expected(means);
        let is_there = confinement.file_system != FileSystem::None && confinement.network != Network::None;
        match run(means, &demanding) {
            Ok(outcome) => assert!(is_there, "{means:?} started with {}", outcome.confinement),
            Err(error) => {
                assert!(!is_there && matches!(error, ProcessError::Unconfined { .. }), "{means:?}: {error}");
            }
        }
    }
}

#[test]
fn a_wrapper_that_fails_is_an_error_and_not_the_script_s() {
    let broken = Means::Bubblewrap { program: "/bin/false".into(), forbids_users: true };
    assert!(!broken.works(&shim()));
    let error = run(&broken, &job("")).unwrap_err();
    assert!(matches!(error, ProcessError::Confine { .. }), "{error}");
    let missing = Means::Namespaces { program: "/nowhere/unshare".into() };
    let error = run(&missing, &job("")).unwrap_err();
    assert!(error.to_string().starts_with("failed to confine the process: failed to start `/nowhere/unshare`"), "{error}");
    // One that makes no namespace is found out: its word is not taken.
    let idle = folder().join(format!("idle-{}", std::process::id()));
    let text = format!("#!/bin/sh\nfor last; do :; done\nexec {} \"$last\"\n", shim().program.display());
    std::fs::write(&idle, text).unwrap();
    std::fs::set_permissions(&idle, std::fs::Permissions::from_mode(0o755)).unwrap();
    let idle = Means::Bubblewrap { program: idle, forbids_users: true };
    let error = run(&idle, &Job { demand: Demand::Confined, ..job("") }).unwrap_err();
    assert!(error.to_string().contains("`/job`"), "{error}");
}
