//! `kill -9` at many moments: whatever was said to be done is there, and nothing is there by half.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::time::Duration;

use sprag_core::digest::Digest;
use sprag_schemas::record::{RunOutcome, StageReport};
use sprag_store::{AddVersion, Store};

use crate::{again, samples};

/// The content that the worker puts for a run.
fn state(run_id: &str) -> Vec<u8> {
    run_id.bytes().cycle().take(10_000).collect()
}

/// Runs without end until it is killed, and says which versions it has registered.
#[test]
fn worker() {
    let Some(root) = again::folder() else { return };
    let store = Store::open(&root).unwrap();
    let lock = store.try_lock("worker").unwrap().unwrap();
    store.recover(samples::AT, &lock).unwrap();
    let first = store.runs(1, None).unwrap().first().map_or(0, |run| run.seed + 1);
    let mut out = std::io::stdout();
    for number in first.. {
        let mut run = samples::run(&format!("run-{number}"));
        run.seed = number;
        store.start_run(&run).unwrap();
        let state = state(&run.id);
        let mut writer = store.writer().unwrap();
        state.chunks(1_000).for_each(|piece| writer.append(piece).unwrap());
        writer.finish().unwrap();
        store.put_bytes(run.id.as_bytes()).unwrap();
        let report = StageReport { model: Some(samples::model(&state)), ..samples::report(run.id.as_bytes()) };
        run.stages.push(samples::stage("train", report.clone()));
        let key = Digest::of(run.id.as_bytes());
        store.update_run(&run, &[samples::entry(key, &run.id, report)]).unwrap();
        let new = samples::version("diabetes", &run.id, &state);
        let AddVersion::Added(version) = store.register(new, vec![samples::production()]).unwrap() else {
            panic!("a new run registers a new version");
        };
        run.outcome = RunOutcome::Promoted;
        store.finish_run(&run, &[]).unwrap();
        writeln!(out, "done {version}").unwrap();
    }
}

/// Lets the worker work for a while, counted from its start or, if `registered`, from its first version, and kills it. Gives the last
/// version that it said was registered.
fn kill_worker(root: &Path, after: Duration, registered: bool) -> u64 {
    let mut worker = again::command(&[], "killed::worker", root).spawn().unwrap();
    let lines = BufReader::new(worker.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut said = lines.filter_map(|line| line.rsplit_once("done ")?.1.parse().ok());
    let first = if registered { said.next() } else { None };
    std::thread::sleep(after);
    worker.kill().unwrap();
    let last = said.last().or(first);
    worker.wait().unwrap();
    last.unwrap_or(0)
}

/// Opens the store, tidies up, and holds everything in it against everything else. Gives the number of versions.
fn check(root: &Path, said: u64) -> u64 {
    let store = Store::open(root).unwrap();
    let lock = store.try_lock("checker").unwrap().expect("a killed worker holds nothing");
    let interrupted = store.recover("2026-11-23T00:00:00Z", &lock).unwrap();
    assert!(interrupted.len() <= 1, "{interrupted:?}");
    assert_eq!(std::fs::read_dir(root.join("tmp")).unwrap().count(), 0);

    let versions = store.versions("diabetes").unwrap();
    let count = versions.len() as u64;
    assert!(versions.iter().map(|v| v.version.version).eq(1..=count));
    assert!(count >= said, "{said} versions were said to be registered, {count} are");
    let history = store.alias_history("diabetes", "production").unwrap();
    assert!(history.iter().map(|entry| entry.version).eq((1..=count).rev()));
    for version in &versions {
        let bytes = store.read_blob(&version.model.state.parse().unwrap()).unwrap();
        assert_eq!(bytes, state(&version.lineage.run_id));
    }
    for run in store.runs(usize::MAX, None).unwrap() {
        assert_ne!(run.outcome, RunOutcome::Running);
        let cached = store.cached(&Digest::of(run.id.as_bytes())).unwrap();
        assert_eq!(cached.is_some(), !run.stages.is_empty(), "a stage and its cache entry come together");
        for artifact in run.stages.iter().flat_map(|stage| &stage.report.artifacts) {
            store.read_blob(&artifact.digest.parse().unwrap()).unwrap();
        }
    }
    let database = rusqlite::Connection::open(root.join("store.db")).unwrap();
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    count
}

#[test]
fn a_worker_killed_at_any_moment_leaves_nothing_by_half() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".sprag");
    let mut versions = 0;
    for kill in 0..30_u64 {
        // Spread evenly over 36 ms, in no order. On a busy machine the worker may not get far by then: every third kill waits for it.
        let after = Duration::from_micros(kill * 7_919 % 36_000);
        let said = kill_worker(&root, after, kill % 3 == 0);
        let now = check(&root, said);
        assert!(now >= versions, "a version was lost");
        versions = now;
    }
    assert!(versions > 0, "the worker was never alive long enough to register anything");
}

#[test]
fn a_store_killed_while_it_is_made_is_made_by_the_next() {
    for kill in 0..16 {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join(".sprag");
        let said = kill_worker(&root, Duration::from_micros(1_000 + kill * 500), false);
        check(&root, said);
    }
}
