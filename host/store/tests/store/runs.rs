use sprag_core::digest::Digest;
use sprag_schemas::record::RunOutcome;
use sprag_store::{Store, StoreError};

use crate::samples;

const IDS: [&str; 4] = ["20261120-080000-aaaa", "20261122-154300-k3xq", "20261122-154300-p9zt", "20261123-000000-bbxq"];

fn store_with_runs() -> (tempfile::TempDir, Store) {
    let (folder, store) = samples::store();
    for id in IDS {
        store.start_run(&samples::run(id)).unwrap();
    }
    (folder, store)
}

#[test]
fn a_run_grows_and_ends() {
    let (_folder, store) = samples::store();
    let mut run = samples::run("20261122-154300-k3xq");
    store.start_run(&run).unwrap();
    let (key, content) = (Digest::of(b"inputs"), b"a plot");
    store.put_bytes(content).unwrap();
    run.stages.push(samples::stage("train", samples::report(content)));
    let entry = samples::entry(key, &run.id, samples::report(content));
    store.update_run(&run, std::slice::from_ref(&entry)).unwrap();
    assert_eq!(store.run(&run.id).unwrap().unwrap(), run);
    assert_eq!(store.cached(&key).unwrap(), Some(entry));
    run.outcome = RunOutcome::Promoted;
    run.finished_at = Some(samples::AT.to_owned());
    store.finish_run(&run, &[]).unwrap();
    assert_eq!(store.run(&run.id).unwrap().unwrap(), run);
    assert_eq!(store.run("another").unwrap(), None);
}

#[test]
fn numbers_come_back_to_the_bit() {
    let (_folder, store) = samples::store();
    let mut run = samples::run("20261122-154300-k3xq");
    let values = [0.1 + 0.2, 3_298.885_589_364_046, f64::MIN_POSITIVE, f64::MAX, -0.0, 5e-324, 1.0 / 3.0, 31.245_270_191_439_438];
    let mut report = samples::report(b"");
    report.metrics = values.map(|value| samples::metric("m", value)).to_vec();
    run.stages.push(samples::stage("train", report));
    store.start_run(&run).unwrap();
    let read = store.run(&run.id).unwrap().unwrap();
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let metrics = read.stages[0].report.metrics.iter().map(|metric| metric.value).collect::<Vec<_>>();
    assert_eq!(bits(&metrics), bits(&values));
}

#[test]
fn a_number_that_json_cannot_hold_is_refused_and_named() {
    let (_folder, store) = samples::store();
    let mut run = samples::run("20261122-154300-k3xq");
    store.start_run(&run).unwrap();
    let mut report = samples::report(b"");
    report.metrics = vec![samples::metric("mse", f64::NAN)];
    let entry = samples::entry(Digest::of(b"key"), &run.id, report.clone());
    let error = store.update_run(&run, &[entry]).unwrap_err();
    assert_eq!(error.to_string(), "the metric `mse` of stage `train` is `NaN`: expected a finite number");
    run.stages.push(samples::stage("train", report));
    assert!(matches!(store.update_run(&run, &[]), Err(StoreError::NotFinite { .. })));
    assert_eq!(store.run(&run.id).unwrap().unwrap().stages, []);
}

#[test]
fn a_run_is_started_once_and_before_it_ends() {
    let (_folder, store) = store_with_runs();
    let again = store.start_run(&samples::run(IDS[0])).unwrap_err();
    assert_eq!(again.to_string(), "the run `20261120-080000-aaaa` is recorded already");
    let entry = samples::entry(Digest::of(b"key"), "never", samples::report(b""));
    let never = store.finish_run(&samples::run("never"), &[entry]).unwrap_err();
    assert!(matches!(never, StoreError::UnknownRun { .. }), "{never}");
    assert_eq!(store.runs(10, None).unwrap().len(), IDS.len());
}

#[test]
fn a_person_finds_a_run_by_a_part_of_its_id() {
    let (_folder, store) = store_with_runs();
    for (text, index) in [("latest", 3), (IDS[1], 1), ("20261120", 0), ("k3xq", 1), ("20261122-154300-p", 2), ("aaaa", 0)] {
        assert_eq!(store.find_run(text).unwrap().id, IDS[index], "{text}");
    }
    let error = store.find_run("20261122").unwrap_err();
    let text = "`20261122` may mean several runs: `20261122-154300-p9zt`, `20261122-154300-k3xq`";
    assert_eq!(error.to_string(), text);
    let error = store.find_run("xq").unwrap_err();
    assert!(matches!(&error, StoreError::AmbiguousRun { matches, .. } if matches == &[IDS[3], IDS[1]]), "{error}");
    assert!(error.is_usage());
}

