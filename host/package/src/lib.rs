//! Packages of registered versions.
//!
//! [`compose`] makes one self-contained component of a scorer and its state. What a packager plugin left in the content store is read here as what
//! it is, an OCI image index with everything that it names: [`export`] writes it as an OCI layout, [`registry`] pushes it and pulls it, and
//! [`open_bundle`] opens the model in it again.
//!
//! It deliberately runs no plugin and no engine, and makes no OCI document: that is for the packager plugin.

mod bill;
mod bundle;
mod compose;
mod embedded;
mod export;
mod guests;
mod layout;
mod make;
mod oci;
pub mod registry;
mod sealed;
mod server;

pub use bill::server_bill;
pub use bundle::{Bundle, open_bundle};
pub use compose::{ComposeError, compose};
pub use export::{ExportError, export, export_file};
pub use layout::PackageError;
pub use make::{MakeError, Making, make};
pub use oci::{Descriptor, Platform};
pub use server::{Server, ServerError};
