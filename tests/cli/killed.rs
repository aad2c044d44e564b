//! `kill -9` at any moment: what was committed is whole, what was not is absent, and the next run completes.

use std::collections::BTreeMap;
use std::time::Duration;

use sprag_core::digest::Digest;
use sprag_schemas::record::{AliasEntry, ModelVersion, RunOutcome, RunRecord};

use crate::context::Project;

/// Penalties of which each gives a better model than the one before.
fn alpha(round: usize) -> String {
    format!("train.alpha={:.3}", 0.9 - 0.005 * round as f64)
}

/// Holds everything that the project remembers against everything else.
#[track_caller]
fn assert_whole(project: &Project) {
    let runs: Vec<RunRecord> = project.run(&["runs", "--limit", "1000", "--json"]).ok().json();
    let models: Vec<serde_json::Value> = project.run(&["models", "--json"]).ok().json();
    let Some(model) = models.first() else {
        assert!(runs.iter().all(|run| run.registered.is_none()));
        return;
    };
    let history: Vec<AliasEntry> = project.run(&["model", "history", "diabetes@production", "--json"]).ok().json();
    let versions = model["versions"].as_u64().unwrap();
    let pointed: Vec<_> = history.iter().rev().map(|entry| entry.version).collect();
    assert_eq!(pointed, (1..=versions).collect::<Vec<_>>(), "each version has its alias, and no alias is without a version");
    assert_eq!(model["aliases"]["production"], versions);
    for run in &runs {
        assert!(run.outcome != RunOutcome::Promoted || run.registered.is_some(), "{run:?}");
    }
    let newest: ModelVersion = project.run(&["model", "show", "diabetes", "--json"]).ok().json();
    assert!(runs.iter().any(|run| run.id == newest.lineage.run_id), "the run that registered it is there");
    for digest in [&newest.model.scorer, &newest.model.state] {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let blob = std::fs::read(project.path(".sprag/blobs/sha256").join(&hex[..2]).join(hex)).unwrap();
        assert_eq!(Digest::of(&blob).to_string(), *digest);
    }
}

/// The model's digest of each round, from a project that nobody kills.
fn expected(rounds: usize) -> Vec<String> {
    let project = Project::diabetes();
    (0..rounds).map(|round| project.record(&["--param", &alpha(round)]).candidate.unwrap().digest).collect()
}

/// The next run completes, with the same model as if nothing had happened, and it is in production.
#[track_caller]
fn assert_goes_on(project: &Project, round: usize, expected: &str) {
    let record = project.record(&["--param", &alpha(round)]);
    assert_eq!(record.candidate.unwrap().digest, expected);
    // Kept where the killed run had come as far as to register it.
    assert!(matches!(record.outcome, RunOutcome::Promoted | RunOutcome::Kept), "{:?}: {}", record.outcome, record.reason);
    let production: ModelVersion = project.run(&["model", "show", "diabetes@production", "--json"]).ok().json();
    assert_eq!(production.model.digest, expected);
    assert_whole(project);
}

#[test]
fn after_any_event() {
    let project = Project::diabetes();
    let rounds = 28;
    let mut ends = BTreeMap::new();
    for (round, expected) in expected(rounds).iter().enumerate() {
        let mut run = project.start(&["--no-cache", "--param", &alpha(round)]);
        // A run has about 50 events: this comes near to each of them.
        for _ in 0..=round * 2 {
            if run.event().is_none() {
                break;
            }
        }
        run.kill();
        if project.path(".sprag/store.db").exists() {
            assert_whole(&project);
        }
        assert_goes_on(&project, round, expected);
        let newest: Vec<RunRecord> = project.run(&["runs", "--limit", "2", "--json"]).ok().json();
        *ends.entry(newest.last().map_or("none", |run| run.outcome.name())).or_insert(0) += 1;
    }
    assert!(ends.contains_key("interrupted"), "some runs were killed while they did their work: {ends:?}");
}

#[test]
fn after_any_time() {
    let project = Project::diabetes();
    let rounds = 24;
    let expected = expected(rounds);
    // A linear congruential generator (Numerical Recipes): the same delays in each run of the test.
    let mut random = 20_260_412_u32;
    for (round, expected) in expected.iter().enumerate() {
        let run = project.start(&["--param", &alpha(round)]);
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        std::thread::sleep(Duration::from_micros(u64::from(random % 60_000)));
        run.kill();
        if project.path(".sprag/store.db").exists() {
            assert_whole(&project);
        }
        assert_goes_on(&project, round, expected);
    }
}

#[test]
fn while_components_are_compiled() {
    let project = Project::small("a,y\n1,2\n2,4\n3,6.5\n4,8\n5,9.5\n");
    let cache = project.outside().join("cache");
    let start = || project.sprag(&["run", "--no-cache", "--format", "json"]).env("SPRAG_CACHE_DIR", &cache).start();
    for delay in [0, 20, 60, 120, 200, 300] {
        let mut run = start();
        run.wait_for_stage("train");
        std::thread::sleep(Duration::from_millis(delay));
        run.kill();
    }
    let _ = start().finish().ok();
}
