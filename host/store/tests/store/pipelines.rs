use std::sync::Arc;

use rusqlite::Connection;
use sprag_schemas::pipeline::{Cause, PipelineRef, Publication, RequestState, RunRequest, TriggerRecord};
use sprag_store::{Enqueued, Store, StoreError};

use crate::samples::{self, AT};

fn publication(pipeline: &str, digest: &str) -> Publication {
    Publication {
        pipeline: pipeline.to_owned(),
        version: 0,
        digest: digest.to_owned(),
        published_at: AT.to_owned(),
        by: "ada".to_owned(),
        git_commit: None,
    }
}

fn request(id: &str) -> RunRequest {
    RunRequest {
        id: id.to_owned(),
        pipeline: PipelineRef { name: "diabetes".to_owned(), version: 1, digest: "sha256:a".to_owned() },
        trigger: TriggerRecord {
            cause: Cause::Request,
            trigger: None,
            by: "ada".to_owned(),
            at: AT.to_owned(),
            coalesced: 1,
            traceparent: None,
        },
        params: serde_json::Map::new(),
        tags: Default::default(),
        idempotency_key: None,
        state: RequestState::Queued,
        run: None,
        attempts: 0,
        error: None,
    }
}

fn by_cron(id: &str) -> RunRequest {
    let mut request = request(id);
    request.trigger = TriggerRecord { cause: Cause::Cron, trigger: Some("nightly".to_owned()), ..request.trigger };
    request
}

fn take(store: &Store) -> Option<String> {
    store.take_request("fresh").unwrap().map(|request| request.id)
}

#[test]
fn versions_count_up_and_the_same_bundle_is_the_same_version() {
    let (_folder, store) = samples::store();
    let publish = |digest: &str| store.publish(&publication("diabetes", digest)).unwrap();
    assert_eq!((publish("a").0.version, publish("b").0.version), (1, 2));
    let (again, is_new) = publish("a");
    assert_eq!((again.version, is_new), (1, false));
    assert_eq!(store.publish(&publication("iris", "a")).unwrap().0.version, 1);
    assert_eq!(store.publication("diabetes", None).unwrap().version, 2);
    assert_eq!(store.publication("diabetes", Some(1)).unwrap().digest, "a");
    let error = store.publication("diabetes", Some(3)).unwrap_err().to_string();
    assert_eq!(error, "the pipeline `diabetes` has no version 3; it has versions 1 to 2");
    let error = store.publication("iriss", None).unwrap_err().to_string();
    assert_eq!(error, "no pipeline is called `iriss`; published are `diabetes`, `iris`");
}

#[test]
fn nobody_changes_a_published_version_or_a_request_that_is_over() {
    let (_folder, store) = samples::store();
    store.publish(&publication("diabetes", "a")).unwrap();
    store.enqueue(&RunRequest { state: RequestState::Finished, ..request("r1") }, 10, true).unwrap();
    let raw = Connection::open(store.root().join("store.db")).unwrap();
    for sql in [
        "UPDATE publications SET digest = 'b'",
        "DELETE FROM publications",
        "INSERT OR REPLACE INTO publications SELECT * FROM publications",
        "UPDATE requests SET record = json_set(record, '$.state', 'queued')",
        "DELETE FROM requests",
        "INSERT OR REPLACE INTO requests (seq, id, pipeline, record) SELECT seq, id, pipeline, record FROM requests",
    ] {
        assert!(raw.execute(sql, []).is_err(), "{sql}");
    }
    assert!(store.update_request(&request("r1")).is_err());
}

#[test]
fn requests_are_taken_in_their_order_and_once() {
    let (_folder, store) = samples::store();
    for id in ["r1", "r2", "r3"] {
        assert!(
            matches!(store.enqueue(&request(id), 10, true).unwrap(), Enqueued::New(_)),
            "what is asked for by name is never merged"
        );
    }
    assert!(store.move_request("r2", RequestState::Queued, RequestState::Cancelled).unwrap());
    assert!(!store.move_request("r2", RequestState::Queued, RequestState::Cancelled).unwrap());
    assert_eq!((take(&store).as_deref(), take(&store).as_deref(), take(&store)), (Some("r1"), Some("r3"), None));
    let open: Vec<_> = store.open_requests().unwrap().into_iter().map(|request| (request.id, request.attempts)).collect();
    assert_eq!(open, [("r1".to_owned(), 1), ("r3".to_owned(), 1)]);
    assert!(matches!(
        store.move_request("r9", RequestState::Queued, RequestState::Failed),
        Err(StoreError::UnknownRequest { .. })
    ));
}

