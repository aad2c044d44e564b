//! Releases, their approvals, and the history of environments.

use rusqlite::Connection;
use sprag_core::digest::Digest;
use sprag_schemas::approval::{Approval, Ballot, Statement, Verdict};
use sprag_schemas::record::{Origin, VersionRef};
use sprag_schemas::release::{DeploymentEntry, DeploymentEvent, PackageRecord, Purpose, ReleaseOutcome, ReleaseRecord};
use sprag_store::{Store, StoreError};

use crate::samples::{self, AT};

fn release(id: &str) -> ReleaseRecord {
    ReleaseRecord {
        id: id.to_owned(),
        project: "diabetes".to_owned(),
        purpose: Purpose::Release,
        outcome: ReleaseOutcome::Running,
        reason: String::new(),
        version: version(1),
        model: Digest::of(b"model").to_string(),
        to: "production".to_owned(),
        package: None,
        started_at: AT.to_owned(),
        finished_at: None,
        origin: Origin::default(),
        authors: vec!["eve".to_owned()],
        steps: vec![],
        emergency: None,
        share: None,
        why: None,
    }
}

fn version(version: u64) -> VersionRef {
    VersionRef { name: "diabetes".to_owned(), version }
}

fn approval(release: &str, reason: &str) -> Approval {
    let text = String::new;
    let statement = Statement {
        release: release.to_owned(),
        project: text(),
        environment: text(),
        version: version(1),
        model: text(),
        plan: text(),
        evaluation: text(),
        package: text(),
        target: text(),
        replaces: None,
        requested_at: text(),
        expires_at: text(),
        authors: vec![],
    };
    let (approver, at) = ("ada".to_owned(), AT.to_owned());
    let ballot = Ballot { statement, verdict: Verdict::Approve, reason: reason.to_owned(), approver, at };
    Approval { ballot, signature: "signed".to_owned() }
}

fn deployment(environment: &str, event: DeploymentEvent, number: u64) -> DeploymentEntry {
    let digest = |text: &str| Digest::of(format!("{text} {number}").as_bytes()).to_string();
    DeploymentEntry {
        environment: environment.to_owned(),
        event,
        version: version(number),
        model: digest("model"),
        package: PackageRecord { digest: digest("package"), image: None, rows: digest("rows"), expected: digest("expected") },
        endpoint: None,
        release: "r".to_owned(),
        at: AT.to_owned(),
        by: "eve".to_owned(),
        reason: "better".to_owned(),
    }
}

#[test]
fn a_release_is_changed_only_by_who_has_seen_it() {
    let (_folder, store) = samples::store();
    let mut mine = store.start_release(release("20261122-154300-aaaa")).unwrap();
    let mut theirs = store.find_release("aaaa").unwrap();
    mine.record.outcome = ReleaseOutcome::AwaitingApproval;
    store.update_release(&mut mine).unwrap();
    theirs.record.outcome = ReleaseOutcome::Blocked;
    let error = store.update_release(&mut theirs).unwrap_err();
    assert!(matches!(error, StoreError::ReleaseChanged { .. }), "{error}");
    assert_eq!(store.find_release("latest").unwrap(), mine);
    let error = store.start_release(release("20261122-154300-aaaa")).unwrap_err();
    assert!(matches!(error, StoreError::ReleaseExists { .. }), "{error}");
}

#[test]
fn releases_are_found_by_a_part_of_their_id() {
    let (_folder, store) = samples::store();
    let error = store.find_release("latest").unwrap_err();
    assert_eq!(error.to_string(), "no release is called `latest`");
    for id in ["20261122-154300-aaaa", "20261122-154301-bbbb"] {
        store.start_release(release(id)).unwrap();
    }
    assert_eq!(store.find_release("latest").unwrap().record.id, "20261122-154301-bbbb");
    assert_eq!(store.find_release("aaaa").unwrap().record.id, "20261122-154300-aaaa");
    let error = store.find_release("20261122").unwrap_err();
    assert_eq!(error.to_string(), "`20261122` may mean several releases: `20261122-154301-bbbb`, `20261122-154300-aaaa`");
    let error = store.find_release("cccc").unwrap_err();
    assert!(error.is_usage() && error.to_string().starts_with("no release is called `cccc`; the newest are"), "{error}");
    assert_eq!(store.releases(1).unwrap().len(), 1);
}

#[test]
fn only_what_can_go_on_is_open() {
    let (_folder, store) = samples::store();
    use ReleaseOutcome::{AwaitingApproval, Blocked, Cancelled, Error, Released, RolledBack, Running};
    for (i, outcome) in [Running, AwaitingApproval, Error, Cancelled, Released, Blocked, RolledBack].into_iter().enumerate() {
        store.start_release(ReleaseRecord { outcome, ..release(&format!("r{i}")) }).unwrap();
        assert_eq!(outcome.is_final(), i > 3);
    }
    let open: Vec<_> = store.open_releases().unwrap().into_iter().map(|release| release.record.id).collect();
    assert_eq!(open, ["r3", "r2", "r1", "r0"]);
}

