use std::fs;

use sprag_store::{Busy, Store};

use crate::samples;

#[test]
fn only_one_holds_the_project_and_the_others_learn_who() {
    let (_folder, store) = samples::store();
    let other = Store::open(store.root()).unwrap();
    let lock = store.try_lock("20261122-154300-aaaa").unwrap().unwrap();
    let busy = other.try_lock("20261122-154301-bbbb").unwrap().unwrap_err();
    let holder = Some("20261122-154300-aaaa".to_owned());
    assert_eq!(busy, Busy { holder, pid: Some(std::process::id()) });
    drop(lock);
    assert!(other.try_lock("20261122-154301-bbbb").unwrap().is_ok());
}

#[test]
fn a_dead_holders_name_is_overwritten() {
    let (_folder, store) = samples::store();
    fs::write(store.root().join("run.lock"), "a-very-long-name-of-a-run-that-was-killed\n4194304\n").unwrap();
    let _lock = store.try_lock("short").unwrap().unwrap();
    let busy = store.try_lock("other").unwrap().unwrap_err();
    assert_eq!(busy, Busy { holder: Some("short".to_owned()), pid: Some(std::process::id()) });
}

#[test]
fn a_holder_that_has_not_written_its_name_is_unknown() {
    let (_folder, store) = samples::store();
    let file = fs::File::create(store.root().join("run.lock")).unwrap();
    file.lock().unwrap();
    assert_eq!(store.try_lock("other").unwrap().unwrap_err(), Busy { holder: None, pid: None });
}
