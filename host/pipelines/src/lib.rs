//! Published pipelines: a project as it was at one moment, as an immutable bundle with a digest, a version and a way to run it again.
//!
//! [`publish`] enters the bundle of a project into its store, [`open`] unpacks one beside it, and what is opened there is a project like any other, over the data and the store of the first.
//! The same project gives the same bundle, on any machine: it holds no time, no path of a machine and no name of a person.

mod bundle;
mod error;
mod publish;
mod request;
mod unpack;

pub use bundle::{Bundled, bundle};
pub use error::PipelineError;
pub use publish::{Published, publish};
pub use request::{RESERVED, Recovered, Wish, check_key, execute, overrides, recover, request, take, trigger};
pub use unpack::{manifest, open, unpack};
