//! Two releases at once, and two processes at one release.

use sprag_release::{Driver, ReleaseError, start_release};
use sprag_schemas::exit_code;
use sprag_schemas::release::ReleaseOutcome;

use crate::support::{OPEN, Site, World};

#[tokio::test]
async fn two_releases_to_one_target_go_one_after_the_other() {
    let (site, world) = (Site::new(OPEN), World::default());
    let first = start_release(&site.project, &site.store, &site.version(1), None, None).unwrap();
    let second = start_release(&site.project, &site.store, &site.version(2), None, None).unwrap();
    let driver = |id: &str| Driver::new(&site.project, &site.store, &world, id).unwrap();
    let (one, two) = tokio::join!(driver(&first.record.id).drive(), driver(&second.record.id).drive());
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
    let release = start_release(&site.project, &site.store, &site.version(1), None, None).unwrap();
    let error = site.resume(&world, &release.record.id).await.unwrap_err();
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
    let release = start_release(&site.project, &site.store, &site.version(1), None, None).unwrap();
    let _lock = site.store.try_lock_release(&release.record.id).unwrap().unwrap();
    let error = site.resume(&world, &release.record.id).await.unwrap_err();
    assert!(matches!(error, ReleaseError::Driven { .. }), "{error}");
}

#[tokio::test]
async fn the_same_version_is_not_released_twice_at_once() {
    let site = Site::new(OPEN);
    let start = || start_release(&site.project, &site.store, &site.version(1), None, None).unwrap().record.id;
    assert_eq!(start(), start());
}
