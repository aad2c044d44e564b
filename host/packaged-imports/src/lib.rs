//! One part of a packaged model: it gives the scorer, with no host of sprag in sight, what its world lets it import.
//!
//! A scorer reads its state and nothing else: that is served from the bytes embedded in the package. The rest of a trainer's world is there because its
//! component names it; a scorer is handed no session, table or writer, so that nobody can call their functions.
//!
//! Only the component has content: natively this crate is empty.

#[cfg(target_arch = "wasm32")]
mod inert;
#[cfg(target_arch = "wasm32")]
mod state;

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
        path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage", "wit"],
        world: "sprag:packaged/imports@0.1.0",
        generate_all,
    });

    export!(Imports with_types_in self);

    /// The component.
    pub(crate) struct Imports;
}
