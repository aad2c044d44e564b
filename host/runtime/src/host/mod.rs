//! The functions that stages import, one file for each interface.

mod artifacts;
mod blobs;
mod context;
mod convert;
mod folders;
mod harness;
pub(crate) mod linalg;
mod mail;
mod models;
mod parts;
pub(crate) mod processes;
mod registry;
mod secrets;
mod services;
pub(crate) mod tables;
mod train;
mod types;

pub(crate) use convert::{column_bytes, column_from_wit, column_to_wit, field_from_wit};
