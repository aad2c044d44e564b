//! The scoring service as its clients meet it: a real socket on one side, and on the other the test program whose scorer does whatever its state says.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod canaries;
mod challengers;
mod drain;
mod failures;
mod keys;
mod overload;
mod refusals;
mod routes;
mod slow;
mod support;
mod swap;
mod tls;
