//! A gate over time: an approval that was given and not used, a gate that is taken away, and what is asked anew.

use sprag_release::{ReleaseError, ReleaseRequest};
use sprag_schemas::approval::Verdict;
use sprag_schemas::release::{ReleaseEventKind, ReleaseOutcome, ReleaseRecord, StepStatus};

use crate::approvals::{now, waiting};
use crate::interrupted::until_killed;
use crate::support::{APPROVED, Moment, Site, World, key};

fn late() -> String {
    "2099-01-01T00:00:00.000Z".to_owned()
}

/// An approved release whose deployment failed.
async fn failed(site: &Site, world: &World) -> ReleaseRecord {
    let record = waiting(site, world, 1).await;
    site.say(&record, 1, Verdict::Approve);
    world.refuses("apply production", 1);
    let record = site.resume(world, &record.id).await.unwrap();
    assert_eq!(record.outcome, ReleaseOutcome::Error);
    world.forget_calls();
    record
}

#[tokio::test]
async fn an_approval_that_was_not_used_in_time_is_asked_for_anew() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = failed(&site, &world).await;
    let record = site.resume_at(&world, &record.id, late).await.unwrap();
    assert_eq!((record.outcome, world.calls()), (ReleaseOutcome::AwaitingApproval, vec!["notify approval-void".to_owned()]));
    assert_eq!(world.runs("production"), None);
}

#[tokio::test]
async fn a_deployment_that_was_cut_off_goes_on_while_its_approval_holds_and_no_longer() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    site.say(&record, 1, Verdict::Approve);
    world.dies_at("apply production", Moment::Before);
    until_killed(&site, &world, &record.id).await;
    let record = site.resume_at(&world, &record.id, late).await.unwrap();
    assert_eq!((record.outcome, world.runs("production")), (ReleaseOutcome::AwaitingApproval, None));
}

#[tokio::test]
async fn an_approval_that_was_used_needs_to_hold_no_longer() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    site.say(&record, 1, Verdict::Approve);
    world.dies_at("test production", Moment::Before);
    until_killed(&site, &world, &record.id).await;
    let record = site.resume_at(&world, &record.id, late).await.unwrap();
    assert_eq!(record.outcome, ReleaseOutcome::Released, "{}", record.reason);
}

#[tokio::test]
async fn an_approval_by_somebody_who_is_no_approver_any_more_is_not_used() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = failed(&site, &world).await;
    let grace = key(2).signers_line("grace@example.com") + "\n";
    std::fs::write(site.project.root.join("approvers"), grace).unwrap();
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!((record.outcome, world.runs("production")), (ReleaseOutcome::AwaitingApproval, None));
    let step = record.steps.iter().find(|step| step.name == "production.approval").unwrap();
    assert!(step.report.findings[0].message.contains("is not that of an approver"), "{:?}", step.report.findings);
}

#[tokio::test]
async fn an_approval_that_still_holds_serves_another_try() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = failed(&site, &world).await;
    assert_eq!(site.resume(&world, &record.id).await.unwrap().outcome, ReleaseOutcome::Released);
    assert_eq!(world.calls(), ["apply production", "test production", "notify released"]);
}

#[tokio::test]
async fn a_request_is_void_once_it_was_replaced_and_not_because_somebody_answered() {
    let two = APPROVED.replace("required = 1", "required = 2");
    let (mut site, world) = (Site::new(&two), World::default());
    let record = waiting(&site, &world, 1).await;
    site.say(&record, 1, Verdict::Approve);
    world.breaks("notify", 1);
    // A notifier that is new hears of the request as it is.
    let more = two.replace("notify = { hook = {", "notify = { more = { plugin = \"./notify.wasm\" }, hook = {");
    site.change(&more);
    site.resume(&world, &record.id).await.unwrap();
    assert_eq!(world.told().unwrap().event, ReleaseEventKind::ApprovalVoid, "the stages are part of what is approved");

    let (site, world) = (Site::new(&two), World::default());
    world.breaks("notify", 1);
    let record = waiting(&site, &world, 1).await;
    site.say(&record, 1, Verdict::Approve);
    site.resume(&world, &record.id).await.unwrap();
    assert_eq!(world.told().unwrap().event, ReleaseEventKind::ApprovalRequested);
}

