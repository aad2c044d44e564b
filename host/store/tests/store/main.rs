//! The store on real files: what it keeps, what it refuses, and what is left after the worst moments.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod again;
mod audit;
mod blobs;
mod cache;
mod files;
mod full;
mod killed;
mod lock;
mod opening;
mod pipelines;
mod registry;
mod releases;
mod runs;
mod samples;
mod together;
