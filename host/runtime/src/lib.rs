//! Runs stages. This is the one crate that knows wasmtime.
//!
//! A stage runs in a store of its own, made for one attempt and thrown away. Its linker offers what the world of its kind has, and
//! nothing else. The caller hands in tables, models and byte streams, and gets back what the stage reported, with its result or the
//! reason why there is none. Nothing here opens a file of the project, reads the environment or knows the store on disk: bytes come
//! and go through the traits of [`blobs`].

mod bindings;
pub mod blobs;
mod budget;
mod call;
mod clock;
mod code_cache;
mod engine;
mod failure;
mod host;
mod http;
mod inert_wasi;
pub mod interpreter;
mod linker;
mod model;
pub mod outside;
pub mod process;
mod registry;
mod scorer;
mod scorer_columns;
mod service;
mod service_pool;
mod session;
mod stages;
mod state;

pub use call::{Cancel, Finished, Observer, Signal, StageCall};
pub use engine::{LoadError, Loaded, Runtime};
pub use failure::{LimitHit, StageFailure};
pub use model::ModelSource;
pub use outside::Pending;
pub use registry::{RegisterEffects, RegistryView};
pub use scorer::{Scorer, Signature};
pub use service::{ScorerFactory, ScorerSettings};
pub use service_pool::{Scored, ScorerPool, ScoringFailure};
pub use stages::{
    Action, Change, CheckParams, DeployRelease, DeployService, DeployState, DeployTask, Deployed, Endpoint, PackageSubject,
    Packaged, Part, Parts, Phase, ProvisionTask, Ruling, Trained, TrainerUnderTest, Verdict, Weight,
};
