//! Packages made by the standard packager of a real scorer in a real store, read back in every way that there is.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod making;
mod registry;
mod stand_in;
mod support;
