//! The gate: who is asked, what counts, and what becomes void.

use sprag_core::approval::{Refusal, Standing, sign};
use sprag_release::{ReleaseError, ReleaseRequest};
use sprag_runtime::Ruling;
use sprag_schemas::approval::Verdict;
use sprag_schemas::release::{ReleaseOutcome, ReleaseRecord, StepStatus};

use crate::support::{APPROVED, Site, World, key, word};

pub(crate) fn now() -> String {
    sprag_lifecycle::now()
}

pub(crate) async fn waiting(site: &Site, world: &World, number: u64) -> ReleaseRecord {
    let record = site.release(world, number).await;
    assert_eq!(record.outcome, ReleaseOutcome::AwaitingApproval, "{}", record.reason);
    record
}

#[tokio::test]
async fn a_release_waits_after_staging_and_goes_on_once_it_is_approved() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    assert_eq!(world.calls(), ["package", "apply staging", "test staging", "notify approval-requested"]);
    assert_eq!(sprag_release::exit_code(&record).code, 8);
    assert!(
        record.reason.starts_with("`production`: 1 of ada@example.com, grace@example.com must approve until "),
        "{}",
        record.reason
    );
    // To look again changes nothing and tells nobody twice.
    assert_eq!(site.resume(&world, &record.id).await.unwrap().outcome, ReleaseOutcome::AwaitingApproval);
    let mut pending = site.pending(&record);
    let yes = word(&pending, 1, Verdict::Approve);
    let standing = pending.give(&site.store, yes, &now()).unwrap();
    assert_eq!(standing, Standing::Approved(vec!["ada@example.com".into()]));
    world.forget_calls();
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!(record.outcome, ReleaseOutcome::Released);
    assert_eq!(world.calls(), ["apply production", "test production", "notify released"]);
    let history = site.store.alias_history("diabetes", "production").unwrap();
    assert!(history[0].reason.ends_with("approved by ada@example.com"), "{history:?}");
}

#[tokio::test]
async fn approvers_see_what_would_go_and_how_it_compares() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let first = waiting(&site, &world, 1).await;
    let mut pending = site.pending(&first);
    assert_eq!((pending.event.replaces.clone(), pending.event.metrics[0].production), (None, None));
    let yes = word(&pending, 1, Verdict::Approve);
    pending.give(&site.store, yes, &now()).unwrap();
    site.resume(&world, &first.id).await.unwrap();
    let second = waiting(&site, &world, 2).await;
    let pending = site.pending(&second);
    assert_eq!(pending.event.replaces.unwrap().version, 1);
    let metric = &pending.event.metrics[0];
    assert_eq!((metric.name.as_str(), metric.candidate, metric.production), ("mse", 3298.0, Some(3299.0)));
    let what: Vec<_> = pending.event.differences.iter().map(|difference| difference.what.as_str()).collect();
    assert_eq!(what, ["model", "train alpha"]);
    assert_eq!(pending.event.statement.package, second.package.unwrap().digest);
    assert_eq!(sprag_release::pending(&site.project, &site.store, &now()).unwrap().len(), 1);
}

#[tokio::test]
async fn a_no_ends_the_release() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    let mut pending = site.pending(&record);
    let no = word(&pending, 2, Verdict::Reject);
    pending.give(&site.store, no, &now()).unwrap();
    world.forget_calls();
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!(
        (record.outcome, record.reason.as_str()),
        (ReleaseOutcome::Blocked, "rejected by `grace@example.com`: looks right")
    );
    assert_eq!(world.calls(), ["notify blocked"]);
    assert_eq!(world.runs("production"), None);
}

