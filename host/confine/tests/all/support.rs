//! What the tests share: an environment, jobs, and the ways to confine that work on this machine.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use sprag_confine::{
    Confinement, Demand, Environment, Event, FileSystem, Job, Limits, Lock, Means, Network, NetworkGrant, Options, Outcome,
    Privileges, ProcessError, Processes, Program, Shim, Stream, Supervisor, Wheels,
};

/// The hidden command, as a program of its own.
pub(crate) fn shim() -> Shim {
    let program = std::env::var_os("SPRAG_CONFINE_TEST_SHIM").unwrap_or_else(|| env!("CARGO_BIN_EXE_sprag-confined").into());
    Shim { program: program.into(), arguments: vec![] }
}

/// Where environments and working directories of the tests lie. Not below the home folder, so that another user can be let in.
pub(crate) fn folder() -> PathBuf {
    std::env::var_os("SPRAG_CONFINE_TEST_FOLDER").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into()).into()
}

/// The version of the Python that is on this machine.
pub(crate) fn python() -> String {
    let script = "import sys; print('.'.join(map(str, sys.version_info[:2])))";
    let output = std::process::Command::new("python3").args(["-I", "-c", script]).output();
    let output = output.expect("the tests need a `python3`");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) fn options(name: &str) -> Options {
    Options {
        cache: folder().join(name),
        python: python().parse().unwrap(),
        wheels: Wheels::Index,
        time: Duration::from_secs(300),
        installer: None,
    }
}

/// An environment with the standard library alone.
pub(crate) fn environment() -> &'static Environment {
    static MADE: OnceLock<Environment> = OnceLock::new();
    MADE.get_or_init(|| {
        let lock = Lock::parse("").unwrap();
        Environment::ensure(&lock, &options("environments"), &|_| {}, &|| false).unwrap()
    })
}

/// The ways to confine that work here. Those that do not are named, once.
pub(crate) fn all_means() -> &'static [Means] {
    static FOUND: OnceLock<Vec<Means>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let program = |name: &str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file())
        };
        let bubblewrap = program("bwrap")
            .into_iter()
            .flat_map(|program| [true, false].map(|forbids_users| Means::Bubblewrap { program: program.clone(), forbids_users }));
        let namespaces = program("unshare").map(|program| Means::Namespaces { program });
        let mut found: Vec<_> = bubblewrap.chain(namespaces).filter(|means| means.works(&shim())).collect();
        if matches!(found.as_slice(), [_, Means::Bubblewrap { .. }, ..]) {
            found.remove(1);
        }
        if !found.iter().any(|means| matches!(means, Means::Bubblewrap { .. })) {
            eprintln!("not tested: bubblewrap is not here, or may not make namespaces");
        }
        if !found.iter().any(|means| matches!(means, Means::Namespaces { .. })) {
            eprintln!("not tested: `unshare` is not here, or may not make namespaces");
        }
        found.push(Means::Bare);
        found
    })
}

/// The version of Landlock of this kernel; none where it has none. Asked of the report itself, which the tests of what is refused then hold to its word.
pub(crate) fn landlock() -> Option<u32> {
    let outcome = run(&Means::Bare, &job("")).unwrap();
    match outcome.confinement.file_system {
        FileSystem::Landlock { abi } => Some(abi),
        _ => None,
    }
}

/// What a way should give on this kernel.
pub(crate) fn expected(means: &Means) -> Confinement {
    let landlock = landlock();
    let by_landlock = landlock.map_or(FileSystem::None, |abi| FileSystem::Landlock { abi });
    let (file_system, network, processes) = match means {
        Means::Bubblewrap { .. } => (FileSystem::MountNamespace, Network::Namespace, Processes::PidNamespace),
        Means::Namespaces { .. } => (by_landlock, Network::Namespace, Processes::PidNamespace),
        Means::Bare => {
            let network = landlock.filter(|abi| *abi >= 4).map_or(Network::None, |abi| Network::Landlock { abi });
            (by_landlock, network, Processes::Subreaper)
        }
    };
    Confinement { file_system, network, processes, privileges: Privileges::Dropped }
}

pub(crate) fn job(script: &str) -> Job {
    Job {
        program: Program::Script(script.to_owned()),
        arguments: vec![],
        inputs: vec![],
        seed: 7,
        threads: 1,
        limits: Limits { time: Duration::from_secs(60), ..Limits::default() },
        network: NetworkGrant::Closed,
        demand: Demand::WhatThereIs,
        folder: folder(),
    }
}

pub(crate) fn run(means: &Means, job: &Job) -> Result<Outcome, ProcessError> {
    Supervisor::with(shim(), means.clone()).run(environment(), job, &|_| {}, &|| false)
}

/// Runs a job until it has written a line, and cancels it then.
pub(crate) fn run_until(means: &Means, job: &Job, line: &str) -> (Outcome, Vec<Event>) {
    let events = RefCell::new(vec![]);
    let tell = |event| events.borrow_mut().push(event);
    let is_seen = || events.borrow().contains(&Event::Line(Stream::Stdout, line.to_owned()));
    let outcome = Supervisor::with(shim(), means.clone()).run(environment(), job, &tell, &is_seen).unwrap();
    (outcome, events.into_inner())
}

/// Runs a script that is to succeed, and gives what it printed.
pub(crate) fn printed(means: &Means, job: &Job) -> String {
    let outcome = run(means, job).unwrap();
    assert!(outcome.is_success(), "{means:?}: {} {:?}\n{}", outcome.ended, outcome.limit, outcome.stderr.text());
    outcome.stdout.text()
}
