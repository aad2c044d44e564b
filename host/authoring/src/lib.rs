//! What an author of a plugin needs beside an editor: a project to start from, and its build.
//!
//! The templates of every language and stage kind, the SDKs and the contract are baked in, so that a project can be started with no network and no copy of sprag's
//! sources; and a project needs nothing of sprag's but the files that it was given. How each language is built is written here once, for the command line and
//! whoever else builds.
//!
//! It deliberately judges no component: whether one keeps the contract is for `sprag-core` to say.

mod building;
mod error;
mod files;
mod javascript;
mod language;
mod layout;
mod lock;
mod project;
mod python;
mod rust;
mod sources;
mod tool;

pub use building::{BUILT, Built, build};
pub use error::AuthoringError;
pub use language::Language;
pub use project::{Started, start};
pub use sources::{Snapshot, snapshot};
pub use tool::Stop;
