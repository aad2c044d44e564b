//! Back: by itself where production fails, and by command.

use sprag_release::{RollbackRequest, start_rollback};
use sprag_schemas::approval::Verdict;
use sprag_schemas::release::{DeploymentEvent, Purpose, ReleaseOutcome, ReleaseRecord};

use crate::forward::steps;
use crate::support::{APPROVED, OPEN, Site, World, word};

async fn roll_back(site: &Site, world: &World, request: RollbackRequest) -> ReleaseRecord {
    let release = start_rollback(&site.project, &site.store, &request).unwrap();
    site.resume(world, &release.record.id).await.unwrap()
}

fn to(place: &str) -> RollbackRequest {
    RollbackRequest { place: place.to_owned(), ..RollbackRequest::default() }
}

#[tokio::test]
async fn production_that_fails_its_test_gets_back_what_it_had() {
    let (site, world) = (Site::new(OPEN), World::default());
    site.release(&world, 1).await;
    world.answers_wrongly("production", &site.version(2));
    world.forget_calls();
    let record = site.release(&world, 2).await;
    assert_eq!(record.outcome, ReleaseOutcome::RolledBack);
    assert_eq!(
        record.reason,
        "diabetes@1 is back in `production`, because `production.smoke-test` failed: row 3: expected 151.0, found 7.0"
    );
    assert_eq!(
        world.calls(),
        [
            "package",
            "apply staging",
            "test staging",
            "apply production",
            "test production",
            "rollback production",
            "test production"
        ]
    );
    assert_eq!(
        steps(&record)[4..],
        [
            "production.smoke-test blocked",
            "production.alias pending",
            "production.restore passed",
            "production.restore-test passed"
        ]
    );
    assert_eq!(world.runs("production"), Some(site.version(1).model.digest));
    assert_eq!(site.store.alias("diabetes", "production").unwrap(), Some(1));
    assert_eq!(sprag_release::exit_code(&record).name, "rolled-back");
    let state = site.store.environment_state("production").unwrap();
    assert_eq!(state.newest.unwrap().version.version, 1);
}

#[tokio::test]
async fn production_that_does_not_come_up_gets_back_what_it_had() {
    let (site, world) = (Site::new(OPEN), World::default());
    site.release(&world, 1).await;
    world.breaks("start production", 1);
    let record = site.release(&world, 2).await;
    assert_eq!(record.outcome, ReleaseOutcome::RolledBack);
    assert_eq!(world.runs("production"), Some(site.version(1).model.digest));
}

#[tokio::test]
async fn the_first_release_has_nothing_to_put_back() {
    let (site, world) = (Site::new(OPEN), World::default());
    world.answers_wrongly("production", &site.version(1));
    let record = site.release(&world, 1).await;
    assert_eq!(record.outcome, ReleaseOutcome::Blocked);
    assert_eq!(site.store.alias("diabetes", "production").unwrap(), None);
}

#[tokio::test]
async fn what_cannot_be_put_back_is_an_error_and_is_tried_again() {
    let (site, world) = (Site::new(OPEN), World::default());
    site.release(&world, 1).await;
    world.answers_wrongly("production", &site.version(2));
    world.breaks("rollback production", 3);
    let record = site.release(&world, 2).await;
    assert_eq!(
        (record.outcome, record.reason.as_str()),
        (ReleaseOutcome::Error, "`production.restore` failed: try again: rollback production is down")
    );
    world.forget_calls();
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!(record.outcome, ReleaseOutcome::RolledBack);
    assert_eq!(world.calls(), ["rollback production", "test production"]);
}

#[tokio::test]
async fn a_rollback_takes_the_version_before_or_the_one_that_is_named() {
    let (site, world) = (Site::new(OPEN), World::default());
    site.release(&world, 1).await;
    site.release(&world, 2).await;
    world.forget_calls();
    let record = roll_back(&site, &world, to("production")).await;
    assert_eq!((record.outcome, record.purpose), (ReleaseOutcome::Released, Purpose::Rollback));
    assert_eq!(record.reason, "diabetes@1 is back in `production`");
    assert_eq!(world.calls(), ["rollback production", "test production"]);
    assert_eq!(site.store.alias("diabetes", "production").unwrap(), Some(1));
    // And forward again, by the alias and the number.
    let record = roll_back(&site, &world, RollbackRequest { to: Some(2), ..to("production") }).await;
    assert_eq!(record.reason, "diabetes@2 is back in `production`");
    assert_eq!(site.store.alias("diabetes", "production").unwrap(), Some(2));
}

