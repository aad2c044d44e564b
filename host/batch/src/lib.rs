//! Batch scoring: a file of any size through a model, and a file with its predictions out.
//!
//! The file is read a block of rows at a time; blocks are decoded, scored and encoded on as many threads as are given, and written in
//! their order, so that the output is the same whatever the number of threads. A row that cannot be scored goes to a file of its own, with
//! the reason, as long as there are not too many. Nothing stands under the output's name before all of it is on disk. A job that was killed
//! goes on where it was, and makes the same bytes.
//!
//! This crate decides none of it by a project file and prints nothing: who calls it names files and model, and hears of the progress.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod error;
mod files;
mod job;
mod journal;
mod pool;
mod resume;
mod score;
mod sink;
mod tolerance;
mod work;

pub use error::BatchError;
pub use job::{BatchJob, JobModel, Progress};
pub use score::{RuntimeScorers, Score, Scorers, Unscored};
pub use tolerance::{ParseToleranceError, Tolerance};
