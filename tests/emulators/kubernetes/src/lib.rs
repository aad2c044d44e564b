//! A stateful stand-in for a Kubernetes API server and its controllers, true to the published API as far as deploying a service needs it: namespaces,
//! Deployments with their replica sets and pods, Services, autoscalers, routes of the Gateway API, Secrets and events; server-side apply with field managers
//! and conflicts, patches, dry runs, resource versions, selectors, pages, watches with bookmarks, `Status` objects, tokens, TLS.
//!
//! Time passes when it is told to, and so does what controllers do: a test decides what becomes of pods. It deliberately has no scheduler, network or
//! container: a pod is ready because a test says so.

mod ask;
mod certificate;
mod clock;
mod cluster;
mod controllers;
mod discovery;
mod fields;
mod managed;
mod reach;
mod resource;
mod rules;
mod select;
mod server;
mod state;
mod status;
mod write;

pub use ask::Request;
pub use cluster::{Answer, Cluster, Outcome, Watch};
pub use server::{Options, Server};
pub use state::{Fate, Fault};
