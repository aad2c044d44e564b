//! A no is final: nothing that happens afterwards takes it back.

use sprag_core::approval::Refusal;
use sprag_schemas::approval::Verdict;
use sprag_schemas::release::ReleaseOutcome;

use crate::approvals::{now, refusal, waiting};
use crate::support::{APPROVED, Site, World, word};

const NO: (ReleaseOutcome, &str) = (ReleaseOutcome::Blocked, "rejected by `grace@example.com`: looks right");

fn late() -> String {
    "2099-01-01T00:00:00.000Z".to_owned()
}

#[tokio::test]
async fn a_no_holds_whatever_changed_since() {
    let (mut site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    site.say(&record, 2, Verdict::Reject);
    site.change(&APPROVED.replace("port = 8080", "port = 9090"));
    world.forget_calls();
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!((record.outcome, record.reason.as_str()), NO);
    assert_eq!(world.calls(), ["notify blocked"]);
}

#[tokio::test]
async fn a_no_holds_when_the_request_expired() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    site.say(&record, 2, Verdict::Reject);
    let record = site.resume_at(&world, &record.id, late).await.unwrap();
    assert_eq!((record.outcome, record.reason.as_str()), NO);
}

#[tokio::test]
async fn a_yes_after_a_no_is_refused() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    site.say(&record, 2, Verdict::Reject);
    let mut pending = site.pending(&record);
    let yes = word(&pending, 1, Verdict::Approve);
    let refused = refusal(pending.give(&site.store, yes, &now()));
    assert!(matches!(refused, Refusal::Rejected { .. }), "{refused}");
    assert_eq!(site.store.approvals(&record.id).unwrap().len(), 1);
}

#[tokio::test]
async fn a_no_can_be_said_to_what_changed() {
    let (mut site, world) = (Site::new(APPROVED), World::default());
    let record = waiting(&site, &world, 1).await;
    site.change(&APPROVED.replace("port = 8080", "port = 9090"));
    site.say(&record, 2, Verdict::Reject);
    let record = site.resume(&world, &record.id).await.unwrap();
    assert_eq!((record.outcome, record.reason.as_str()), NO);
}
