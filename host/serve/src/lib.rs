//! The scoring service: one model behind HTTP, with limits, keys, TLS, figures and a log, swapped while it serves.
//!
//! What a request means and how an answer is written is in `sprag-scoring`; what a scorer may do is bounded by `sprag-runtime`. Here is what lies
//! between a socket and those two. Which model a name stands for is asked of a [`Catalog`]; nothing here opens a store or a project.
//!
//! A request is answered by a [`Variant`]. There is one, the champion; whoever adds a second chooses between them in [`variants`] alone. Whoever wants to
//! see rows and predictions implements [`Observer`].

mod body;
mod catalog;
mod certificate;
mod config;
mod connection;
mod convert;
mod error;
mod failure;
mod figures;
mod follow;
mod handler;
mod identity;
mod keys;
mod log;
mod observer;
mod served;
mod server;
mod tls;
pub mod variants;

pub use catalog::{Catalog, CatalogError, Release, ReleaseKey};
pub use config::{Config, KeySource, Listen, Log, ServeLimits, TlsFiles};
pub use error::ServeError;
pub use observer::{Observation, Observer};
pub use server::Server;
pub use variants::Variant;
