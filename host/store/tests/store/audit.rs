use rusqlite::Connection;
use sprag_core::audit::{digest, verify};
use sprag_core::digest::Digest;
use sprag_schemas::server::{AuditEntry, Role, Token};
use sprag_store::{NewAuditEntry, Store};

use crate::samples::{self, AT};

fn entry(subject: &str) -> NewAuditEntry {
    NewAuditEntry {
        at: AT.to_owned(),
        by: "ada".to_owned(),
        action: "run.request".to_owned(),
        subject: subject.to_owned(),
        details: Default::default(),
    }
}

fn in_order(store: &Store) -> Vec<AuditEntry> {
    let mut entries = store.audit_log(1000, None).unwrap();
    entries.reverse();
    entries
}

#[test]
fn the_log_is_a_chain_whoever_writes_it() {
    let (_folder, store) = samples::store();
    let root = store.root().to_owned();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let root = root.clone();
            std::thread::spawn(move || {
                let store = Store::open(&root).unwrap();
                (0..10).for_each(|count| drop(store.audit(entry(&format!("{writer}-{count}"))).unwrap()));
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let entries = in_order(&store);
    let head = digest(entries.last().unwrap());
    assert_eq!(verify(&entries, Some(&head.to_string())).unwrap(), (40, head));
    let page: Vec<_> = store.audit_log(2, Some(5)).unwrap().into_iter().map(|entry| entry.sequence).collect();
    assert_eq!(page, [4, 3]);
}

#[test]
fn nobody_changes_the_log_by_sql_and_whoever_goes_round_that_is_found() {
    let (_folder, store) = samples::store();
    ["a", "b", "c"].into_iter().for_each(|subject| drop(store.audit(entry(subject)).unwrap()));
    let raw = Connection::open(store.root().join("store.db")).unwrap();
    for sql in [
        "UPDATE audit SET entry = json_set(entry, '$.by', 'eve')",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE sequence = 2",
    ] {
        assert!(raw.execute(sql, []).is_err(), "{sql}");
    }
    raw.execute_batch(
        "DROP TRIGGER audit_is_immutable; UPDATE audit SET entry = json_set(entry, '$.by', 'eve') WHERE sequence = 2",
    )
    .unwrap();
    let error = verify(&in_order(&store), None).unwrap_err().to_string();
    assert!(error.starts_with("the entry 3 names"), "{error}");
}

#[test]
fn a_token_is_found_by_its_hash_and_taken_back_once() {
    let (_folder, store) = samples::store();
    let (token, hash) = (
        Token {
            id: "t1".to_owned(),
            user: "ada".to_owned(),
            roles: vec![Role::Runner],
            created_at: AT.to_owned(),
            expires_at: None,
            revoked_at: None,
        },
        Digest::of(b"the secret"),
    );
    store.add_token(&token, &hash).unwrap();
    assert_eq!(store.token_of(&hash).unwrap().as_ref(), Some(&token));
    assert_eq!(store.token_of(&Digest::of(b"another")).unwrap(), None);
    assert!(store.revoke_token("t1", AT).unwrap());
    assert!(!store.revoke_token("t1", "2030-01-01T00:00:00Z").unwrap());
    assert_eq!(store.token_of(&hash).unwrap().unwrap().revoked_at.as_deref(), Some(AT));
    assert_eq!(store.revoke_token("t2", AT).unwrap_err().to_string(), "no token is called `t2`");
    let bytes = std::fs::read(store.root().join("store.db")).unwrap();
    assert!(!bytes.windows(10).any(|window| window == b"the secret"));
}
