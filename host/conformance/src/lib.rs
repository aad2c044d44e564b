//! The conformance kit: what a plugin of each kind must do, whatever its language, as cases that a finished component is held against.
//!
//! Each case is a folder with a `case.toml` and perhaps data. The kit has its own (`cases/`), which hold for every plugin of a kind, and an author adds more, which
//! hold for the one plugin: with its parameters, its data and the figures that it must give.
//!
//! Nothing is granted to the plugin under test: no network, no secret, no folder, no script. What it asks for beyond its handles is refused, and it must say so.

mod blobs;
mod case;
mod cases;
mod judge;
mod kit;
mod observed;
mod table;
mod trained;

pub use case::{Act, Case, CaseError, Expect};
pub use cases::{own_cases, standard_cases};
pub use judge::{CaseReport, Status};
pub use kit::{Kit, Subject, Trainer};
pub use observed::Outcome;
