//! What a bad check does. An act that ends by itself says so on standard error, so that a test can tell that it was not stopped.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what is captured")]

use std::hint::black_box;
use std::time::Duration;

use sprag_sdk::{DataError, Failure, Level, Measurement, Session, Severity, Table, artifacts, measurement};

use crate::Params;

pub(crate) fn act(session: &Session, params: &Params, data: &Table) -> Result<(), Failure> {
    match params.act.as_str() {
        "panic" => panic!("the sky is falling"),
        "divide" => {
            black_box(1_u32 / black_box(0));
        }
        "abort" => std::process::abort(),
        "exit" => std::process::exit(3),
        "loop" => spin(),
        "recurse" => {
            black_box(recurse(black_box(1)));
        }
        "recurse-lightly" => {
            black_box(recurse_lightly(0, black_box(u64::MAX)));
        }
        "allocate" => allocate(),
        "sleep" => std::thread::sleep(Duration::from_secs(3600)),
        "ignore-stop" => {
            while !session.should_stop() {}
            spin();
        }
        "honour-stop" => {
            while !session.should_stop() {
                std::thread::sleep(Duration::from_millis(1));
            }
            return Err(Failure::Cancelled);
        }
        "pretend-stop" => return Err(Failure::Cancelled),
        "failure" => return Err(failure(&params.with)),
        "read-unknown" => return told(session, data.read(&params.with, 0, 1).err()),
        "read-range" => return told(session, data.read(&params.with, params.offset, params.len).err()),
        "scan-unknown" => return told(session, data.scan(std::slice::from_ref(&params.with), 1).err()),
        "scan-rows" => return told(session, data.scan(&[], params.len).err()),
        "scan-wide" => return told(session, data.scan(&vec![params.with.clone(); 1000], params.len).err()),
        "handles" => handles(data)?,
        _ => floods(session, params)?,
    }
    eprintln!("went on");
    Ok(())
}

/// Acts that hand over more than the host wants.
fn floods(session: &Session, params: &Params) -> Result<(), Failure> {
    match params.act.as_str() {
        "logs" => (0..1 << 14).for_each(|_| session.log(Level::Info, &"x".repeat(1 << 16), &[])),
        "log-fields" => {
            let fields: Vec<_> = (0..1 << 12).map(|key| (format!("{key}"), "v".repeat(1 << 10))).collect();
            session.log(Level::Info, "", &fields);
        }
        "stderr" => {
            for _ in 0..1 << 14 {
                eprint!("{}", "x".repeat(1 << 16));
            }
            eprint!("the end");
        }
        "stdout" => println!("to standard output"),
        "metrics" => (0..1_000_000).for_each(|_| session.measure(&[measurement("m", 1.0, "training")])),
        "metrics-batch" => session.measure(&vec![measurement("m", 1.0, "training"); 1_000_000]),
        "metric" => {
            let value = params.with.parse().map_err(|_| Failure::bad_params("expected a float"))?;
            session.measure(&[Measurement { name: "mse".to_owned(), value, step: None, split: Some("candidate".to_owned()) }]);
        }
        "metric-name" => session.measure(&[measurement(&params.with, 1.0, "training")]),
        "findings" => (0..1_000_000).for_each(|_| session.find(Severity::Note, "n", "again", None)),
        "finding-text" => session.find(Severity::Note, "n", &"x".repeat(1 << 20), None),
        "progress" => (0..100_000).for_each(|done| session.progress(done, None)),
        "call" => session.log(Level::Info, &"x".repeat(params.len as usize), &[]),
        "artifact" => {
            artifacts::create(&params.with, "text/plain")?;
        }
        "artifact-twice" => {
            let _first = artifacts::create("a", "text/plain")?;
            artifacts::create("a", "text/plain")?;
        }
        "artifact-bytes" => {
            let writer = artifacts::create("big", "text/plain")?;
            (0..1 << 20).try_for_each(|_| writer.write(&[b'x'; 1 << 10]))?;
        }
        "artifact-flood" => {
            for number in 0..1_000_000 {
                artifacts::create(&format!("a{number}"), "text/plain")?;
            }
        }
        other => return Err(Failure::bad_params(format!("unknown act `{other}`"))),
    }
    Ok(())
}

fn spin() -> ! {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    if black_box(true) { recurse(frame[3] + 1).wrapping_add(frame[7]) } else { depth }
}

/// Recursion whose locals fit registers.
fn recurse_lightly(depth: u64, stop: u64) -> u64 {
    if depth == stop { 0 } else { recurse_lightly(depth + 1, stop).rotate_left(7) ^ depth }
}

fn allocate() {
    let mut all = vec![];
    loop {
        all.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Walks kept open without end.
fn handles(data: &Table) -> Result<(), Failure> {
    let mut cursors = vec![];
    for _ in 0..1_000_000 {
        cursors.push(data.scan(&[], 1)?);
    }
    Ok(())
}

fn failure(case: &str) -> Failure {
    let message = "the words of the plugin";
    match case {
        "bad-input" => Failure::bad_input(message),
        "bad-params" => Failure::bad_params(message),
        "unsupported" => Failure::unsupported(message),
        "retry" => Failure::Retry(message.to_owned()),
        _ => Failure::internal(message),
    }
}

/// Logs the error that a read gave.
fn told(session: &Session, error: Option<DataError>) -> Result<(), Failure> {
    sprag_sdk::info!(session, "{}", error.map_or_else(|| "no error".to_owned(), |error| format!("{error:?}")));
    Ok(())
}