#[test]
fn approvals_are_kept_once_and_in_order() {
    let (_folder, store) = samples::store();
    store.start_release(release("a")).unwrap();
    assert!(store.add_approval(&approval("a", "first")).unwrap());
    assert!(store.add_approval(&approval("a", "second")).unwrap());
    assert!(!store.add_approval(&approval("a", "first")).unwrap());
    assert_eq!(store.approvals("a").unwrap(), [approval("a", "first"), approval("a", "second")]);
    assert!(matches!(store.add_approval(&approval("b", "lost")).unwrap_err(), StoreError::UnknownRelease { .. }));
}

#[test]
fn an_environment_knows_what_runs_there_and_what_last_passed() {
    let (_folder, store) = samples::store();
    use DeploymentEvent::{Deployed, Failed, Verified};
    assert_eq!(store.environment_state("production").unwrap().newest, None);
    for (event, number) in [(Deployed, 1), (Verified, 1), (Deployed, 2), (Failed, 2)] {
        store.add_deployment(&deployment("production", event, number)).unwrap();
    }
    store.add_deployment(&deployment("staging", Deployed, 3)).unwrap();
    let state = store.environment_state("production").unwrap();
    assert_eq!(state.newest, Some(deployment("production", Failed, 2)));
    assert_eq!(state.verified, Some(deployment("production", Verified, 1)));
    assert_eq!(store.environments().unwrap(), ["production", "staging"]);
}

#[test]
fn what_was_removed_stands_no_more_and_stays_in_the_history() {
    let (_folder, store) = samples::store();
    use DeploymentEvent::{Deployed, Removed, Verified};
    for event in [Deployed, Verified, Removed] {
        store.add_deployment(&deployment("production", event, 1)).unwrap();
    }
    assert_eq!(store.environment_state("production").unwrap(), sprag_store::EnvironmentState::default());
    assert_eq!((store.standing("production").unwrap().len(), store.deployments("production").unwrap().len()), (0, 3));
    store.add_deployment(&deployment("production", Deployed, 2)).unwrap();
    let state = store.environment_state("production").unwrap();
    assert_eq!((state.newest, state.verified), (Some(deployment("production", Deployed, 2)), None));
}

#[test]
fn nobody_rewrites_what_was_approved_or_deployed() {
    let (_folder, store) = samples::store();
    store.start_release(release("a")).unwrap();
    store.add_approval(&approval("a", "first")).unwrap();
    store.add_deployment(&deployment("production", DeploymentEvent::Verified, 1)).unwrap();
    let other = Connection::open(store.root().join("store.db")).unwrap();
    let attempts = [
        ("DELETE FROM approvals", "never deleted"),
        ("UPDATE approvals SET approval = json_set(approval, '$.ballot.approver', 'eve')", "never changes"),
        (
            "REPLACE INTO approvals SELECT seq, release, json_set(approval, '$.ballot.approver', 'eve') FROM approvals",
            "never changes",
        ),
        ("DELETE FROM deployments", "never deleted"),
        ("UPDATE deployments SET entry = json_set(entry, '$.event', 'failed')", "never changes"),
        ("REPLACE INTO deployments SELECT seq, environment, entry FROM deployments", "never changes"),
        ("DELETE FROM releases", "never deleted"),
        ("UPDATE releases SET record = json_set(record, '$.outcome', 'released')", "one revision at a time"),
    ];
    for (sql, reason) in attempts {
        let error = other.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains(reason), "{sql}: {error}");
    }
}

#[test]
fn an_environment_is_worked_on_by_one_release() {
    let (_folder, store) = samples::store();
    let other = Store::open(store.root()).unwrap();
    let lock = store.try_lock_environment("production", "a").unwrap().unwrap();
    let busy = other.try_lock_environment("production", "b").unwrap().unwrap_err();
    assert_eq!(busy.holder.as_deref(), Some("a"));
    let _staging = other.try_lock_environment("staging", "b").unwrap().unwrap();
    let _release = other.try_lock_release("b").unwrap().unwrap();
    assert!(store.try_lock_release("b").unwrap().is_err());
    drop(lock);
    assert!(other.try_lock_environment("production", "b").unwrap().is_ok());
}

#[test]
fn a_store_of_the_first_version_gains_releases_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".sprag");
    std::fs::create_dir(&root).unwrap();
    let old = Connection::open(root.join("store.db")).unwrap();
    old.execute_batch(include_str!("../../src/schema.sql")).unwrap();
    old.pragma_update(None, "application_id", 0x7370_7267).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    let run = serde_json::to_string(&samples::run("20261122-154300-aaaa")).unwrap();
    old.execute("INSERT INTO runs (id, record) VALUES ('20261122-154300-aaaa', ?1)", [run]).unwrap();
    drop(old);
    let store = Store::open(&root).unwrap();
    assert_eq!(store.find_run("latest").unwrap(), samples::run("20261122-154300-aaaa"));
    store.start_release(release("a")).unwrap();
}
