//! What each stage is handed, by role: the part of its cache key that is not its component, its parameters or its grants.

use std::collections::BTreeMap;
use std::path::Path;

use sprag_core::cache_key::StageInputs;
use sprag_core::digest::Digest;
use sprag_core::plan::PlannedStage;
use sprag_schemas::manifest::{Kind, PythonTier};
use sprag_store::Store;

use crate::RunError;
use crate::data::DataDigests;

/// What is known of a run when a stage's key is made.
pub(crate) struct KeyContext<'a> {
    pub(crate) root: &'a Path,
    pub(crate) seed: u64,
    pub(crate) data: &'a DataDigests,
    /// The locks of the project's Python environments, by name.
    pub(crate) locks: &'a BTreeMap<String, Digest>,
    pub(crate) trainer: Option<Digest>,
    pub(crate) candidate: Option<Digest>,
    pub(crate) production: Option<Digest>,
}

/// The environment variables that a stage is granted, with their values.
pub(crate) fn env(stage: &PlannedStage) -> BTreeMap<String, Option<String>> {
    stage.grants.env.iter().map(|name| (name.clone(), std::env::var(name).ok())).collect()
}

/// The cache key of a stage, and for an evaluation the key of the same evaluation whatever is in production.
pub(crate) fn keys(
    context: &KeyContext<'_>,
    stage: &PlannedStage,
    store: Option<&Store>,
) -> Result<(Digest, Option<Digest>), RunError> {
    let mut handed = BTreeMap::new();
    let mut hand = |role: &str, digest: Option<Digest>| {
        if let Some(digest) = digest {
            handed.insert(role.to_owned(), digest);
        }
    };
    let parts = &context.data.parts;
    match stage.kind {
        Kind::SanityCheck => hand("data", Some(context.data.table)),
        Kind::UnitTest => hand("trainer", context.trainer),
        Kind::Train => {
            hand("training", Some(parts.training));
            hand("validation", parts.validation);
        }
        Kind::Evaluate => {
            hand("candidate", context.candidate);
            hand("holdout", Some(parts.holdout));
        }
        Kind::Register => hand("candidate", context.candidate),
        Kind::Package | Kind::Provision | Kind::Deploy | Kind::SmokeTest | Kind::Notify | Kind::Approve => {
            unreachable!("a run has none of the stages of a release")
        }
    }
    for (name, path) in &stage.inputs {
        let path = context.root.join(path);
        let remembered = store.map(|store| store.remembered_digest(&path)).transpose()?.flatten();
        let unreadable = |source: sprag_data::DataError| RunError::Input {
            stage: stage.name.clone(),
            input: name.clone(),
            source: Box::new(source),
        };
        let digest = remembered.map_or_else(|| sprag_data::file_digest(&path).map_err(unreadable), Ok)?;
        if let (Some(store), None) = (store, remembered) {
            store.remember_digest(&path, &digest)?;
        }
        hand(&format!("input:{name}"), Some(digest));
    }
    for (name, settings) in &stage.environments {
        let lock = context.locks.get(name).expect("the project was read with the locks of its environments");
        let platform = (std::env::consts::OS, std::env::consts::ARCH);
        let text = match settings.tier {
            PythonTier::Supervised => format!("{lock}\n{}\n{}\n{platform:?}\n", settings.version, settings.threads),
            // It is the same on every machine, and nothing of the lock is in it.
            PythonTier::Hermetic => sprag_python::hermetic::digest().to_string(),
        };
        hand(&format!("python:{name}"), Some(Digest::of(text.as_bytes())));
    }
    let env = env(stage);
    let mut inputs = StageInputs {
        kind: stage.kind,
        component: stage.component.digest,
        handed,
        params: &stage.params,
        env: &env,
        seed: context.seed,
    };
    if stage.kind != Kind::Evaluate {
        return Ok((inputs.key(), None));
    }
    inputs.handed.insert("production".to_owned(), Digest::of(b"whatever is in production"));
    let basis = inputs.key();
    match context.production {
        Some(digest) => inputs.handed.insert("production".to_owned(), digest),
        None => inputs.handed.remove("production"),
    };
    Ok((inputs.key(), Some(basis)))
}
