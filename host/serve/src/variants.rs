//! The models that a service answers with at once, and which of them answers a request.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::catalog::ReleaseKey;
use crate::served::Served;

/// A place for a model, under a name that figures and log lines have. The model in it can be swapped at any moment: a request goes on with the one that it
/// began with.
pub struct Variant {
    name: &'static str,
    served: RwLock<Arc<Served>>,
    trouble: Mutex<Option<String>>,
}

impl Variant {
    pub(crate) fn new(name: &'static str, served: Served) -> Self {
        Self { name, served: RwLock::new(Arc::new(served)), trouble: Mutex::new(None) }
    }

    /// Its name, such as `champion`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The release that is in it.
    pub fn release(&self) -> ReleaseKey {
        self.served().key.clone()
    }

    /// Why the release that should be in it is not, where that is so.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn served(&self) -> Arc<Served> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another model into it, and gives the one that was there.
    pub(crate) fn swap(&self, served: Served) -> Arc<Served> {
        self.set_trouble(None);
        std::mem::replace(&mut self.served.write().unwrap_or_else(PoisonError::into_inner), Arc::new(served))
    }

    pub(crate) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// All variants of a service.
pub(crate) struct Variants {
    pub(crate) champion: Variant,
}

impl Variants {
    /// The variant that answers a request. Weights and the header that pins a version come in here.
    pub(crate) fn choose(&self, _headers: &http::HeaderMap) -> &Variant {
        &self.champion
    }
}