#[tokio::test]
async fn the_same_word_twice_a_strangers_and_an_authors_are_refused() {
    let two = APPROVED.replace("required = 1", "required = 2");
    let (site, world) = (Site::new(&two), World::default());
    let record = waiting(&site, &world, 1).await;
    let mut pending = site.pending(&record);
    let yes = word(&pending, 1, Verdict::Approve);
    assert_eq!(pending.give(&site.store, yes.clone(), &now()).unwrap(), Standing::Waiting { missing: 1 });
    let mut pending = site.pending(&record);
    assert!(matches!(refusal(pending.give(&site.store, yes, &now())), Refusal::Twice { .. }));
    let ballot = pending.ballot(Verdict::Approve, "eve@example.com", "mine", &now()).unwrap();
    let stranger = sign(&key(3), ballot).unwrap();
    assert!(matches!(refusal(pending.give(&site.store, stranger, &now())), Refusal::Unknown { .. }));
    assert_eq!(site.store.approvals(&record.id).unwrap().len(), 1);
    // One of two is not enough.
    assert_eq!(site.resume(&world, &record.id).await.unwrap().outcome, ReleaseOutcome::AwaitingApproval);
}

pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, ReleaseError>) -> Refusal {
    match result.unwrap_err() {
        ReleaseError::Refused(refusal) => *refusal,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn who_trained_the_model_is_an_author() {
    let (mut site, world) = (Site::new(APPROVED), World::default());
    let lines = std::fs::read_to_string(site.project.root.join("approvers")).unwrap();
    std::fs::write(site.project.root.join("approvers"), lines + &key(3).signers_line("eve@example.com")).unwrap();
    let record = waiting(&site, &world, 1).await;
    assert!(record.authors.contains(&"eve".to_owned()));
    let pending = site.pending(&record);
    let ballot = pending.ballot(Verdict::Approve, "eve@example.com", "mine", &now()).unwrap();
    let yes = sign(&key(3), ballot).unwrap();
    let refused = refusal(site.pending(&record).give(&site.store, yes, &now()));
    assert!(matches!(refused, Refusal::Author { .. }), "{refused}");
    // Where the project allows it, CI may approve what it made.
    site.change(&APPROVED.replace("required = 1", "required = 1\nauthor-may-approve = true"));
    let record = site.resume(&world, &record.id).await.unwrap();
    let mut pending = site.pending(&record);
    let ballot = pending.ballot(Verdict::Approve, "eve@example.com", "mine", &now()).unwrap();
    pending.give(&site.store, sign(&key(3), ballot).unwrap(), &now()).unwrap();
    assert_eq!(site.resume(&world, &record.id).await.unwrap().outcome, ReleaseOutcome::Released);
}

#[tokio::test]
async fn an_approval_is_void_once_the_project_changed_and_everybody_is_asked_anew() {
    let (mut site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    let mut pending = site.pending(&record);
    let yes = word(&pending, 1, Verdict::Approve);
    pending.give(&site.store, yes, &now()).unwrap();
    site.change(&APPROVED.replace("port = 8080", "port = 9090"));
    let pending = site.pending(&record);
    assert_eq!(pending.changed.len(), 2, "{:?}", pending.changed);
    assert!(pending.changed[0].starts_with("plan changed: sha256:") && pending.changed[1].starts_with("target changed: sha256:"));
    // Nobody signs a request that is no longer true.
    assert!(matches!(pending.ballot(Verdict::Approve, "ada@example.com", "yes", &now()), Err(ReleaseError::Stale { .. })));
    world.forget_calls();
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!((record.outcome, world.calls()), (ReleaseOutcome::AwaitingApproval, vec!["notify approval-void".to_owned()]));
    let step = record.steps.iter().find(|step| step.name == "production.approval").unwrap();
    let finding = &step.report.findings[0];
    assert_eq!(finding.code, "approval-refused");
    assert!(finding.message.contains("target changed: sha256:"), "{}", finding.message);
    assert_eq!(world.runs("production"), None);
}

#[tokio::test]
async fn another_release_in_between_makes_an_approval_void() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let (first, second) = (waiting(&site, &world, 1).await, waiting(&site, &world, 2).await);
    for record in [&first, &second] {
        let mut pending = site.pending(record);
        let yes = word(&pending, 1, Verdict::Approve);
        pending.give(&site.store, yes, &now()).unwrap();
    }
    assert_eq!(site.resume(&world, &second.id).await.unwrap().outcome, ReleaseOutcome::Released);
    // What the first would replace is no longer what its approver saw.
    let changed = site.pending(&first).changed;
    assert!(changed[0].starts_with("replaces changed: none -> sha256:"), "{changed:?}");
    let first = site.resume(&world, &first.id).await.unwrap();
    assert_eq!(first.outcome, ReleaseOutcome::AwaitingApproval);
    assert_eq!(world.runs("production"), Some(site.version(2).model.digest));
}

#[tokio::test]
async fn an_approval_of_one_release_says_nothing_of_another() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let (first, second) = (waiting(&site, &world, 1).await, waiting(&site, &world, 2).await);
    let yes = word(&site.pending(&first), 1, Verdict::Approve);
    let refused = refusal(site.pending(&second).give(&site.store, yes, &now()));
    assert!(matches!(refused, Refusal::Replayed { what: "the release", .. }), "{refused}");
}

#[tokio::test]
async fn a_request_that_expired_is_asked_anew() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    let mut pending = site.pending(&record);
    let yes = word(&pending, 1, Verdict::Approve);
    const LATE: &str = "2099-01-01T00:00:00.000Z";
    assert!(matches!(refusal(pending.give(&site.store, yes.clone(), LATE)), Refusal::Expired { .. }));
    // Given in time and used too late, it does not count either.
    pending.give(&site.store, yes, &now()).unwrap();
    let record = site.resume_at(&world, &record.id, || LATE.to_owned()).await.unwrap();
    assert_eq!(record.outcome, ReleaseOutcome::AwaitingApproval);
    let step = record.steps.iter().find(|step| step.name == "production.approval").unwrap();
    assert_eq!(step.statement.as_ref().unwrap().requested_at, LATE);
    assert!(step.report.findings[0].message.contains("expires-at changed: "), "{:?}", step.report.findings);
}

