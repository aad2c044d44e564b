//! A share of the requests: through the same gate, beside what is verified, which keeps its place.

use sprag_release::{ReleaseError, ReleaseRequest, RollbackRequest, start_rollback};
use sprag_schemas::approval::Verdict;
use sprag_schemas::release::{ReleaseOutcome, ReleaseRecord};

use crate::forward::steps;
use crate::support::{APPROVED, OPEN, Site, World, word};

async fn share(site: &Site, world: &World, number: u64, percent: u32) -> ReleaseRecord {
    let release = site.start(number, &ReleaseRequest { share: Some(percent), ..ReleaseRequest::default() }).unwrap();
    site.resume(world, &release.record.id).await.unwrap()
}

#[tokio::test]
async fn a_share_goes_beside_what_is_verified_and_the_alias_stays() {
    let (site, world) = (Site::new(OPEN), World::default());
    let first = site.release(&world, 1).await;
    world.forget_calls();
    let record = share(&site, &world, 2, 10).await;
    assert_eq!(record.outcome, ReleaseOutcome::Released);
    assert_eq!(record.reason, "diabetes@2 has 10 % of the requests in `production`");
    assert_eq!(world.calls(), ["package", "apply staging", "test staging", "traffic production"]);
    let [champion, candidate] = [&first, &record].map(|record| record.package.as_ref().unwrap().digest.clone());
    assert_eq!(world.weights("production"), [(champion, 90), (candidate, 10)]);
    assert_eq!(
        steps(&record),
        ["package passed", "staging.deploy passed", "staging.smoke-test passed", "production.deploy passed"]
    );
    assert_eq!(site.store.alias("diabetes", "production").unwrap(), Some(1));
}

#[tokio::test]
async fn a_share_is_taken_back_by_a_rollback_and_made_whole_by_a_release() {
    let (site, world) = (Site::new(OPEN), World::default());
    site.release(&world, 1).await;
    share(&site, &world, 2, 10).await;
    let request = RollbackRequest { place: "production".to_owned(), ..RollbackRequest::default() };
    let back = start_rollback(&site.project, &site.store, &request).unwrap();
    let back = site.resume(&world, &back.record.id).await.unwrap();
    assert_eq!((back.outcome, back.version.version), (ReleaseOutcome::Released, 1));
    assert_eq!(world.runs("production"), Some(site.version(1).model.digest));

    share(&site, &world, 2, 50).await;
    let whole = site.release(&world, 2).await;
    assert_eq!(whole.reason, "diabetes@2 is in `production`");
    assert_eq!(site.store.alias("diabetes", "production").unwrap(), Some(2));
}

#[tokio::test]
async fn there_is_no_share_of_nothing() {
    let (site, world) = (Site::new(OPEN), World::default());
    let start = |number| site.start(number, &ReleaseRequest { share: Some(10), ..ReleaseRequest::default() }).map(|_| ());
    assert!(matches!(start(1), Err(ReleaseError::NothingBeside { .. })));
    site.release(&world, 1).await;
    let error = start(1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected another version that passed its smoke test in `production`, to share its requests with, found none"
    );
}

#[tokio::test]
async fn an_approval_of_a_share_is_none_of_the_whole() {
    let (site, world) = (Site::new(APPROVED), World::default());
    let approve = async |record: ReleaseRecord| {
        assert_eq!(record.outcome, ReleaseOutcome::AwaitingApproval);
        let mut pending = site.pending(&record);
        let approval = word(&pending, 1, Verdict::Approve);
        pending.give(&site.store, approval.clone(), &sprag_lifecycle::now()).unwrap();
        site.resume(&world, &record.id).await.map(|record| (record, approval))
    };
    let first = site.release(&world, 1).await;
    approve(first).await.unwrap();
    let (shared, approval) = approve(share(&site, &world, 2, 10).await).await.unwrap();
    assert_eq!(shared.outcome, ReleaseOutcome::Released);

    let whole = site.release(&world, 2).await;
    let mut pending = site.pending(&whole);
    assert!(pending.give(&site.store, approval, &sprag_lifecycle::now()).is_err());
    let event = pending.event;
    assert_eq!((event.share, event.replaces.map(|version| version.version)), (None, Some(1)));
}