#[tokio::test]
async fn only_what_passed_its_test_there_can_come_back() {
    let (site, world) = (Site::new(OPEN), World::default());
    let error = |request| start_rollback(&site.project, &site.store, &request).unwrap_err().to_string();
    assert_eq!(error(to("production")), "expected another version that passed its smoke test in `production`, found none");
    site.release(&world, 1).await;
    assert_eq!(error(to("production")), "expected another version that passed its smoke test in `production`, found diabetes@1");
    world.answers_wrongly("production", &site.version(2));
    site.release(&world, 2).await;
    let two = RollbackRequest { to: Some(2), ..to("production") };
    assert_eq!(error(two), "expected version 2 that passed its smoke test in `production`, found diabetes@1");
    assert!(error(to("moon")).starts_with("expected an environment of the project"));
}

#[tokio::test]
async fn a_rollback_that_fails_goes_nowhere_else() {
    let (site, world) = (Site::new(OPEN), World::default());
    site.release(&world, 1).await;
    site.release(&world, 2).await;
    world.answers_wrongly("production", &site.version(1));
    let record = roll_back(&site, &world, to("production")).await;
    assert_eq!(record.outcome, ReleaseOutcome::Blocked);
    let state = site.store.environment_state("production").unwrap();
    assert_eq!(state.newest.unwrap().event, DeploymentEvent::Failed);
}

/// Takes both versions to production, with Ada's word.
async fn both(site: &Site, world: &World) {
    for number in 1..=2 {
        let record = site.release(world, number).await;
        let mut pending = site.pending(&record);
        let yes = word(&pending, 1, Verdict::Approve);
        pending.give(&site.store, yes, &sprag_lifecycle::now()).unwrap();
        let record = site.resume(world, &record.id).await.unwrap();
        assert_eq!(record.outcome, ReleaseOutcome::Released, "{}", record.reason);
    }
}

#[tokio::test]
async fn a_rollback_goes_through_the_same_gate() {
    let (site, world) = (Site::new(APPROVED), World::default());
    both(&site, &world).await;
    world.forget_calls();
    let record = roll_back(&site, &world, to("production")).await;
    assert_eq!(record.outcome, ReleaseOutcome::AwaitingApproval);
    assert_eq!(world.calls(), ["notify approval-requested"]);
    let mut pending = site.pending(&record);
    let yes = word(&pending, 2, Verdict::Approve);
    pending.give(&site.store, yes, &sprag_lifecycle::now()).unwrap();
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!(record.reason, "diabetes@1 is back in `production`");
}

#[tokio::test]
async fn an_emergency_needs_a_rule_and_its_reason_is_recorded() {
    let emergency = |place: &str| RollbackRequest { emergency: Some("wrong answers".to_owned()), ..to(place) };
    let (mut site, world) = (Site::new(APPROVED), World::default());
    both(&site, &world).await;
    let error = start_rollback(&site.project, &site.store, &emergency("production")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "environment `production` has no rule for emergencies, so that a rollback takes the same approvals as a release"
    );
    site.change(&format!("{APPROVED}\n[environments.production.approval.emergency]\nrequired = 0\n"));
    world.forget_calls();
    let record = roll_back(&site, &world, emergency("production")).await;
    let told = world.told().unwrap();
    assert_eq!((told.emergency.as_deref(), told.required, told.approvers.len()), (Some("wrong answers"), 0, 0));
    assert_eq!((record.outcome, record.emergency.as_deref()), (ReleaseOutcome::Released, Some("wrong answers")));
    assert_eq!(record.reason, "diabetes@1 is back in `production`");
    let approval = record.steps.iter().find(|step| step.name == "production.approval").unwrap();
    assert_eq!(approval.reason, "an emergency: nobody is asked");
}

#[tokio::test]
async fn people_hear_of_production_that_could_not_be_put_back_once_for_each_reason() {
    let told = OPEN.replace("alias = ", "notify = { hook = { plugin = \"./notify.wasm\" } }\nalias = ");
    let (site, world) = (Site::new(&told), World::default());
    site.release(&world, 1).await;
    world.answers_wrongly("production", &site.version(2));
    world.refuses("rollback production", 2);
    world.forget_calls();
    let record = site.release(&world, 2).await;
    assert_eq!(record.outcome, ReleaseOutcome::Error);
    assert_eq!(world.calls().last().unwrap(), "notify failed");
    let event = world.told().unwrap();
    assert_eq!(event.reason, "`production.restore` failed: bad parameters: rollback production is down");
    world.forget_calls();
    site.resume(&world, &record.id).await.unwrap();
    assert_eq!(world.calls(), ["rollback production"], "the same again is no news");
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!((record.outcome, world.calls().last().unwrap().as_str()), (ReleaseOutcome::RolledBack, "notify rolled-back"));
}
