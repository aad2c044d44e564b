//! Several at once: threads and processes with a store of their own on one folder.

use std::path::Path;

use sprag_store::{AddVersion, Store};

use crate::{again, samples};

const EACH: usize = 12;

/// Opens the store, which may not exist yet, and registers versions; gives their numbers.
fn register(root: &Path, who: &str) -> Vec<u64> {
    let store = Store::open(root).unwrap();
    let numbers = (0..EACH).map(|i| {
        let new = samples::version("diabetes", &format!("{who}-{i}"), b"state");
        match store.register(new, vec![samples::production()]).unwrap() {
            AddVersion::Added(number) => number,
            AddVersion::AlreadyRegistered(number) => panic!("{who}-{i} is version {number}"),
        }
    });
    numbers.collect()
}

fn check_dense(root: &Path, expected: usize) {
    let store = Store::open(root).unwrap();
    let numbers: Vec<u64> = store.versions("diabetes").unwrap().iter().map(|v| v.version.version).collect();
    assert_eq!(numbers, (1..=expected as u64).collect::<Vec<_>>());
    assert_eq!(store.alias_history("diabetes", "production").unwrap().len(), expected);
}

#[test]
fn threads_lose_no_version() {
    let folder = tempfile::tempdir().unwrap();
    let root = &folder.path().join(".sprag");
    let mut numbers = std::thread::scope(|scope| {
        let threads = (0..6).map(|i| scope.spawn(move || register(root, &format!("thread-{i}")))).collect::<Vec<_>>();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=6 * EACH as u64).collect::<Vec<_>>());
    check_dense(root, 6 * EACH);
}

#[test]
fn threads_share_one_store() {
    let (_folder, store) = samples::store();
    std::thread::scope(|scope| {
        for i in 0..4 {
            let store = &store;
            scope.spawn(move || {
                let new = samples::version("diabetes", &format!("thread-{i}"), b"state");
                store.register(new, vec![samples::production()]).unwrap();
            });
        }
    });
    check_dense(store.root(), 4);
}

#[test]
fn one_of_several_processes() {
    if let Some(root) = again::folder() {
        register(&root, &format!("process-{}", std::process::id()));
    }
}

#[test]
fn processes_lose_no_version() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".sprag");
    let spawn = |_| again::command(&[], "together::one_of_several_processes", &root).spawn().unwrap();
    let processes = (0..4).map(spawn).collect::<Vec<_>>();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    check_dense(&root, 4 * EACH);
}
