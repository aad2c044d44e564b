//! Real processes in every way that this machine can confine them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a test says what the machine does not let it try")]

mod cancel;
mod confined;
mod environment;
mod limits;
mod output;
mod support;
mod users;
