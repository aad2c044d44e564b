//! Forward: from a version to production, or to where it is stopped.

use sprag_schemas::release::{DeploymentEvent, ReleaseOutcome, ReleaseRecord, StepStatus};

use crate::support::{OPEN, Site, World};

pub(crate) fn steps(record: &ReleaseRecord) -> Vec<String> {
    record.steps.iter().map(|step| format!("{} {}", step.name, step.status.name())).collect()
}

#[tokio::test]
async fn a_version_goes_through_staging_to_production() {
    let (site, world) = (Site::new(OPEN), World::default());
    let record = site.release(&world, 1).await;
    assert_eq!((record.outcome, record.reason.as_str()), (ReleaseOutcome::Released, "diabetes@1 is in `production`"));
    assert_eq!(world.calls(), ["package", "apply staging", "test staging", "apply production", "test production"]);
    assert_eq!(
        steps(&record),
        [
            "package passed",
            "staging.deploy passed",
            "staging.smoke-test passed",
            "production.deploy passed",
            "production.smoke-test passed",
            "production.alias passed"
        ]
    );
    assert_eq!(site.store.alias("diabetes", "production").unwrap(), Some(1));
    let history = site.store.alias_history("diabetes", "production").unwrap();
    assert!(history[0].reason.contains(&record.id), "{history:?}");
    assert_eq!(sprag_release::exit_code(&record).name, "success");
}

#[tokio::test]
async fn production_gets_the_very_package_that_staging_tried() {
    let (site, world) = (Site::new(OPEN), World::default());
    let record = site.release(&world, 1).await;
    let package = record.package.unwrap();
    for environment in ["staging", "production"] {
        let state = site.store.environment_state(environment).unwrap();
        let verified = state.verified.unwrap();
        assert_eq!((verified.event, &verified.package), (DeploymentEvent::Verified, &package));
        assert_eq!(verified.release, record.id);
    }
}

#[tokio::test]
async fn a_wrong_answer_in_staging_blocks_and_production_hears_nothing() {
    let (site, world) = (Site::new(OPEN), World::default());
    world.answers_wrongly("staging", &site.version(1));
    let record = site.release(&world, 1).await;
    assert_eq!(record.outcome, ReleaseOutcome::Blocked);
    assert_eq!(record.reason, "`staging.smoke-test` stopped the release: row 3: expected 151.0, found 7.0");
    assert_eq!(world.runs("production"), None);
    assert_eq!(site.store.alias("diabetes", "production").unwrap(), None);
    assert_eq!(sprag_release::exit_code(&record).name, "blocked");
    // Staging is left as it is, to be looked at.
    assert_eq!(world.runs("staging"), Some(site.version(1).model.digest));
    let newest = site.store.environment_state("staging").unwrap().newest.unwrap();
    assert_eq!(newest.event, DeploymentEvent::Failed);
}

#[tokio::test]
async fn staging_that_is_up_and_out_of_reach_blocks_with_the_reason() {
    let (site, world) = (Site::new(OPEN), World::default());
    world.breaks("test staging", 9);
    let record = site.release(&world, 1).await;
    assert_eq!(record.outcome, ReleaseOutcome::Blocked);
    assert_eq!(record.reason, "`staging.smoke-test` stopped the release: try again: test staging is down");
    assert_eq!(record.steps[2].error.as_ref().unwrap().kind, "plugin-failed");
}

#[tokio::test]
async fn staging_that_does_not_start_blocks() {
    let (site, world) = (Site::new(OPEN), World::default());
    world.breaks("start staging", 1);
    let record = site.release(&world, 1).await;
    assert_eq!(record.reason, "`staging.deploy` stopped the release: the service did not become ready: it says so");
}

#[tokio::test]
async fn an_adapter_that_fails_is_asked_again() {
    let (site, world) = (Site::new(OPEN), World::default());
    world.breaks("apply production", 1);
    let record = site.release(&world, 1).await;
    assert_eq!(record.outcome, ReleaseOutcome::Released);
    assert_eq!(world.calls().iter().filter(|call| *call == "apply production").count(), 2);
}

#[tokio::test]
async fn an_adapter_that_keeps_failing_is_an_error_that_can_be_resumed() {
    let (site, world) = (Site::new(OPEN), World::default());
    world.breaks("apply production", 3);
    let record = site.release(&world, 1).await;
    assert_eq!(record.outcome, ReleaseOutcome::Error);
    assert_eq!(record.reason, "`production.deploy` failed: try again: apply production is down");
    assert_eq!(sprag_release::exit_code(&record).name, "plugin-failed");
    world.forget_calls();
    // The same version again goes on where it stood.
    let again = site.release(&world, 1).await;
    assert_eq!((again.id, again.outcome), (record.id, ReleaseOutcome::Released));
    assert_eq!(world.calls(), ["apply production", "test production"]);
}

#[tokio::test]
async fn a_release_ends_at_the_environment_that_is_named() {
    let (site, world) = (Site::new(OPEN), World::default());
    let release = sprag_release::start_release(&site.project, &site.store, &site.version(1), Some("staging"), None).unwrap();
    let record = site.resume(&world, &release.record.id).await.unwrap();
    assert_eq!(record.reason, "diabetes@1 is in `staging`");
    assert_eq!(world.calls(), ["package", "apply staging", "test staging"]);
    let error = sprag_release::start_release(&site.project, &site.store, &site.version(1), Some("moon"), None).unwrap_err();
    assert_eq!(error.to_string(), "expected an environment of the project (`staging`, `production`), found `moon`");
}

#[tokio::test]
async fn a_project_without_environments_says_what_to_add() {
    let site = Site::new("");
    let error = sprag_release::start_release(&site.project, &site.store, &site.version(1), None, None).unwrap_err();
    assert_eq!(error.to_string(), "expected `[environments]` in the project file, found none");
    assert!(error.hint().unwrap().contains("[environments.staging]"));
}

#[tokio::test]
async fn a_release_that_has_ended_is_not_resumed() {
    let (site, world) = (Site::new(OPEN), World::default());
    let record = site.release(&world, 1).await;
    let error = site.resume(&world, &record.id).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the release `{}` has ended: released", record.id));
    assert!(record.steps.iter().all(|step| step.status == StepStatus::Passed));
}
