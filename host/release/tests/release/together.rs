//! Two releases at once, and two processes at one release.

use std::sync::{Arc, Mutex};

use sprag_lifecycle::Cancel;
use sprag_release::{Progress, ReleaseError, ReleaseRequest};
use sprag_schemas::exit_code;
use sprag_schemas::release::ReleaseOutcome;

use crate::support::{OPEN, Site, World};

#[tokio::test]
async fn two_releases_to_one_target_go_one_after_the_other() {
    let (site, world) = (Site::new(OPEN), World::default());
    let first = site.start(1, &ReleaseRequest::default()).unwrap();
    let second = site.start(2, &ReleaseRequest::default()).unwrap();
    let (one, two) = tokio::join!(site.resume(&world, &first.record.id), site.resume(&world, &second.record.id));
    assert_eq!((one.unwrap().outcome, two.unwrap().outcome), (ReleaseOutcome::Released, ReleaseOutcome::Released));
    let calls = world.calls();
    // Each deployment is followed by its own test.
    for environment in ["staging", "production"] {
        let of: Vec<_> = calls.iter().filter(|call| call.ends_with(environment)).collect();
        assert_eq!(of, [&format!("apply {environment}"), &format!("test {environment}")].repeat(2));
    }
}

#[tokio::test]
async fn an_environment_in_use_is_busy_with_the_release_that_uses_it() {
    let (site, world) = (Site::new(OPEN), World::default());
    let lock = site.store.try_lock_environment("production", "20261124-100000-k3xq").unwrap().unwrap();
    let release = site.start(1, &ReleaseRequest::default()).unwrap();
    let driver = site.driver(&world, &release.record.id).await.unwrap().without_waiting();
    let error = driver.drive().await.unwrap_err();
    assert_eq!(error.to_string(), "the release `20261124-100000-k3xq` is at work on `production`");
    assert_eq!(error.exit_code(), exit_code::BUSY);
    assert_eq!(world.runs("production"), None);
    drop(lock);
    let record = site.resume(&world, &release.record.id).await.unwrap();
    assert_eq!(record.outcome, ReleaseOutcome::Released);
}

#[tokio::test]
async fn one_process_drives_a_release() {
    let (site, world) = (Site::new(OPEN), World::default());
    let release = site.start(1, &ReleaseRequest::default()).unwrap();
    let _lock = site.store.try_lock_release(&release.record.id).unwrap().unwrap();
    let error = site.resume(&world, &release.record.id).await.unwrap_err();
    assert!(matches!(error, ReleaseError::Driven { .. }), "{error}");
}

#[tokio::test]
async fn the_same_version_is_not_released_twice_at_once() {
    let site = Site::new(OPEN);
    let start = || site.start(1, &ReleaseRequest::default()).unwrap().record.id;
    assert_eq!(start(), start());
}

#[tokio::test]
async fn whoever_waits_for_an_environment_says_for_whom_and_can_be_cancelled() {
    let (site, world) = (Site::new(OPEN), World::default());
    let _lock = site.store.try_lock_environment("production", "20261124-100000-k3xq").unwrap().unwrap();
    let release = site.start(1, &ReleaseRequest::default()).unwrap();
    let (cancel, heard) = (Cancel::default(), Arc::new(Mutex::new(vec![])));
    let (hears, asks) = (heard.clone(), cancel.clone());
    let driver = site.driver(&world, &release.record.id).await.unwrap().cancelled_by(cancel);
    let driver = driver.observed_by(Arc::new(move |progress| {
        if let Progress::Waiting(why) = progress {
            hears.lock().unwrap().push(why.to_owned());
            asks.request();
        }
    }));
    let record = driver.drive().await.unwrap();
    assert_eq!(*heard.lock().unwrap(), ["the release `20261124-100000-k3xq` is at work on `production`"]);
    assert_eq!((record.outcome, record.reason.as_str()), (ReleaseOutcome::Cancelled, "cancelled while waiting for `production`"));
    assert_eq!(sprag_release::exit_code(&record), exit_code::CANCELLED);
    assert_eq!(world.runs("production"), None);
}

#[tokio::test]
async fn a_release_is_ended_for_good_by_a_word() {
    let (site, world) = (Site::new(OPEN), World::default());
    world.refuses("apply production", 1);
    let record = site.release(&world, 1).await;
    let lock = site.store.try_lock_release(&record.id).unwrap().unwrap();
    let error = site.cancel(&record.id).await.unwrap_err();
    assert!(matches!(error, ReleaseError::Driven { .. }), "{error}");
    drop(lock);
    let ended = site.cancel(&record.id).await.unwrap();
    assert_eq!(ended.outcome, ReleaseOutcome::Blocked);
    assert_eq!(ended.reason, "cancelled by `ada`: not needed any more; left as it is: `staging`, `production`");
    let error = site.cancel(&record.id).await.unwrap_err();
    assert!(matches!(error, ReleaseError::Ended { .. }), "{error}");
    assert_ne!(site.release(&world, 1).await.id, record.id, "the same version is released anew");
}
