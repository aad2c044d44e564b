//! What a platform team lets projects do: each thing that a stage asks for, held against every policy, with the rule that decided.
//!
//! Policies only take away: where several are in force, all of them must allow a thing, so a project's own policy loosens nobody else's.

mod ask;
mod decide;
mod file;
mod signature;
mod source;
#[cfg(test)]
mod tests;

pub use ask::Ask;
pub use decide::{Decision, Provenance, decide, problems, revoked};
pub use file::{PolicyError, PolicyFile};
pub use signature::{NAMESPACE, PluginStatement, SignatureError, sign_plugin, verify_plugin};
pub use source::Source;
