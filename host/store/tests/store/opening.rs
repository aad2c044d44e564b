use std::error::Error as _;
use std::fs;

use rusqlite::Connection;
use sprag_store::{Store, StoreError};

use crate::samples;

#[test]
fn a_new_store_has_its_folders_and_stays_out_of_git() {
    let (_folder, store) = samples::store();
    for name in ["blobs/sha256", "tmp", "store.db"] {
        assert!(store.root().join(name).exists(), "{name}");
    }
    assert_eq!(fs::read_to_string(store.root().join(".gitignore")).unwrap(), "*\n");
}

#[test]
fn looking_for_a_store_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".sprag");
    assert!(Store::open_existing(&root).unwrap().is_none());
    assert!(!root.exists());
    drop(Store::open(&root).unwrap());
    assert!(Store::open_existing(&root).unwrap().is_some());
}

#[test]
fn what_was_recorded_is_there_after_reopening() {
    let (_folder, store) = samples::store();
    let root = store.root().to_owned();
    let mut run = samples::run("20261122-154300-aaaa");
    store.start_run(&run).unwrap();
    run.stages.push(samples::stage("train", samples::report(b"plot")));
    store.finish_run(&run, &[]).unwrap();
    store.add_version(samples::version("diabetes", &run.id, b"state")).unwrap();
    drop(store);
    let store = Store::open(&root).unwrap();
    assert_eq!(store.run(&run.id).unwrap().unwrap(), run);
    assert_eq!(store.find_version("diabetes").unwrap().model, samples::model(b"state"));
}

#[test]
fn a_store_of_a_later_sprag_is_refused_and_unchanged() {
    let (_folder, store) = samples::store();
    let (root, database) = (store.root().to_owned(), store.root().join("store.db"));
    drop(store);
    Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(&root).unwrap_err();
    let text = format!("the store `{}` has version 99, and this sprag knows versions up to 4", database.display());
    assert_eq!(error.to_string(), text);
    assert!(error.hint().unwrap().contains("later one"));
    assert!(!error.is_usage());
    let version: i64 = Connection::open(&database).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[test]
fn a_database_of_another_program_is_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let other = Connection::open(folder.path().join("store.db")).unwrap();
    other.execute_batch("CREATE TABLE runs (id)").unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::NotAStore { .. }), "{error}");
    let tables: i64 = other.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("store.db"), "this is not a database\n".repeat(500)).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.hint().unwrap().contains("put back a copy"), "{error}");
}

#[test]
fn a_damaged_page_is_an_error_that_says_so() {
    let (_folder, store) = samples::store();
    let (root, database) = (store.root().to_owned(), store.root().join("store.db"));
    for i in 0..50 {
        store.start_run(&samples::run(&format!("run-{i}"))).unwrap();
    }
    drop(store);
    // Everything into the one file, so that there is something to damage.
    Connection::open(&database).unwrap().query_row("PRAGMA wal_checkpoint(truncate)", [], |_| Ok(())).unwrap();
    let mut bytes = fs::read(&database).unwrap();
    bytes[4096..].fill(0xA5);
    fs::write(&database, bytes).unwrap();
    let store = Store::open(&root);
    let error = store.and_then(|store| store.runs(100, None)).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let root = folder.path().join("file/.sprag");
    let error = Store::open(&root).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot create `{}`", root.join("blobs/sha256").display()));
    assert!(error.source().is_some());
}