#[test]
fn an_unknown_run_is_answered_with_the_nearest() {
    let (_folder, store) = store_with_runs();
    for text in ["20261122-154300-k3xr", "nothing", "", "%", "_"] {
        let error = store.find_run(text).unwrap_err();
        assert!(matches!(error, StoreError::UnknownRun { .. }), "{error}");
        assert!(error.hint().unwrap().contains("sprag runs"));
    }
    let error = store.find_run("20261122-154300-k3xr").unwrap_err().to_string();
    let text = "no run is called `20261122-154300-k3xr`; the nearest are `20261122-154300-k3xq`, ";
    assert!(error.starts_with(text), "{error}");
    let (_folder, empty) = samples::store();
    assert_eq!(empty.find_run("latest").unwrap_err().to_string(), "no run has been recorded yet");
    assert_eq!(empty.find_run("x").unwrap_err().to_string(), "no run is called `x`");
}

#[test]
fn runs_are_listed_newest_first_and_page_by_page() {
    let (_folder, store) = store_with_runs();
    let ids = |limit, before| -> Vec<String> { store.runs(limit, before).unwrap().into_iter().map(|run| run.id).collect() };
    assert_eq!(ids(usize::MAX, None), [IDS[3], IDS[2], IDS[1], IDS[0]]);
    assert_eq!(ids(2, None), [IDS[3], IDS[2]]);
    assert_eq!(ids(2, Some(IDS[2])), [IDS[1], IDS[0]]);
    assert!(ids(2, Some(IDS[0])).is_empty());
    assert!(matches!(store.runs(2, Some("never")), Err(StoreError::UnknownRun { .. })));
}

#[test]
fn killed_runs_are_marked_and_their_leftovers_removed() {
    let (_folder, store) = store_with_runs();
    let mut ended = samples::run(IDS[1]);
    ended.outcome = RunOutcome::Kept;
    store.finish_run(&ended, &[]).unwrap();
    let tmp = store.root().join("tmp");
    std::fs::write(tmp.join(".tmpdead"), "half of something").unwrap();
    let mut alive = store.writer().unwrap();
    let lock = store.try_lock("new").unwrap().unwrap();
    assert_eq!(store.recover("2026-11-24T00:00:00Z", &lock).unwrap(), [IDS[0], IDS[2], IDS[3]]);
    assert_eq!(store.recover("2026-11-25T00:00:00Z", &lock).unwrap(), [""; 0]);
    let run = store.run(IDS[0]).unwrap().unwrap();
    assert_eq!((run.outcome, run.finished_at.as_deref()), (RunOutcome::Interrupted, Some("2026-11-24T00:00:00Z")));
    assert!(run.reason.contains("killed"));
    assert_eq!(store.run(IDS[1]).unwrap().unwrap(), ended);
    assert!(!tmp.join(".tmpdead").exists());
    alive.append(b"still here").unwrap();
    assert!(store.contains(&alive.finish().unwrap().0));
}

#[test]
fn a_record_that_cannot_be_read_is_named() {
    let (_folder, store) = store_with_runs();
    let database = rusqlite::Connection::open(store.root().join("store.db")).unwrap();
    let sql = r#"UPDATE runs SET record = '{"id": "20261120-080000-aaaa", "outcome": "kept"}' WHERE id = ?1"#;
    database.execute(sql, [IDS[0]]).unwrap();
    let error = store.run(IDS[0]).unwrap_err();
    assert_eq!(error.to_string(), "the record of run `20261120-080000-aaaa` cannot be read");
    assert!(matches!(error, StoreError::DamagedRecord { .. }));
}

#[test]
fn runs_are_listed_by_their_start_a_page_after_another() {
    let (_folder, store) = samples::store();
    // Two of one moment, and one whose id does not tell when it began.
    for (id, at) in [
        ("b", "2026-11-22T15:43:00.002Z"),
        ("a", "2026-11-22T15:43:00.003Z"),
        ("d", "2026-11-22T15:43:00.001Z"),
        ("c", "2026-11-22T15:43:00.002Z"),
    ] {
        let mut run = samples::run(id);
        run.started_at = at.to_owned();
        if id == "d" {
            run.outcome = sprag_schemas::record::RunOutcome::Kept;
        }
        store.start_run(&run).unwrap();
    }
    let ids = |before: Option<(&str, &str)>, outcome| -> Vec<String> {
        store.runs_before(2, before, None, outcome).unwrap().into_iter().map(|run| run.id).collect()
    };
    assert_eq!(ids(None, None), ["a", "c"]);
    assert_eq!(ids(Some(("2026-11-22T15:43:00.002Z", "c")), None), ["b", "d"]);
    assert_eq!(ids(None, Some(sprag_schemas::record::RunOutcome::Kept)), ["d"]);
    assert_eq!(store.runs_before(9, None, Some("another"), None).unwrap(), []);
    assert_eq!(
        store.count_runs().unwrap(),
        [("diabetes".to_owned(), "kept".to_owned(), 1), ("diabetes".to_owned(), "running".to_owned(), 3)]
    );
}
