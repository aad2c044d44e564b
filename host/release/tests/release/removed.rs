//! An environment whose service was removed.

use std::time::Duration;

use sprag_release::{ReleaseError, ReleaseRequest, RollbackRequest, remove, start_rollback};
use sprag_runtime::Action;
use sprag_schemas::release::{DeploymentEvent, ReleaseOutcome};

use crate::support::{OPEN, Site, World};

async fn removed(site: &Site, world: &World) -> Result<Vec<Action>, ReleaseError> {
    let environment = site.project.plan.environment("production").unwrap();
    let words = ("ada", "the trial is over", "2026-11-26T10:00:00.000Z");
    loop {
        match remove(&site.project, &site.store, world, environment, words).await {
            // Nobody holds it by name: the other tests of this process start `git`, which has copies of all open locks while it begins.
            Err(ReleaseError::Busy { holder: None, .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            removed => return Ok(removed?.into_iter().map(|change| change.action).collect()),
        }
    }
}

#[tokio::test]
async fn nothing_runs_there_and_the_history_says_who_why_and_what_it_was() {
    let (site, world) = (Site::new(OPEN), World::default());
    site.release(&world, 1).await;
    assert_eq!(removed(&site, &world).await.unwrap(), [Action::Delete]);
    assert_eq!((world.runs("production"), world.runs("staging").is_some()), (None, true));
    assert_eq!(site.store.environment_state("production").unwrap().newest, None);
    let last = site.store.deployments("production").unwrap().remove(0);
    assert_eq!((last.event, last.version.version, last.endpoint), (DeploymentEvent::Removed, 1, None));
    assert_eq!((last.by.as_str(), last.reason.as_str()), ("ada", "the trial is over"));

    assert_eq!(removed(&site, &world).await.unwrap(), [Action::Keep]);
    assert_eq!(site.store.deployments("production").unwrap().len(), 3, "what is gone already is not gone twice");
}

#[tokio::test]
async fn what_was_there_comes_back_by_a_rollback() {
    let (site, world) = (Site::new(OPEN), World::default());
    site.release(&world, 1).await;
    removed(&site, &world).await.unwrap();
    let request = RollbackRequest { place: "production".to_owned(), ..RollbackRequest::default() };
    let back = start_rollback(&site.project, &site.store, &request).unwrap();
    let back = site.resume(&world, &back.record.id).await.unwrap();
    assert_eq!((back.outcome, world.runs("production")), (ReleaseOutcome::Released, Some(site.version(1).model.digest)));
}

#[tokio::test]
async fn a_release_that_fails_there_has_nothing_to_put_back_and_none_to_share_with() {
    let (site, world) = (Site::new(OPEN), World::default());
    site.release(&world, 1).await;
    removed(&site, &world).await.unwrap();
    let shared = site.start(2, &ReleaseRequest { share: Some(10), ..ReleaseRequest::default() }).unwrap_err();
    assert!(matches!(shared, ReleaseError::NothingBeside { .. }), "{shared}");
    world.answers_wrongly("production", &site.version(2));
    assert_eq!(site.release(&world, 2).await.outcome, ReleaseOutcome::Blocked);
}

#[tokio::test]
async fn an_adapter_that_fails_leaves_the_record_as_it_was() {
    let (site, world) = (Site::new(OPEN), World::default());
    site.release(&world, 1).await;
    world.breaks("destroy production", 1);
    let error = removed(&site, &world).await.unwrap_err();
    assert_eq!(error.to_string(), "`production` was not removed: try again: destroy production is down");
    assert_eq!(site.store.environment_state("production").unwrap().newest.unwrap().event, DeploymentEvent::Verified);
    let _lock = site.store.try_lock_environment("production", "another").unwrap().unwrap();
    let error = removed(&site, &world).await.unwrap_err();
    assert_eq!(error.to_string(), "the release `another` is at work on `production`");
}

#[tokio::test]
async fn an_undoing_with_nothing_left_to_put_back_says_so() {
    let (site, world) = (Site::new(OPEN), World::default());
    site.release(&world, 1).await;
    world.answers_wrongly("production", &site.version(2));
    world.refuses("rollback production", 1);
    let record = site.release(&world, 2).await;
    assert_eq!(record.outcome, ReleaseOutcome::Error);
    removed(&site, &world).await.unwrap();
    let error = site.resume(&world, &record.id).await.unwrap_err();
    assert_eq!(error.to_string(), "expected another version that passed its smoke test in `production`, found none");
}

#[tokio::test]
async fn an_environment_that_left_the_project_in_the_midst_of_an_undoing_is_named() {
    let (mut site, world) = (Site::new(&THREE.join("\n")), World::default());
    site.release(&world, 1).await;
    world.answers_wrongly("canary", &site.version(2));
    world.refuses("rollback canary", 1);
    let record = site.release(&world, 2).await;
    assert_eq!(record.reason, "`canary.restore` failed: bad parameters: rollback canary is down");
    site.change(&[THREE[0].replace("\"canary\", ", ""), THREE[1].to_owned(), THREE[3].to_owned()].join("\n"));
    let error = site.resume(&world, &record.id).await.unwrap_err();
    assert_eq!(error.to_string(), "expected an environment of the project (`staging`, `production`), found `canary`");
    site.change(&[THREE[0].replace(", \"production\"", ""), THREE[1].to_owned(), THREE[2].to_owned()].join("\n"));
    let error = site.resume(&world, &record.id).await.unwrap_err();
    assert_eq!(error.to_string(), "expected an environment of the project (`staging`, `canary`), found `production`");
}

/// A project with one environment between the first and the last.
const THREE: [&str; 4] = [
    "[release]\norder = [\"staging\", \"canary\", \"production\"]",
    "[environments.staging]\ndeploy = { plugin = \"./deploy.wasm\" }\nsmoke-test = { plugin = \"./smoke.wasm\" }",
    "[environments.canary]\ndeploy = { plugin = \"./deploy.wasm\" }\nsmoke-test = { plugin = \"./smoke.wasm\" }",
    "[environments.production]\ndeploy = { plugin = \"./deploy.wasm\" }\nsmoke-test = { plugin = \"./smoke.wasm\" }",
];
