//! Azure Resource Manager and Entra ID as a client sees them: resources with state, long-running operations, throttling and refusals, for tests.
//!
//! [`Azure`] is the whole of it without I/O: it answers one request at a time, by a clock that its user gives. [`Running`] puts it on a loopback port. It is true
//! to the published REST interface in what these tests depend on: the [resource provider
//! contract](https://github.com/cloud-and-ai-microsoft/resource-provider-contract), [asynchronous
//! operations](https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations), [throttling](https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling),
//! and for each kind of resource its own reference. Bodies are held against the published schemas where [`Schemas`] are given.
//!
//! An operation advances each time somebody looks at it, or at its resource, so that no test waits for a clock.

mod azure;
mod entra;
mod fault;
mod kinds;
mod message;
mod operation;
mod path;
mod schemas;
mod server;
mod write;

pub use azure::{Asked, Azure, Health, Settings};
pub use fault::{Fault, What};
pub use message::{Request, Response};
pub use schemas::Schemas;
pub use server::Running;
