//! The guest SDK: what a plugin author needs to write a lifecycle stage in Rust.
//!
//! A plugin is a crate of type `cdylib` with a type that implements one of the traits [`SanityCheck`], [`Trainer`], [`Evaluator`],
//! [`Registrar`], [`Packager`], [`Provisioner`], [`Deployer`], [`SmokeTest`], [`Notifier`] and [`Approver`] (or `UnitTest` of the crate `sprag-sdk-unit-test`), one call of the macro of the same kind, and a file `params.schema.json` beside its `Cargo.toml`. Built with
//! `cargo build --target wasm32-wasip2` it is a component that exports its stage and imports only what it uses.
//!
//! ```
//! use sprag_sdk::{Failure, SanityCheck, Session, Table, Verdict};
//!
//! #[derive(serde::Deserialize)]
//! #[serde(rename_all = "snake_case", deny_unknown_fields)]
//! struct Params {
//!     rows: u64,
//! }
//!
//! struct EnoughRows;
//!
//! impl SanityCheck for EnoughRows {
//!     type Params = Params;
//!
//!     fn check(session: &Session, params: Params, data: &Table) -> Result<Verdict, Failure> {
//!         sprag_sdk::info!(session, "{} rows", data.row_count());
//!         Ok(if data.row_count() >= params.rows { Verdict::Pass } else { Verdict::Fail })
//!     }
//! }
//!
//! // In a plugin's own crate, beside its `params.schema.json`: sprag_sdk::sanity_check!(EnoughRows);
//! ```
//!
//! The plugin's logic stays testable with plain `cargo test`: write it over [`Source`], which a host's [`Table`] and an in-memory [`Frame`] both are.
//! The SDK deliberately knows nothing of the host's crates, and a plugin depends on nothing else of sprag.

pub mod bindings;
mod blob;
mod column;
mod failure;
mod frame;
mod host;
pub mod http;
pub mod linalg;
mod matrix;
#[doc(hidden)]
pub mod plugin;
mod session;
mod source;
pub mod stage;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

/// The one version of `wit-bindgen` that the macros expand to: two in one component would clash.
pub use wit_bindgen;

pub use bindings::sprag::{
    data::tables::{Column, Cursor, DataError, Dtype, Field, Table, TextValues, Values},
    run::{
        artifacts,
        blobs::{BlobError, Reader, Writer},
        context::{Finding, Level, Measurement, Session, Severity},
        folders, mail, processes,
        secrets::{self, Secret, SecretError},
        services,
    },
    stage::{
        harness,
        models::Model,
        parts, registry,
        types::{Action, Change, Decision, Failure, Outcome, Verdict},
    },
};
pub use blob::{CHUNK, read_all, write_all, write_artifact};
pub use column::field;
pub use frame::Frame;
pub use host::Host;
pub use matrix::matrix_batches;
pub use plugin::Plugin;
pub use session::{Watch, measurement};
pub use source::{BATCH_ROWS, Batches, Source, batch_rows};
pub use stage::{
    approve::Approver,
    deploy::Deployer,
    evaluate::Evaluator,
    notify::Notifier,
    package::Packager,
    provision::Provisioner,
    register::Registrar,
    sanity_check::SanityCheck,
    smoke_test::SmokeTest,
    train::{Scorer, State, Trainer},
};
