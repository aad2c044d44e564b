//! The server of a team.

pub mod token;
pub mod webhook;
