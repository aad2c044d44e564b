//! What the tests share: the compiled programs, storage in memory, and short ways to run a stage.

mod blobs;
mod call;
mod tables;

pub(crate) mod programs;

pub(crate) use blobs::MemoryBlobs;
pub(crate) use call::{Call, logs, model, model_of};
pub(crate) use programs::runtime;
pub(crate) use tables::{every_type, numbers};

/// Runs a future to its end, with the timers that a stage's limits need.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}