#[tokio::test]
async fn a_notification_that_fails_holds_nothing_up_and_is_sent_again() {
    let (site, world) = (Site::new(APPROVED), World::default());
    world.breaks("notify", 1);
    let record = waiting(&site, &world, 1).await;
    assert!(record.reason.ends_with("nobody was told by production.notify.hook, which failed"), "{}", record.reason);
    let record = site.resume(&world, &record.id).await.unwrap();
    let step = record.steps.iter().find(|step| step.name == "production.notify.hook").unwrap();
    assert_eq!((step.status, step.attempts), (StepStatus::Passed, 2));
}

#[tokio::test]
async fn a_rule_decides_beside_the_people_and_never_in_their_place() {
    let with_rule = APPROVED.replace("notify = {", "approve = { margin = { plugin = \"./approve.wasm\" } }\nnotify = {");
    let (site, world) = (Site::new(&with_rule), World::default());
    let record = waiting(&site, &world, 1).await;
    let mut pending = site.pending(&record);
    let yes = word(&pending, 1, Verdict::Approve);
    pending.give(&site.store, yes, &now()).unwrap();
    world.rules(Ruling::Wait("outside of office hours".into()));
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!(record.reason, "`production`: `margin` waits: outside of office hours");
    world.rules(Ruling::Reject("the margin is too small".into()));
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!(
        (record.outcome, record.reason.as_str()),
        (ReleaseOutcome::Blocked, "rejected by the rule `margin`: the margin is too small")
    );
}

#[tokio::test]
async fn a_file_of_approvers_that_is_missing_or_wrong_is_named() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let path = site.project.root.join("approvers");
    let run = async || {
        let release = site.start(1, &ReleaseRequest::default()).unwrap();
        site.resume(&world, &release.record.id).await.unwrap_err()
    };
    std::fs::write(&path, "ada\n").unwrap();
    let error = run().await.to_string();
    assert_eq!(error, format!("{}: line 1: expected `NAME [OPTIONS] ssh-ed25519 KEY`, found `ada`", path.display()));
    std::fs::write(&path, "").unwrap();
    let error = run().await.to_string();
    assert!(error.starts_with("environment `production`: expected at least 1 different approvers, found 0 in "), "{error}");
    std::fs::remove_file(&path).unwrap();
    let error = run().await;
    assert!(matches!(error, ReleaseError::ReadApprovers { .. }), "{error}");
    assert_eq!(world.runs("production"), None);
}
