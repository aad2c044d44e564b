//! Supervised processes: what runs, how it is confined and watched, and what came of it.

mod bubblewrap;
mod ceilings;
mod confinement;
mod error;
mod inner;
mod job;
#[cfg(target_os = "linux")]
mod landlock;
#[cfg(not(target_os = "linux"))]
#[path = "no_landlock.rs"]
mod landlock;
mod means;
mod mounts;
mod namespaces;
mod outcome;
mod outer;
mod outputs;
mod privileges;
mod run;
mod spec;
mod stop;
mod tail;
mod tree;
mod variables;
mod watch;
mod workspace;

pub use confinement::{Confinement, FileSystem, Network, Privileges, Processes};
pub use error::ProcessError;
pub use job::{Demand, Input, InputSource, Job, Limits, NetworkGrant, Program};
pub use means::{Means, Shim};
pub use outcome::{Ended, Event, Limit, Outcome, Stream};
pub use outputs::{Output, Refused};
pub use run::Supervisor;
pub use spec::exec_confined;
pub use tail::Tail;
