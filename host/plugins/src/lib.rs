//! Plugins of OCI registries.
//!
//! [`publish`] makes an artefact of a component and pushes it, [`Plugins`] finds what a project names: in its `vendor` folder, in the user's cache, and only
//! then in the registry. [`vendor()`] writes what a project needs into it.
//!
//! What is read from any of these places is held against its digest. It deliberately judges no plugin: that is for policies, before anything is compiled.

mod artefact;
mod cache;
mod error;
mod fetch;
mod publish;
mod source;
mod vendor;

pub use artefact::SIGNATURE;
pub use cache::Cache;
pub use error::PluginError;
pub use fetch::{Fetched, fetch};
pub use publish::{Published, publish};
pub use source::Plugins;
pub use vendor::{FOLDER, vendor};
