use std::fs;

use sprag_core::digest::Digest;
use sprag_schemas::record::StageReport;
use sprag_store::{CacheEntry, Store};

use crate::samples;

/// A store with one run that left `report` in the cache, and the key.
fn cached(report: StageReport) -> (tempfile::TempDir, Store, CacheEntry) {
    let (folder, store) = samples::store();
    let run = samples::run("20261122-154300-k3xq");
    let entry = samples::entry(Digest::of(b"inputs"), &run.id, report);
    store.start_run(&run).unwrap();
    store.update_run(&run, std::slice::from_ref(&entry)).unwrap();
    (folder, store, entry)
}

fn rows(store: &Store) -> i64 {
    let database = rusqlite::Connection::open(store.root().join("store.db")).unwrap();
    database.query_row("SELECT count(*) FROM cache", [], |row| row.get(0)).unwrap()
}

#[test]
fn an_entry_is_found_by_its_inputs_alone() {
    let (_folder, store, entry) = cached(StageReport::default());
    assert_eq!(store.cached(&entry.key).unwrap().as_ref(), Some(&entry));
    assert_eq!(store.cached(&Digest::of(b"other inputs")).unwrap(), None);
    let later = CacheEntry { reason: "trained again".to_owned(), ..entry };
    store.update_run(&samples::run(&later.run_id), std::slice::from_ref(&later)).unwrap();
    assert_eq!(store.cached(&later.key).unwrap(), Some(later));
    assert_eq!(rows(&store), 1);
}

#[test]
fn an_entry_without_its_content_is_dropped() {
    let model = StageReport { model: Some(samples::model(b"content")), ..StageReport::default() };
    for report in [samples::report(b"content"), model] {
        let (_folder, store, entry) = cached(report);
        let path = store.blob_path(&store.put_bytes(b"content").unwrap());
        assert_eq!(store.cached(&entry.key).unwrap().as_ref(), Some(&entry));
        fs::remove_file(&path).unwrap();
        fs::write(&path, "cut").unwrap();
        assert_eq!(store.cached(&entry.key).unwrap(), None);
        assert_eq!(rows(&store), 0);
        store.put_bytes(b"content").unwrap();
        store.update_run(&samples::run(&entry.run_id), std::slice::from_ref(&entry)).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(store.cached(&entry.key).unwrap(), None);
        assert_eq!(rows(&store), 0);
    }
}

#[test]
fn an_entry_that_cannot_be_read_is_a_miss() {
    let (_folder, store, entry) = cached(StageReport::default());
    let database = rusqlite::Connection::open(store.root().join("store.db")).unwrap();
    database.execute("UPDATE cache SET entry = '{}'", []).unwrap();
    assert_eq!(store.cached(&entry.key).unwrap(), None);
    assert_eq!(rows(&store), 0);
}
