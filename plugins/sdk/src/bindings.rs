//! What a plugin of any kind can import, bound once, so that all stage kinds share one `Session`, one `Table` and one `Failure`.
#![allow(unsafe_code, missing_docs, reason = "generated from the WIT packages, whose items are documented there")]
#![allow(clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]

wit_bindgen::generate!({
    path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage"],
    world: "sprag:stage/all-imports@0.1.0",
    generate_all,
    additional_derives: [PartialEq],
    // They own a handle, which equals nothing.
    additional_derives_ignore: ["solution", "factors", "spectrum"],
});
