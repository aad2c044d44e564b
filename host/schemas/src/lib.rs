//! The formats that people and other programs read and write.
//!
//! Serde types and their text forms, and nothing else: no file is opened here, no decision is made. Whoever wants to read a sprag
//! project, lockfile, run record or event stream from Rust depends on this crate alone.
//!
//! ```
//! let manifest = sprag_schemas::manifest::Manifest::parse(r#"
//! [project]
//! name = "iris"
//! [data]
//! path = "iris.csv"
//! target = "species"
//! [stages.train]
//! plugin = "train-logistic"
//! "#).unwrap();
//! assert_eq!(manifest.model_name(), "iris");
//! ```

pub mod approval;
pub mod batch;
pub mod canary;
pub mod drift;
pub mod environments;
pub mod event;
pub mod exit_code;
pub mod lockfile;
pub mod manifest;
pub mod package;
pub mod pipeline;
pub mod policy;
pub mod quantity;
pub mod record;
pub mod release;
pub mod run_event;
pub mod secrets;
pub mod server;
pub mod triggers;
