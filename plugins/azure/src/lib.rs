//! The part of Azure Resource Manager's REST interface that the Azure plugins share: idempotent `PUT`, long-running operations, throttling and errors, as the
//! [resource provider contract](https://github.com/cloud-and-ai-microsoft/resource-provider-contract) and
//! <https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations> describe them.
//!
//! It works over [`Client`](sprag_sdk::http::Client) and [`Host`], so that all of it runs natively in tests. It deliberately knows no resource provider: what
//! a container group or an endpoint looks like is for the plugin that makes one. Nothing of the caller's identity is here: a header carries the placeholder
//! of a secret, and the host gets and renews the token.

mod account;
mod arm;
mod compare;
mod error;
mod operation;
mod registry;
mod resource;
mod service;
mod variables;

pub use account::{Account, PUBLIC_ENDPOINT};
pub use arm::Arm;
pub use compare::differences;
pub use error::ArmError;
pub use operation::Progress;
pub use registry::{Login, Managed, Registry};
pub use resource::{Desired, Standing, summary};
pub use service::{Mark, identities};
pub use sprag_sdk::Host;
pub use variables::Variables;
