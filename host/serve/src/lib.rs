//! The scoring service: a model behind HTTP, with limits, keys, TLS, figures and a log, swapped while it serves.
//!
//! What a request means and how an answer is written is in `sprag-scoring`; what a scorer may do is bounded by `sprag-runtime`. Here is what lies
//! between a socket and those two. Which model a name stands for is asked of a [`Catalog`]; nothing here opens a store or a project.
//!
//! A request is answered by a [`Variant`]: the champion, or a [`Challenger`] that takes a share of the requests, which is chosen in [`variants`] alone. What
//! challengers compute runs on threads of their own, and what they fail the champion answers. Whoever wants to see rows and predictions implements
//! [`Observer`].

mod body;
mod canary;
mod canary_state;
mod catalog;
mod challenger;
mod config;
mod connection;
mod contest;
mod convert;
mod difference;
pub mod drift;
mod entry;
mod error;
mod failure;
mod figures;
mod follow;
mod fuse;
mod handler;
mod identity;
mod keys;
mod lane;
mod log;
mod observer;
mod report;
mod rival;
mod scoring;
mod served;
mod server;
mod shadow;
mod stream;
pub mod variants;

pub use catalog::{Catalog, CatalogError, Release, ReleaseKey};
pub use challenger::{Challenger, ChallengerLimits, Part};
pub use config::{CanarySetup, Config, KeySource, Listen, Log, ServeLimits};
pub use error::ServeError;
pub use observer::{Observation, Observer};
pub use server::Server;
pub use sprag_tls::TlsFiles;
pub use variants::Variant;
