//! What identifies a model.

use crate::digest::{Digest, Hasher};

/// The digest of a model: its scorer component and its state. Equal digests mean equal predictions.
pub fn model_digest(scorer: &Digest, state: &Digest) -> Digest {
    let mut hasher = Hasher::new();
    hasher.field(b"sprag-model/1").field(scorer.as_bytes()).field(state.as_bytes());
    hasher.finish()
}
