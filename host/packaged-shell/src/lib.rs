//! One part of a packaged model: it answers HTTP requests with the scorer that it is composed with.
//!
//! What an answer says is decided by the crate that the scoring service uses too, so that both give the same bytes. Here it is only carried between
//! `wasi:http` and the scorer. Keys, TLS, figures and a log are for what runs the component.
//!
//! Only the component has content: natively this crate is empty.

#[cfg(target_arch = "wasm32")]
mod answer;
#[cfg(target_arch = "wasm32")]
mod convert;
#[cfg(target_arch = "wasm32")]
mod http;
#[cfg(target_arch = "wasm32")]
mod identity;
#[cfg(target_arch = "wasm32")]
mod model;

#[cfg(target_arch = "wasm32")]
mod bindings {
    #![allow(
        unsafe_code,
        missing_docs,
        unreachable_pub,
        reason = "generated from WIT packages, whose items are documented there"
    )]
    #![allow(clippy::all, clippy::use_self, clippy::semicolon_if_nothing_returned, reason = "generated code")]

    wit_bindgen::generate!({
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "../packaged-imports/wit"],
        world: "sprag:packaged/shell@0.1.0",
        generate_all,
    });
}
