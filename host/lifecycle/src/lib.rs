//! Takes a project through its stages: reads it, holds it against its lockfile, runs what is not in the cache, and records it all.
//!
//! This is where the pure core, the data, the store and the runtime meet. It prints nothing: what happens is told to an observer as
//! [`sprag_schemas::event::Event`]s, and every command line, server or notebook is one such observer.

mod baseline;
mod batches;
mod blobs;
mod call;
mod data;
mod drift;
mod error;
mod execute;
mod files;
mod folders;
mod keys;
mod lock;
mod models;
mod origin;
mod plugins;
mod policies;
mod preview;
mod project;
mod records;
mod register;
mod run;
mod tell;
mod time;

pub use baseline::{BaselineError, baseline, kept_baseline, training_rows};
pub use batches::batch;
pub use call::stage_call;
pub use data::{SourceError, split_of, table_of};
pub use drift::{DriftError, SeenBy, drift_of_file, drift_of_services};
pub use error::{RunError, with_causes};
pub use lock::{LockStatus, accept_lock, lock_status, read_lock, require_lock, write_lock};
pub use models::open_version;
pub use origin::origin;
pub use plugins::{Pin, PluginSource, SourcedPlugin, signatures_beside};
pub use policies::{policies, read_policies, refuse_revoked};
pub use preview::{StagePreview, preview};
pub use project::{BuiltIns, Component, Project, ProjectError, Surroundings, read_file, write_file};
pub use run::{Observer, Requested, RunOptions, exit_code, new_run_id, run};
pub use sprag_runtime::Cancel;
pub use tell::{Ended, Reach, tell};
pub use time::{after, new_id, now};
