//! The pure core: what a project means, what a component may do, and what a stage's work depends on.
//!
//! Nothing here reads a file, a clock or the environment, and nothing knows tokio, wasmtime or clap. Functions take data and give
//! data or a list of problems; the edges do the reading and the printing.

pub mod approval;
pub mod audit;
pub mod cache_key;
pub mod canary;
pub mod component;
pub mod contract;
pub mod digest;
pub mod drift;
pub mod entries;
pub mod http_grant;
pub mod json;
pub mod limits;
pub mod lock;
pub mod model;
pub mod origin;
pub mod params;
pub mod plan;
pub mod policy;
pub mod portrait;
pub mod schedule;
pub mod shares;
