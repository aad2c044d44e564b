//! The registry as a stage sees it: what it asks for is collected, and only from a stage that succeeded.

use std::collections::BTreeMap;

use sprag_runtime::{RegisterEffects, RegistryView, StageFailure};

use crate::support::{Call, logs, model, programs};

fn view() -> RegistryView {
    RegistryView { newest: 2, aliases: BTreeMap::from([("production".to_owned(), 1)]), same: None }
}

#[test]
fn a_version_and_its_alias_are_collected() {
    let finished = Call::act(programs::registrar(), "register").register(view());
    let expected = RegisterEffects {
        version: Some(3),
        tags: BTreeMap::from([("area".to_owned(), "test".to_owned())]),
        aliases: vec![("production".to_owned(), 3, "it is better".to_owned())],
    };
    assert_eq!(finished.result, Ok(expected));
    let digest = model("double").digest;
    assert_eq!(logs(&finished.report), [&*format!("(\"{digest}\", None, Outcome::Promote)"), "Some(1)", "Some(3)"]);
}

#[test]
fn a_stage_that_lies_about_its_version_fails() {
    let lie = Call::act(programs::registrar(), "lie").register(view()).result;
    let message = "expected the version that was registered, 3, found 4";
    assert_eq!(lie, Err(StageFailure::Contract(message.to_owned())));
    let nothing = Call::act(programs::registrar(), "nothing").register(view()).result;
    let message = "expected the version that was registered, none, found 1";
    assert_eq!(nothing, Err(StageFailure::Contract(message.to_owned())));
}

#[test]
fn what_the_registry_refuses_changes_nothing() {
    let cases = [
        ("twice", vec!["Some(RegistryError::AlreadyRegistered(3))"]),
        ("missing-version", vec!["Some(RegistryError::NoSuchVersion(4))", "Some(RegistryError::NoSuchVersion(0))"]),
        ("bad-alias", vec!["Some(RegistryError::BadAlias(\"Pro duction\"))"]),
    ];
    for (act, expected) in cases {
        let finished = Call::act(programs::registrar(), act).register(view());
        assert_eq!(logs(&finished.report), expected);
        let effects = finished.result.unwrap();
        assert_eq!((effects.version, effects.aliases), (Some(3), vec![]), "{act}");
    }
}

#[test]
fn a_stage_that_fails_after_it_registered_leaves_nothing() {
    let finished = Call::act(programs::registrar(), "give-up").register(view());
    let message = "changed its mind".to_owned();
    assert_eq!(finished.result, Err(StageFailure::Plugin { kind: "fault in the plugin", message }));
}

#[test]
fn aliases_without_end_hit_the_memory() {
    let failure = Call::act(programs::registrar(), "alias-flood").register(view()).result.unwrap_err();
    assert_eq!(failure.to_string(), "passed its limit `memory` of 64MiB");
}
