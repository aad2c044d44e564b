//! A release that was cut off, and another that went where it was going.

use std::sync::Arc;

use sprag_lifecycle::Cancel;
use sprag_release::{Progress, ReleaseRequest};
use sprag_schemas::approval::Verdict;
use sprag_schemas::release::{ReleaseOutcome, ReleaseRecord, StepStatus};

use crate::interrupted::until_killed;
use crate::support::{APPROVED, Moment, OPEN, Site, World};

/// Version 1, killed at a call; then version 2 all the way.
async fn overtaken(site: &Site, world: &World, call: &str) -> ReleaseRecord {
    let first = site.start(1, &ReleaseRequest::default()).unwrap().record;
    world.dies_at(call, Moment::Before);
    until_killed(site, world, &first.id).await;
    assert_eq!(site.release(world, 2).await.outcome, ReleaseOutcome::Released);
    world.forget_calls();
    first
}

#[tokio::test]
async fn what_another_release_took_the_place_of_is_deployed_and_tried_again() {
    let (site, world) = (Site::new(OPEN), World::default());
    let first = overtaken(&site, &world, "test production").await;
    let record = site.resume(&world, &first.id).await.unwrap();
    // The trial in staging was passed, and is passed still.
    assert_eq!(world.calls(), ["apply production", "test production"]);
    assert_eq!(record.outcome, ReleaseOutcome::Released);
    assert_eq!(world.runs("production"), Some(site.version(1).model.digest));
    assert_eq!(site.store.alias("diabetes", "production").unwrap(), Some(1));
}

#[tokio::test]
async fn a_trial_that_another_release_cut_short_begins_again() {
    let (site, world) = (Site::new(OPEN), World::default());
    let first = overtaken(&site, &world, "test staging").await;
    site.resume(&world, &first.id).await.unwrap();
    assert_eq!(world.calls(), ["apply staging", "test staging", "apply production", "test production"]);
}

#[tokio::test]
async fn where_there_is_no_smoke_test_it_is_deployed_again_too() {
    let untested = OPEN.replace(
        "deploy = { plugin = \"./deploy.wasm\" }\nsmoke-test = { plugin = \"./smoke.wasm\" }",
        "deploy = { plugin = \"./deploy.wasm\" }",
    );
    let (site, world) = (Site::new(&untested), World::default());
    let first = site.start(1, &ReleaseRequest::default()).unwrap().record;
    let cancel = Cancel::default();
    let asks = cancel.clone();
    let driver = site.driver(&world, &first.id).await.unwrap().cancelled_by(cancel);
    let driver = driver.observed_by(Arc::new(move |progress| match progress {
        Progress::Step(step) if step.name == "production.deploy" && step.status == StepStatus::Passed => asks.request(),
        _ => {}
    }));
    assert_eq!(driver.drive().await.unwrap().outcome, ReleaseOutcome::Cancelled);
    site.release(&world, 2).await;
    world.forget_calls();
    let record = site.resume(&world, &first.id).await.unwrap();
    assert_eq!((record.outcome, world.calls()), (ReleaseOutcome::Released, vec!["apply production".to_owned()]));
    assert_eq!(world.runs("production"), Some(site.version(1).model.digest));
    assert_eq!(site.store.alias("diabetes", "production").unwrap(), Some(1));
}

#[tokio::test]
async fn the_gate_asks_anew_because_something_else_would_be_replaced() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let first = site.release(&world, 1).await;
    site.say(&first, 1, Verdict::Approve);
    world.dies_at("test production", Moment::Before);
    until_killed(&site, &world, &first.id).await;
    let second = site.release(&world, 2).await;
    site.say(&second, 1, Verdict::Approve);
    assert_eq!(site.resume(&world, &second.id).await.unwrap().outcome, ReleaseOutcome::Released);
    world.forget_calls();
    let record = site.resume(&world, &first.id).await.unwrap();
    assert_eq!((record.outcome, world.calls()), (ReleaseOutcome::AwaitingApproval, vec!["notify approval-void".to_owned()]));
    site.say(&record, 2, Verdict::Approve);
    world.forget_calls();
    assert_eq!(site.resume(&world, &first.id).await.unwrap().outcome, ReleaseOutcome::Released);
    assert_eq!(world.calls(), ["apply production", "test production", "notify released"]);
}
