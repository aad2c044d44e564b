//! Approvals: what they are signed with, whose count, and when they do not.
//!
//! An approval is an SSH signature over the exact thing that is to be released, made with the Ed25519 key that an approver has anyway. Everything here is
//! decided from values: the file of approvers as text, the statement as it stands now, the approvals that were given, and the time as a text.

mod keys;
mod policy;
mod signers;
mod statement;
#[cfg(test)]
mod tests;

pub use keys::{KeyError, SigningKey, ballot_text, sign};
pub use policy::{Judgement, Policy, PolicyError, Refusal, Standing};
pub use signers::{Signer, Signers, SignersError};
pub use statement::{changes, statement_digest};
