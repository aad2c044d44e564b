//! What every test here needs: a project of its own, the program in clean surroundings, and what it said.

#[allow(dead_code, reason = "shared with the tests of `host/serve`, which use all of it")]
pub(crate) mod http;
mod outcome;
mod project;
mod receiver;
mod redact;
mod running;
mod secret;
mod service;
mod services;
mod sprag;
mod table;

pub(crate) use outcome::{Outcome, metric, ran, stage};
pub(crate) use project::{Project, root};
pub(crate) use receiver::Receiver;
pub(crate) use running::Running;
pub(crate) use secret::Hidden;
pub(crate) use service::Service;
pub(crate) use services::Serving;
pub(crate) use sprag::Sprag;
pub(crate) use table::Csv;
