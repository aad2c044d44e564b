//! What the tests need: a project, a store with versions, and a world to release into.

mod project;
mod world;

pub(crate) use project::{APPROVED, OPEN, Site, new_version};
pub(crate) use world::{Moment, World};

use sprag_core::approval::{SigningKey, sign};
use sprag_release::Pending;
use sprag_schemas::approval::{Approval, Verdict};

/// The key of this number.
pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32], "")
}

/// A signed word of Ada (1) or Grace (2) on what waits.
pub(crate) fn word(pending: &Pending, seed: u8, verdict: Verdict) -> Approval {
    let approver = if seed == 1 { "ada@example.com" } else { "grace@example.com" };
    let ballot = pending.ballot(verdict, approver, "looks right", &sprag_lifecycle::now()).unwrap();
    sign(&key(seed), ballot).unwrap()
}
