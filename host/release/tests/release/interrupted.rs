//! A process that is killed at any point of a release: another goes on, and the end is the same.

use sprag_release::ReleaseRequest;
use sprag_schemas::approval::Verdict;
use sprag_schemas::release::ReleaseOutcome;

use crate::support::{APPROVED, Moment, OPEN, Site, World, word};

/// Drives a release until the world kills the process: the driver is dropped where it stands, and with it its locks.
pub(crate) async fn until_killed(site: &Site, world: &World, id: &str) {
    let driver = site.driver(world, id).await.unwrap();
    tokio::select! {
        ended = driver.drive() => panic!("it ended before it was killed: {ended:?}"),
        () = world.killed.notified() => {}
    }
}

#[tokio::test]
async fn a_release_goes_on_from_every_point_at_which_it_was_killed() {
    let calls = ["package", "apply staging", "test staging", "apply production", "test production"];
    for call in calls {
        for moment in [Moment::Before, Moment::After] {
            let (site, world) = (Site::new(OPEN), World::default());
            let release = site.start(1, &ReleaseRequest::default()).unwrap();
            world.dies_at(call, moment);
            until_killed(&site, &world, &release.record.id).await;
            let left = site.store.find_release("latest").unwrap().record;
            assert_eq!(left.outcome, ReleaseOutcome::Running);
            world.forget_calls();
            let record = site.release(&world, 1).await;
            assert_eq!((&record.id, record.outcome), (&release.record.id, ReleaseOutcome::Released), "{call} {moment:?}");
            // It begins again with the step that was cut off, and with none before it.
            let from = calls.iter().position(|known| *known == call).unwrap();
            assert_eq!(world.calls(), calls[from..], "{call} {moment:?}");
            let history = site.store.deployments("production").unwrap();
            assert_eq!(history.len(), 2, "{call} {moment:?}: {history:?}");
        }
    }
}

#[tokio::test]
async fn an_undoing_goes_on_from_every_point_at_which_it_was_killed() {
    for (call, moment, expected) in [
        ("rollback production", Moment::Before, vec!["rollback production", "test production"]),
        ("rollback production", Moment::After, vec!["rollback production", "test production"]),
    ] {
        let (site, world) = (Site::new(OPEN), World::default());
        site.release(&world, 1).await;
        world.answers_wrongly("production", &site.version(2));
        let release = site.start(2, &ReleaseRequest::default()).unwrap();
        world.dies_at(call, moment);
        until_killed(&site, &world, &release.record.id).await;
        world.forget_calls();
        let record = site.resume(&world, &release.record.id).await.unwrap();
        assert_eq!(
            (record.outcome, world.calls()),
            (ReleaseOutcome::RolledBack, expected.into_iter().map(str::to_owned).collect())
        );
        assert_eq!(world.runs("production"), Some(site.version(1).model.digest));
    }
}

#[tokio::test]
async fn an_approval_that_was_used_survives_the_kill_that_follows_it() {
    for moment in [Moment::Before, Moment::After] {
        let (site, world) = (Site::new(APPROVED), World::default());
        let record = site.release(&world, 1).await;
        let mut pending = site.pending(&record);
        let yes = word(&pending, 1, Verdict::Approve);
        pending.give(&site.store, yes, &sprag_lifecycle::now()).unwrap();
        world.dies_at("apply production", moment);
        until_killed(&site, &world, &record.id).await;
        let record = site.resume(&world, &record.id).await.unwrap();
        assert_eq!(record.outcome, ReleaseOutcome::Released, "{}", record.reason);
    }
}

#[tokio::test]
async fn a_package_that_comes_out_otherwise_goes_through_staging_again() {
    let (site, world) = (Site::new(OPEN), World::default());
    let release = site.start(1, &ReleaseRequest::default()).unwrap();
    world.dies_at("package", Moment::After);
    until_killed(&site, &world, &release.record.id).await;
    world.rebuilds();
    let record = site.release(&world, 1).await;
    let verified = site.store.environment_state("production").unwrap().verified.unwrap();
    assert_eq!(verified.package, record.package.unwrap());
    assert_eq!(site.store.environment_state("staging").unwrap().verified.unwrap().package, verified.package);
}
