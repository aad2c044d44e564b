use std::collections::BTreeMap;

use sprag_store::{AddVersion, NewVersion, Store, StoreError};

use crate::samples;

fn store_with_versions() -> (tempfile::TempDir, Store) {
    let (folder, store) = samples::store();
    for run in ["run-1", "run-2", "run-3"] {
        store.add_version(samples::version("diabetes", run, run.as_bytes())).unwrap();
    }
    store.register(samples::version("wine", "run-9", b"wine"), vec![samples::production()]).unwrap();
    store.set_alias(&samples::alias("diabetes", "production", 2, "better")).unwrap();
    store.set_alias(&samples::alias("diabetes", "staging", 3, "try it")).unwrap();
    (folder, store)
}

#[test]
fn versions_count_from_one_for_each_model() {
    let (_folder, store) = store_with_versions();
    let numbers = |name| -> Vec<u64> { store.versions(name).unwrap().iter().map(|v| v.version.version).collect() };
    assert_eq!(numbers("diabetes"), [1, 2, 3]);
    assert_eq!(numbers("wine"), [1]);
    assert_eq!(numbers("nothing"), [0; 0]);
    let version = store.version("diabetes", 2).unwrap().unwrap();
    let NewVersion { name, model, created_at, lineage, tags, metrics } = samples::version("diabetes", "run-2", b"run-2");
    assert_eq!((version.version.name, version.model, version.created_at), (name, model, created_at));
    assert_eq!((version.lineage, version.tags, version.metrics), (lineage, tags, metrics));
    for missing in [0, 4, u64::MAX] {
        assert_eq!(store.version("diabetes", missing).unwrap(), None);
    }
}

#[test]
fn a_run_registers_one_version_of_a_model() {
    let (_folder, store) = store_with_versions();
    let again = store.register(samples::version("diabetes", "run-2", b"other"), vec![samples::production()]).unwrap();
    assert_eq!(again, AddVersion::AlreadyRegistered(2));
    assert_eq!(store.alias_history("diabetes", "production").unwrap().len(), 1);
    assert_eq!(store.add_version(samples::version("wine", "run-2", b"x")).unwrap(), AddVersion::Added(2));
}

#[test]
fn a_version_and_its_alias_come_together() {
    let (_folder, store) = store_with_versions();
    let added = store.register(samples::version("diabetes", "run-4", b"x"), vec![samples::production()]).unwrap();
    assert_eq!(added, AddVersion::Added(4));
    let history = store.alias_history("diabetes", "production").unwrap();
    assert_eq!(history.iter().map(|entry| entry.version).collect::<Vec<_>>(), [4, 2]);
    assert_eq!(history[0].run_id.as_deref(), Some("run-4"));
    assert_eq!((history[0].by.as_str(), history[0].reason.as_str()), ("ada", "better"));
    let former = sprag_store::NewAlias { alias: "previous".to_owned(), version: Some(4), ..samples::production() };
    let aliases = vec![samples::production(), former.clone()];
    store.register(samples::version("diabetes", "run-5", b"x"), aliases).unwrap();
    assert_eq!(store.alias("diabetes", "production").unwrap(), Some(5));
    assert_eq!(store.alias("diabetes", "previous").unwrap(), Some(4));
    for version in [0, 7] {
        let beyond = sprag_store::NewAlias { version: Some(version), ..former.clone() };
        let error = store.register(samples::version("diabetes", "run-6", b"x"), vec![samples::production(), beyond]).unwrap_err();
        assert!(matches!(error, StoreError::UnknownVersion { .. }), "{error}");
        assert_eq!(store.alias("diabetes", "production").unwrap(), Some(5));
    }
    let bad = sprag_store::NewAlias { alias: "Prod".to_owned(), ..samples::production() };
    assert!(store.register(samples::version("diabetes", "run-6", b"x"), vec![bad]).is_err());
    assert_eq!(store.versions("diabetes").unwrap().len(), 5);
}

#[test]
fn models_are_listed_with_their_aliases() {
    let (_folder, store) = store_with_versions();
    let models = store.models().unwrap();
    assert_eq!(
        models.iter().map(|m| (m.name.as_str(), m.versions, m.latest)).collect::<Vec<_>>(),
        [("diabetes", 3, 3), ("wine", 1, 1)]
    );
    let aliases = BTreeMap::from([("production".to_owned(), 2), ("staging".to_owned(), 3)]);
    assert_eq!(models[0].aliases, aliases);
    assert_eq!(store.aliases_of("diabetes").unwrap(), aliases);
    assert!(store.aliases_of("nothing").unwrap().is_empty());
}

#[test]
fn an_alias_moves_and_remembers() {
    let (_folder, store) = store_with_versions();
    for (version, reason) in [(3, "better still"), (1, "roll back")] {
        store.set_alias(&samples::alias("diabetes", "production", version, reason)).unwrap();
    }
    assert_eq!(store.alias("diabetes", "production").unwrap(), Some(1));
    let history = store.alias_history("diabetes", "production").unwrap();
    let moves = history.iter().map(|entry| (entry.version, entry.reason.as_str())).collect::<Vec<_>>();
    assert_eq!(moves, [(1, "roll back"), (3, "better still"), (2, "better")]);
    assert_eq!(history[0], samples::alias("diabetes", "production", 1, "roll back"));
    assert_eq!(store.alias("diabetes", "shadow").unwrap(), None);
    assert!(store.alias_history("diabetes", "shadow").unwrap().is_empty());
}