#[test]
fn a_second_attempt_is_another_run() {
    let (_folder, store) = samples::store();
    store.enqueue(&request("r1"), 10, true).unwrap();
    for (fresh, run, attempts) in [("f1", "r1", 1), ("f2", "f2", 2)] {
        let taken = store.take_request(fresh).unwrap().unwrap();
        assert_eq!((taken.run.as_deref(), taken.attempts), (Some(run), attempts));
        assert!(store.move_request("r1", RequestState::Running, RequestState::Queued).unwrap());
    }
}

#[test]
fn a_key_is_one_request() {
    let (_folder, store) = samples::store();
    let keyed = |id: &str| RunRequest { idempotency_key: Some("build-7".to_owned()), ..request(id) };
    store.enqueue(&keyed("r1"), 10, true).unwrap();
    let Enqueued::Known(known) = store.enqueue(&keyed("r2"), 10, true).unwrap() else { panic!("the key is known") };
    assert_eq!(known.id, "r1");
    take(&store).unwrap();
    assert!(matches!(store.enqueue(&keyed("r3"), 10, true).unwrap(), Enqueued::Known(_)), "however it stands");
    let mut other = keyed("r4");
    other.params.insert("train.alpha".to_owned(), 2.into());
    let error = store.enqueue(&other, 10, true).unwrap_err();
    assert_eq!(error.to_string(), "the idempotency key `build-7` belongs to the request `r1`, which asks for something else");
    assert!(error.is_usage());
}

#[test]
fn a_storm_of_triggers_is_one_request() {
    let (_folder, store) = samples::store();
    store.enqueue(&by_cron("r1"), 10, true).unwrap();
    for id in ["r2", "r3", "r4"] {
        assert!(matches!(store.enqueue(&by_cron(id), 10, true).unwrap(), Enqueued::Coalesced(same) if same.id == "r1"));
    }
    assert_eq!(store.request("r1").unwrap().unwrap().trigger.coalesced, 4);
    let mut other = by_cron("r5");
    other.params.insert("train.alpha".to_owned(), 2.into());
    assert!(matches!(store.enqueue(&other, 10, true).unwrap(), Enqueued::New(_)), "it asks for something else");
    assert!(matches!(store.enqueue(&by_cron("r6"), 10, false).unwrap(), Enqueued::New(_)), "it was switched off");
    take(&store).unwrap();
    assert!(matches!(store.enqueue(&by_cron("r7"), 10, true).unwrap(), Enqueued::Coalesced(same) if same.id == "r6"));
}

#[test]
fn a_queue_is_full_at_some_point() {
    let (_folder, store) = samples::store();
    store.enqueue(&request("r1"), 2, true).unwrap();
    store.enqueue(&request("r2"), 2, true).unwrap();
    let error = store.enqueue(&request("r3"), 2, true).unwrap_err();
    assert_eq!(error.to_string(), "the queue of the pipeline `diabetes` is full: 2 requests wait");
    take(&store).unwrap();
    store.enqueue(&request("r3"), 2, true).unwrap();
}

#[test]
fn of_many_who_take_each_takes_another() {
    let (_folder, store) = samples::store();
    for count in 0..40 {
        store.enqueue(&request(&format!("r{count:02}")), 100, true).unwrap();
    }
    let root = Arc::new(store.root().to_owned());
    let takers: Vec<_> = (0..4)
        .map(|_| {
            let root = root.clone();
            std::thread::spawn(move || {
                let store = Store::open(&root).unwrap();
                std::iter::from_fn(|| take(&store)).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut taken: Vec<_> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
    taken.sort();
    assert_eq!(taken, (0..40).map(|count| format!("r{count:02}")).collect::<Vec<_>>());
}

#[test]
fn a_trigger_remembers() {
    let (_folder, store) = samples::store();
    assert_eq!(store.trigger_state("diabetes", "nightly").unwrap(), None);
    store.put_trigger_state("diabetes", "nightly", "a").unwrap();
    store.put_trigger_state("diabetes", "nightly", "b").unwrap();
    assert_eq!(store.trigger_state("diabetes", "nightly").unwrap().as_deref(), Some("b"));
}

#[test]
fn one_server_has_a_store() {
    let (_folder, store) = samples::store();
    let lock = store.try_lock_server("first").unwrap().unwrap();
    let other = Store::open(store.root()).unwrap();
    assert_eq!(other.try_lock_server("second").unwrap().unwrap_err().holder.as_deref(), Some("first"));
    drop(lock);
    assert!(other.try_lock_server("second").unwrap().is_ok());
}
