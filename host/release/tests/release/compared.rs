//! The figures of production that approvers see are those of what would be replaced, or none.

use std::collections::BTreeMap;

use sprag_core::digest::Digest;
use sprag_schemas::approval::Verdict;
use sprag_schemas::record::{RunOutcome, RunRecord, VersionRef};
use sprag_store::AddVersion;

use crate::approvals::waiting;
use crate::support::{APPROVED, Site, World, new_version};

/// Adds version 3, which its run held against another version on rows of its own.
fn add_third(site: &Site, against: u64) {
    let production = Some(VersionRef { name: "diabetes".into(), version: against });
    site.store.start_run(&run("run-3", production)).unwrap();
    let mut third = new_version(3);
    third.lineage.data.holdout_digest = Digest::of(b"other rows").to_string();
    third.metrics = BTreeMap::from([("candidate.mse".to_owned(), 100.0), ("production.mse".to_owned(), 200.0)]);
    assert_eq!(site.store.add_version(third).unwrap(), AddVersion::Added(3));
}

fn run(id: &str, production: Option<VersionRef>) -> RunRecord {
    RunRecord {
        id: id.into(),
        project: "diabetes".into(),
        outcome: RunOutcome::Promoted,
        reason: String::new(),
        started_at: "2026-11-24T10:00:00.000Z".into(),
        finished_at: Some("2026-11-24T10:00:01.000Z".into()),
        origin: Default::default(),
        seed: 0,
        data: None,
        stages: vec![],
        candidate: None,
        production,
        registered: None,
        batches: vec![],
        pipeline: None,
        trigger: None,
        tags: Default::default(),
        policies: vec![],
        traceparent: None,
    }
}

/// Version 1 in production, and what the approvers of version 3 are shown of it.
async fn shown(against: u64) -> Option<f64> {
    let (site, world) = (Site::new(APPROVED), World::default());
    let first = waiting(&site, &world, 1).await;
    site.say(&first, 1, Verdict::Approve);
    site.resume(&world, &first.id).await.unwrap();
    add_third(&site, against);
    let third = waiting(&site, &world, 3).await;
    let told = world.told().unwrap().metrics;
    let metrics = site.pending(&third).event.metrics;
    assert_eq!((metrics[0].candidate, &metrics), (100.0, &told));
    metrics[0].production
}

#[tokio::test]
async fn the_evaluation_s_own_figures_are_shown_where_it_met_what_is_there() {
    assert_eq!(shown(1).await, Some(200.0));
}

#[tokio::test]
async fn another_model_s_figures_are_not_shown_as_those_of_production() {
    assert_eq!(shown(2).await, None);
}
