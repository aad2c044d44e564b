//! The adapter `deploy-kubernetes`, against the cluster in memory, with a clock that only its waits move.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod deploying;
mod faults;
mod support;
mod traffic;