#[tokio::test]
async fn a_gate_that_is_taken_away_while_somebody_is_asked_stays_in_the_record() {
    let (mut site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    let (open, _) = APPROVED.split_once("[environments.production.approval]").unwrap();
    site.change(open);
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!(record.outcome, ReleaseOutcome::Released);
    assert_eq!(record.reason, "diabetes@1 is in `production`; the gate of `production` was removed while it waited there");
    let gate = record.steps.iter().find(|step| step.name == "production.approval").unwrap();
    assert_eq!((gate.status, gate.reason.as_str()), (StepStatus::Skipped, "the gate was removed from the project"));
    assert!(world.told().unwrap().reason.contains("was removed"), "people hear of it");
    let history = site.store.alias_history("diabetes", "production").unwrap();
    assert!(history[0].reason.ends_with("the gate was removed from the project"), "{history:?}");
}

#[tokio::test]
async fn people_who_are_asked_no_more_stay_in_the_record_where_rules_are_left() {
    let with_rule = APPROVED.replace("notify = {", "approve = { margin = { plugin = \"./approve.wasm\" } }\nnotify = {");
    let (mut site, world) = (Site::new(&with_rule), World::default());
    let record = waiting(&site, &world, 1).await;
    let (open, _) = with_rule.split_once("[environments.production.approval]").unwrap();
    site.change(open);
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!(record.reason, "diabetes@1 is in `production`; the gate of `production` was removed while it waited there");
    let gate = record.steps.iter().find(|step| step.name == "production.approval").unwrap();
    assert!(
        gate.reason.starts_with("no person is asked any more, since the rule for them was removed; `margin` agrees"),
        "{}",
        gate.reason
    );

    // Where none was ever asked, there is nothing to say.
    let record = site.release(&world, 2).await;
    assert_eq!(record.reason, "diabetes@2 is in `production`");
}

#[tokio::test]
async fn nobody_approves_what_was_cancelled() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    let ended = site.cancel(&record.id).await.unwrap();
    assert_eq!(ended.steps.iter().filter(|step| step.status == StepStatus::Waiting).count(), 0);
    let error = sprag_release::Pending::of(&site.project, &site.store, ended, &now()).unwrap_err();
    assert!(matches!(error, ReleaseError::NotWaiting { .. }), "{error}");
}

#[tokio::test]
async fn a_gate_that_comes_back_asks_again() {
    let (mut site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    let (open, _) = APPROVED.split_once("[environments.production.approval]").unwrap();
    site.change(open);
    world.refuses("apply production", 1);
    site.resume(&world, &record.id).await.unwrap();
    site.change(APPROVED);
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!((record.outcome, world.runs("production")), (ReleaseOutcome::AwaitingApproval, None));
}

#[tokio::test]
async fn another_source_of_a_secret_is_another_target() {
    let with = |variable: &str| {
        let granted =
            APPROVED.replace("params = { port = 8080 } }", "params = { port = 8080 }, grants = { secrets = [\"cluster\"] } }");
        format!("{granted}\n[secrets.cluster]\nenv = \"{variable}\"\nhosts = [\"a.example.com\"]\n")
    };
    let (mut site, world) = (Site::new(&with("ONE")), World::default());
    let record = waiting(&site, &world, 1).await;
    assert_eq!(site.pending(&record).changed, Vec::<String>::new());
    site.change(&with("OTHER"));
    let changed = site.pending(&record).changed;
    assert!(changed.iter().any(|change| change.starts_with("target changed: ")), "{changed:?}");
}

#[tokio::test]
async fn only_what_was_read_is_signed() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    let pending = site.pending(&record);
    let digest = pending.event.digest.clone();
    pending.is_what_was_read(&digest).unwrap();
    assert_eq!(pending.event.approve_with, format!("sprag approve {} --statement {digest} --reason \"...\"", record.id));
    let error = pending.is_what_was_read("sha256:00").unwrap_err();
    assert_eq!(error.to_string(), format!("expected the statement sha256:00 to wait, found {digest}"));
}

#[tokio::test]
async fn one_release_that_cannot_be_told_of_hides_no_other() {
    let (mut site, world) = (Site::new(APPROVED), World::default());
    let first = waiting(&site, &world, 1).await;
    site.change(&APPROVED.replace("environments.staging", "environments.trial"));
    let both = sprag_release::pending(&site.project, &site.store, &now()).unwrap();
    assert_eq!(both.len(), 1);
    site.change(
        &APPROVED
            .replace("environments.production", "environments.live")
            .replace("\n[environments.staging]", "[release]\norder = [\"staging\", \"live\"]\n\n[environments.staging]"),
    );
    let second = site.start(2, &ReleaseRequest::default()).unwrap().record;
    site.resume(&world, &second.id).await.unwrap();
    let both = sprag_release::pending(&site.project, &site.store, &now()).unwrap();
    let [second_found, first_found] = &both[..] else { panic!("{both:?}") };
    assert_eq!((&first_found.release.id, &second_found.release.id), (&first.id, &second.id));
    assert!(matches!(first_found.pending, Err(ReleaseError::UnknownEnvironment { .. })));
    assert_eq!(second_found.pending.as_ref().unwrap().event.environment, "live");
}

#[tokio::test]
async fn whoever_begins_a_release_with_a_key_is_an_author_by_its_name() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let request = ReleaseRequest { known_as: vec!["ada@example.com".to_owned()], ..ReleaseRequest::default() };
    let release = site.start(1, &request).unwrap().record;
    let record = site.resume(&world, &release.id).await.unwrap();
    assert!(record.authors.contains(&"ada@example.com".to_owned()), "{:?}", record.authors);
    let mut pending = site.pending(&record);
    let yes = crate::support::word(&pending, 1, Verdict::Approve);
    let refused = pending.give(&site.store, yes, &now()).unwrap_err().to_string();
    assert!(refused.starts_with("`ada@example.com` is an author of this release"), "{refused}");
}