#[test]
fn a_person_finds_a_version_by_number_alias_or_name() {
    let (_folder, store) = store_with_versions();
    for (text, number) in
        [("diabetes@1", 1), ("diabetes@production", 2), ("diabetes@staging", 3), ("diabetes", 3), ("diabetes@latest", 3)]
    {
        assert_eq!(store.find_version(text).unwrap().version.version, number, "{text}");
    }
    for (text, expected) in [
        ("diabets", "no model is called `diabets`; registered are `diabetes`, `wine`"),
        ("@1", "no model is called ``; registered are `diabetes`, `wine`"),
        ("diabetes@4", "the model `diabetes` has no version 4; it has versions 1 to 3"),
        ("wine@0", "the model `wine` has no version 0; it has version 1 only"),
        ("diabetes@prod", "the model `diabetes` has no alias `prod`; it has `production`, `staging`"),
        ("diabetes@", "the model `diabetes` has no alias ``; it has `production`, `staging`"),
    ] {
        let error = store.find_version(text).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(error.is_usage() && error.hint().is_some());
    }
    let (_folder, empty) = samples::store();
    assert_eq!(empty.find_version("x").unwrap_err().to_string(), "no model is called `x`");
}

#[test]
fn an_alias_points_only_at_what_exists() {
    let (_folder, store) = store_with_versions();
    for (name, version, expected) in [
        ("diabetes", 4, "the model `diabetes` has no version 4; it has versions 1 to 3"),
        ("diabetes", 0, "the model `diabetes` has no version 0; it has versions 1 to 3"),
        ("diabets", 1, "no model is called `diabets`; registered are `diabetes`, `wine`"),
    ] {
        let error = store.set_alias(&samples::alias(name, "production", version, "")).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(store.alias("diabetes", "production").unwrap(), Some(2));
}

#[test]
fn names_that_could_mean_something_else_are_refused() {
    let (_folder, store) = store_with_versions();
    for alias in ["", "3", "3a", "Production", "a_b", "-a", "a b", "latest", "é"] {
        let error = store.set_alias(&samples::alias("diabetes", alias, 1, "")).unwrap_err();
        assert!(matches!(error, StoreError::BadAlias { .. }), "{alias}: {error}");
    }
    for name in ["", "a@b", " a", "a ", "a\nb"] {
        let error = store.add_version(samples::version(name, "run", b"")).unwrap_err();
        assert!(matches!(error, StoreError::BadModelName { .. }), "{name}: {error}");
    }
    let mut new = samples::version("diabetes", "run-4", b"");
    new.metrics.insert("mse".to_owned(), f64::INFINITY);
    let error = store.add_version(new).unwrap_err();
    assert_eq!(error.to_string(), "the metric `mse` is `inf`: expected a finite number");
}

#[test]
fn the_registry_holds_against_other_programs_too() {
    let (_folder, store) = store_with_versions();
    let database = rusqlite::Connection::open(store.root().join("store.db")).unwrap();
    let record = r#"'{"name":"diabetes","version":VERSION,"lineage":{"run-id":"RUN"}}'"#;
    let record = |version: &str, run: &str| record.replace("VERSION", version).replace("RUN", run);
    let insert = "INTO versions (name, version, run_id, record) VALUES ('diabetes',";
    let log = "INTO alias_log (seq, name, alias, version, at, by, reason) VALUES";
    for (sql, expected) in [
        ("UPDATE versions SET record = record".to_owned(), "a registered version never changes"),
        ("DELETE FROM versions".to_owned(), "a registered version is never deleted"),
        (format!("INSERT OR REPLACE {insert} 2, 'run-7', {})", record("2", "run-7")), "takes the next number"),
        (format!("INSERT {insert} 9, 'run-7', {})", record("9", "run-7")), "takes the next number"),
        (format!("INSERT OR REPLACE {insert} 4, 'run-1', {})", record("4", "run-1")), "one version of a model"),
        (format!("INSERT {insert} 4, 'run-7', {})", record("5", "run-7")), "CHECK constraint failed"),
        ("UPDATE alias_log SET version = 1".to_owned(), "history of an alias never changes"),
        ("DELETE FROM alias_log".to_owned(), "history of an alias is never deleted"),
        (format!("INSERT OR REPLACE {log} (1, 'diabetes', 'production', 1, '', '', '')"), "history of an alias never changes"),
    ] {
        let error = database.execute(&sql, []).unwrap_err().to_string();
        assert!(error.contains(expected), "{sql}: {error}");
    }
    let good = format!("INSERT {insert} 4, 'run-7', {})", record("4", "run-7"));
    assert_eq!(database.execute(&good, []).unwrap(), 1);
}
