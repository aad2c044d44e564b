//! What the tests share: models of the test programs, a service around them, and clients that send what they are told, byte for byte.

#[path = "../../../../../tests/cli/context/http.rs"]
mod http;
mod models;
mod service;

pub(crate) use http::{Answer, Client};
pub(crate) use models::{Moving, fixed, runtime};
pub(crate) use service::{Running, is_over, start, try_start};

use std::time::{Duration, Instant};

/// No test waits for longer than this, whatever the machine is busy with.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < DEADLINE, "expected within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
