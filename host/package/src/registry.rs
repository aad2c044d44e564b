//! An OCI registry, as the distribution specification 1.1 has it: what a push and a pull need, and no more.
//!
//! Content goes from and to files, never whole through memory. A registry that has a blob already is not sent it again, so that a push that broke off
//! goes on where it was. Credentials are those of docker: `config.json` with its helpers.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md>

mod auth;
mod body;
mod client;
mod error;
mod patience;
mod pull;
mod push;
mod reference;
mod referrers;

pub use client::{Registry, Transport};
pub use error::RegistryError;
pub use patience::Patience;
pub use pull::Pulled;
pub use push::{Progress, Pushed, push};
pub use reference::{ParseReferenceError, Reference};
pub use referrers::push_artefact;
