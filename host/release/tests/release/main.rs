//! Releases with a world that the tests make up: every way in which one can end, and from every point at which it can be killed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "a test that is left out says so")]

mod approvals;
mod compared;
mod forward;
mod gates;
mod interrupted;
mod overtaken;
mod rejected;
mod removed;
mod rollback;
mod share;
mod ssh_keygen;
mod support;
mod together;
