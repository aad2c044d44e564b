//! Sends real requests to real servers of this machine, through the public interface.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod azure;
mod cluster;
mod grants;
mod guest;
mod mail;
mod names;
mod secrets;
mod sizes;
mod support;
