//! The cache key of a stage: everything that its work depends on, and nothing else.
//!
//! A hermetic stage has no other input, so equal keys mean equal outputs, on any machine. Limits are not part of it: a stage that
//! succeeded under one limit would have made the same under another.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sprag_schemas::manifest::Kind;

use crate::digest::{Digest, Hasher};
use crate::json::canonical;

/// The version of what the host computes on a stage's behalf: reading, splitting, scoring, seeding. It is raised when any of them gives
/// another result for the same input, so that nothing made before is taken from the cache.
pub const HOST_SEMANTICS: u32 = 1;

/// Everything that a stage's work depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct StageInputs<'a> {
    /// The stage's kind.
    pub kind: Kind,
    /// The digest of its component.
    pub component: Digest,
    /// The digests of all that it is handed, by role: `data`, `training`, `candidate`, `input:profile` and so on.
    pub handed: BTreeMap<String, Digest>,
    /// Its parameters.
    pub params: &'a Map<String, Value>,
    /// The values of the environment variables that it is granted; none for a variable that is not set.
    pub env: &'a BTreeMap<String, Option<String>>,
    /// The seed of all chance.
    pub seed: u64,
}

impl StageInputs<'_> {
    /// The cache key.
    pub fn key(&self) -> Digest {
        let mut hasher = Hasher::new();
        hasher
            .field(b"sprag-stage/1")
            .field(&HOST_SEMANTICS.to_le_bytes())
            .field(self.kind.name().as_bytes())
            .field(self.component.as_bytes())
            .field(canonical(&Value::Object(self.params.clone())).as_bytes())
            .field(&self.seed.to_le_bytes());
        hasher.field(&(self.handed.len() as u64).to_le_bytes());
        for (role, digest) in &self.handed {
            hasher.field(role.as_bytes()).field(digest.as_bytes());
        }
        for (name, value) in self.env {
            hasher.field(name.as_bytes());
            match value {
                Some(value) => hasher.field(b"set").field(value.as_bytes()),
                None => hasher.field(b"unset"),
            };
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ingredient_changes_the_key() {
        let params = Map::from_iter([("alpha".to_owned(), Value::from(0.5))]);
        let other_params = Map::from_iter([("alpha".to_owned(), Value::from(0.4))]);
        let env = BTreeMap::from([("A".to_owned(), Some("1".to_owned()))]);
        let unset = BTreeMap::from([("A".to_owned(), None)]);
        let base = StageInputs {
            kind: Kind::Train,
            component: Digest::of(b"component"),
            handed: BTreeMap::from([("training".to_owned(), Digest::of(b"rows"))]),
            params: &params,
            env: &env,
            seed: 0,
        };
        let variants = [
            base.clone(),
            StageInputs { kind: Kind::Evaluate, ..base.clone() },
            StageInputs { component: Digest::of(b"other"), ..base.clone() },
            StageInputs { handed: BTreeMap::from([("training".to_owned(), Digest::of(b"other"))]), ..base.clone() },
            StageInputs { handed: BTreeMap::from([("data".to_owned(), Digest::of(b"rows"))]), ..base.clone() },
            StageInputs { params: &other_params, ..base.clone() },
            StageInputs { env: &unset, ..base.clone() },
            StageInputs { seed: 1, ..base.clone() },
        ];
        let keys: std::collections::BTreeSet<_> = variants.iter().map(StageInputs::key).collect();
        assert_eq!(keys.len(), variants.len());
        assert_eq!(base.key(), base.clone().key());
    }
}
