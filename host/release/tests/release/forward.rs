//! Forward: from a version to production, or to where it is stopped.

use sprag_release::ReleaseRequest;
use sprag_schemas::record::StageError;
use sprag_schemas::release::{Action, DeploymentEvent, ReleaseOutcome, ReleaseRecord, StepStatus};

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
    let release = site.start(1, &ReleaseRequest { to: Some("staging"), ..ReleaseRequest::default() }).unwrap();
    let record = site.resume(&world, &release.record.id).await.unwrap();
    assert_eq!(record.reason, "diabetes@1 is in `staging`");
    assert_eq!(world.calls(), ["package", "apply staging", "test staging"]);
    let error = site.start(1, &ReleaseRequest { to: Some("moon"), ..ReleaseRequest::default() }).unwrap_err();
    assert_eq!(error.to_string(), "expected an environment of the project (`staging`, `production`), found `moon`");
}

#[tokio::test]
async fn a_project_without_environments_says_what_to_add() {
    let site = Site::new("");
    let error = site.start(1, &ReleaseRequest::default()).unwrap_err();
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

#[tokio::test]
async fn an_adapter_that_will_not_do_better_is_asked_once_and_the_history_says_that_it_failed() {
    let (site, world) = (Site::new(OPEN), World::default());
    world.refuses("apply production", 9);
    let record = site.release(&world, 1).await;
    assert_eq!(record.reason, "`production.deploy` failed: bad parameters: apply production is down");
    assert_eq!(world.calls().iter().filter(|call| *call == "apply production").count(), 1);
    let newest = site.store.environment_state("production").unwrap().newest.unwrap();
    assert_eq!((newest.event, newest.reason.as_str()), (DeploymentEvent::Failed, "bad parameters: apply production is down"));
}

#[tokio::test]
async fn a_test_that_does_not_apply_is_not_recorded_as_one_that_passed() {
    let (site, world) = (Site::new(OPEN), World::default());
    world.skips_tests();
    let record = site.release(&world, 1).await;
    assert_eq!(record.outcome, ReleaseOutcome::Released);
    assert_eq!(steps(&record)[4], "production.smoke-test skipped");
    let verified = site.store.environment_state("production").unwrap().verified.unwrap();
    assert_eq!(verified.reason, "the adapter says that it is ready, and its smoke test does not apply");
}

#[tokio::test]
async fn a_preview_sends_nothing_anywhere() {
    let (site, world) = (Site::new(OPEN), World::default());
    let preview = sprag_release::preview(&site.project, &site.store, &world, &site.version(1), None).await.unwrap();
    assert_eq!((world.calls(), preview.environments.len()), (vec!["prepare".to_owned()], 2));
}

#[tokio::test]
async fn why_a_release_was_begun_is_kept() {
    let (site, world) = (Site::new(OPEN), World::default());
    let request = ReleaseRequest { why: Some("nightly".to_owned()), ..ReleaseRequest::default() };
    let release = site.start(1, &request).unwrap();
    let record = site.resume(&world, &release.record.id).await.unwrap();
    assert_eq!(record.why.as_deref(), Some("nightly"));
    let history = site.store.deployments("production").unwrap();
    assert_eq!(history.last().unwrap().reason, "nightly");
}

#[tokio::test]
async fn a_notification_that_failed_does_not_decide_the_exit_code() {
    let (site, world) = (Site::new(OPEN), World::default());
    let mut record = site.release(&world, 1).await;
    record.outcome = ReleaseOutcome::Error;
    let failed = |kind: &str| Some(StageError { kind: kind.to_owned(), message: String::new(), limit: None, frames: vec![] });
    for (step, action, kind, at) in
        [(0, Action::Notify, "limit-hit", "2026-11-26T10:00:01Z"), (3, Action::Deploy, "plugin-failed", "2026-11-26T10:00:00Z")]
    {
        let step = &mut record.steps[step];
        (step.action, step.status, step.error) = (action, StepStatus::Failed, failed(kind));
        step.finished_at = Some(at.to_owned());
    }
    assert_eq!(sprag_release::exit_code(&record).name, "plugin-failed");
}

#[tokio::test]
async fn a_release_that_is_there_is_released_whether_or_not_that_can_be_told() {
    let told = OPEN
        .replace("alias = ", "notify = { hook = { plugin = \"./notify.wasm\", inputs = { words = \"words.txt\" } } }\nalias = ");
    let (site, world) = (Site::new(&told), World::default());
    let record = site.release(&world, 1).await;
    assert_eq!((record.outcome, sprag_release::exit_code(&record).name), (ReleaseOutcome::Released, "success"));
    let failed = record.steps.last().unwrap();
    assert_eq!((failed.name.as_str(), failed.status), ("production.tell", StepStatus::Failed));
    assert!(failed.reason.contains("words.txt"), "{}", failed.reason);
}
