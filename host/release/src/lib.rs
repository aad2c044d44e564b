//! The gated release: a registered version is packaged once, tried in the first environment, approved, deployed to the next **with the very digest that was
//! tried**, and put back where it fails.
//!
//! Every step is recorded before and after, and each can be begun again, so that a release goes on after `kill -9` from whatever process and machine has the
//! store. A step whose inputs changed goes again; an approval whose statement changed is void.
//!
//! What the steps do outside is behind the trait [`Actor`]: the stages of the project do it in earnest, and tests do it as they like. It prints nothing: what
//! happens is told to an observer.

mod actor;
mod approvals;
mod cancel;
mod compare;
mod driver;
mod ended;
mod error;
mod examples;
mod forward;
mod gate;
mod history;
mod identity;
mod look;
mod policy;
mod preview;
mod remove;
mod share;
mod stages;
mod start;
mod statement;
mod steps;
mod turns;
mod undo;

pub use actor::Actor;
pub use approvals::{Pending, Waiting, pending};
pub use cancel::cancel;
pub use compare::{approve_with, event};
pub use driver::{Driver, Observer, Progress};
pub use ended::exit_code;
pub use error::ReleaseError;
pub use look::look;
pub use policy::load_policy;
pub use preview::{Preview, PreviewEnvironment, preview};
pub use remove::remove;
pub use stages::{PackagingError, Stages};
pub use start::{ReleaseRequest, RollbackRequest, environment_of, open_release, start_release, start_rollback};
pub use steps::route;
