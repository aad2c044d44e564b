//! Components made from the contract's own text, with one word of it changed.

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::ManglingAndAbi;

use super::*;

/// A component of a world of `sprag:stage`, after each `(from, to)` was put into the text of the contract.
fn component(world: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let mut last = None;
    for package in &PACKAGES {
        let mut map = SourceMap::new();
        for (name, text) in package.files {
            let text = changes.iter().fold((*text).to_owned(), |text, (from, to)| text.replace(from, to));
            map.push_str(name, text);
        }
        let group = map.parse().map_err(|(_, error)| error).unwrap();
        last = Some(resolve.push_group(group).unwrap());
    }
    let world = resolve.select_world(&[last.unwrap()], Some(world)).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

fn check(world: &str, kind: Kind, changes: &[(&str, &str)], expected: &[&str]) {
    let found = mismatches(&component(world, changes), kind).unwrap();
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn the_contract_s_own_worlds_fit() {
    for kind in Kind::ALL {
        check(super::super::world(kind), kind, &[], &[]);
    }
}

#[test]
fn a_field_of_another_type_is_named() {
    check(
        "notifier",
        Kind::Notify,
        &[("params-schema: string", "params-schema: list<u8>")],
        &[
            "`sprag:stage/plugin@0.1.0`: function `describe`: result, field `params-schema` of `plugin-info`: expected `string`, found `list<u8>`",
        ],
    );
}

#[test]
fn a_case_that_is_missing_or_new_is_named() {
    check(
        "notifier",
        Kind::Notify,
        &[("    /// Something that may work when tried again.\n    retry(string),\n", "")],
        &[
            "`sprag:stage/notify@0.1.0`: function `run`: result, error, case `retry` of `failure`: expected `retry`, found `internal`",
        ],
    );
    check(
        "sanity-checker",
        Kind::SanityCheck,
        &[
            ("  record change {", "  enum unused { a }\n  record change {"),
            ("    internal(string),\n  }", "    internal(string),\n    late,\n  }"),
        ],
        &[
            "`sprag:stage/sanity-check@0.1.0`: function `run`: result, error, case `late` of `failure`: expected no more, found `late`",
        ],
    );
}

#[test]
fn a_parameter_of_another_type_or_name_is_named() {
    check(
        "notifier",
        Kind::Notify,
        &[("event-json: string) -> result<_, failure>", "event-json: list<string>) -> result<_, failure>")],
        &["`sprag:stage/notify@0.1.0`: function `run`: parameter `event-json`: expected `string`, found `list<string>`"],
    );
    check(
        "notifier",
        Kind::Notify,
        &[("event-json: string", "event: string")],
        &[
            "`sprag:stage/notify@0.1.0`: function `run`: expected `run: func(session: borrow<session>, event-json: string) -> result<_, failure>`, found `run: func(session: borrow<session>, event: string) -> result<_, failure>`",
        ],
    );
}

#[test]
fn a_function_that_is_missing_or_unknown_is_named() {
    check(
        "provisioner",
        Kind::Provision,
        &[("  plan: func(session: borrow<session>) -> result<list<change>, failure>;", "")],
        &[
            "`sprag:stage/provision@0.1.0`: function `plan`: expected `plan: func(session: borrow<session>) -> result<list<change>, failure>`, found no such function",
        ],
    );
    check(
        "approver",
        Kind::Approve,
        &[("    seed: func() -> u64;", "    seed: func() -> u64;\n    luck: func() -> u64;")],
        &[
            "`sprag:run/context@0.1.0`: function `session.luck`: expected one of `session.seed`, `session.params-json`, `session.input`, `session.log`, `session.measure`, `session.report`, `session.progress`, `session.should-stop`, found `session.luck: func(self: borrow<session>) -> u64`",
        ],
    );
}

#[test]
fn the_wrong_kind_lacks_the_interface() {
    check("notifier", Kind::Approve, &[], &["`sprag:stage/approve@0.1.0`: expected it among the exports, found none"]);
}

#[test]
fn what_is_no_component_is_said_to_be_so() {
    assert!(mismatches(b"\0asm\x0d\0\x01\0\x07", Kind::Train).is_err());
}
