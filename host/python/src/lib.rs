//! Scripts in locked Python environments, for the stages that are granted them: what stands behind `sprag:run/processes`.
//!
//! [`locks`] reads the locks of a project, [`prepare`] makes the environments that a stage is granted, before the stage's own time begins, and [`Prepared`] runs what
//! the stage asks for in them. How a process is confined and watched is `sprag-confine`'s; what a stage may ask for was decided when the project was planned.

mod error;
mod files;
pub mod hermetic;
mod lock;
mod npy;
mod prepare;
mod record;
mod run;
mod sandbox;
mod table;

pub use error::PrepareError;
pub use lock::{LockFault, locks};
pub use prepare::{Machine, Prepared, prepare};
