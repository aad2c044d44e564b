//! Models whose scorer does what its state says: see `tests/programs/trainer`.

use std::sync::{Arc, LazyLock, Mutex};

use sprag_core::digest::Digest;
use sprag_core::model::model_digest;
use sprag_runtime::blobs::ReaderHandle;
use sprag_runtime::{Loaded, ModelSource, Runtime};
use sprag_serve::{Catalog, CatalogError, Release, ReleaseKey};

/// The one engine of all tests, with the program in it.
static ENGINE: LazyLock<(Runtime, Loaded)> = LazyLock::new(|| {
    let runtime = Runtime::new(None).unwrap();
    let binary = std::fs::read(sprag_test_programs::TRAINER).unwrap();
    let loaded = runtime.load(Digest::of(&binary), &binary).unwrap();
    (runtime, loaded)
});

pub(crate) fn runtime() -> Runtime {
    ENGINE.0.clone()
}

fn release(version: u64, act: &str) -> Release {
    let (state, scorer) = (act.as_bytes().to_vec(), ENGINE.1.clone());
    let digest = model_digest(&scorer.digest, &Digest::of(&state));
    let state = ReaderHandle { bytes: Arc::new(state), media_type: "text/plain".to_owned() };
    let key = ReleaseKey { name: "double".to_owned(), version: version.to_string(), digest: digest.to_string() };
    Release { source: ModelSource { scorer, state, digest, version: Some(key.to_string()) }, key, expected: None }
}

/// A model that an alias points at, which a test moves.
pub(crate) struct Moving(Mutex<Result<(u64, String), String>>);

impl Moving {
    pub(crate) fn at(version: u64, act: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Ok((version, act.to_owned())))))
    }

    pub(crate) fn move_to(&self, version: u64, act: &str) {
        *self.0.lock().unwrap() = Ok((version, act.to_owned()));
    }

    pub(crate) fn lose(&self, why: &str) {
        *self.0.lock().unwrap() = Err(why.to_owned());
    }
}

impl Catalog for Moving {
    fn poll(&self, known: Option<&ReleaseKey>) -> Result<Option<Release>, CatalogError> {
        let (version, act) = self.0.lock().unwrap().clone().map_err(CatalogError)?;
        Ok((known.is_none_or(|known| known.version != version.to_string())).then(|| release(version, &act)))
    }

    fn can_change(&self) -> bool {
        true
    }
}

struct Fixed(Release);

impl Catalog for Fixed {
    fn poll(&self, known: Option<&ReleaseKey>) -> Result<Option<Release>, CatalogError> {
        Ok(known.is_none().then(|| self.0.clone()))
    }

    fn can_change(&self) -> bool {
        false
    }
}

/// Version 1 of a model, for good.
pub(crate) fn fixed(act: &str) -> Arc<dyn Catalog> {
    Arc::new(Fixed(release(1, act)))
}
