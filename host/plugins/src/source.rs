//! Finds the plugins that a project names by reference: vendored, in the cache, or else in the registry.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use sprag_core::digest::Digest;
use sprag_core::policy::Provenance;
use sprag_lifecycle::{Pin, PluginSource, SourcedPlugin, with_causes};
use sprag_package::registry::{Reference, Registry, Transport};

use crate::artefact::component_of;
use crate::{Cache, PluginError, fetch, vendor};

/// Where plugins of registries are found.
pub struct Plugins {
    folder: Option<PathBuf>,
    /// Whether pins are left out, since tags are to be resolved again: of which references.
    fresh: Box<dyn Fn(&str) -> bool>,
    cache: OnceCell<Cache>,
}

impl std::fmt::Debug for Plugins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugins").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Plugins {
    /// Plugins with a cache in a folder of the user's; none where the user has no such folder.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, fresh: Box::new(|_| false), cache: OnceCell::new() }
    }

    /// The same, resolving the references again of which it is told.
    #[must_use]
    pub fn resolving(self, fresh: impl Fn(&str) -> bool + 'static) -> Self {
        Self { fresh: Box::new(fresh), ..self }
    }

    /// The user's cache.
    ///
    /// # Errors
    /// There is no folder for it, or it cannot be opened.
    pub fn cache(&self) -> Result<&Cache, PluginError> {
        if self.cache.get().is_none() {
            let cache = Cache::open(self.folder.as_deref().ok_or(PluginError::NoCache)?)?;
            // Another call cannot have set it meanwhile: the cell is of one thread.
            let _ = self.cache.set(cache);
        }
        self.cache.get().ok_or(PluginError::NoCache)
    }

    fn pinned(&self, root: &Path, reference: &Reference, pin: &Pin) -> Result<SourcedPlugin, PluginError> {
        if let Some(vendor::Vendored { bytes, signatures }) = vendor::read(root, &pin.component)? {
            // A machine without a cache can have a vendor folder.
            let repository = self.cache().ok().and_then(|cache| repository(cache, reference, &pin.manifest, &pin.component));
            return Ok(SourcedPlugin { bytes, manifest: pin.manifest, provenance: Provenance { repository, signatures } });
        }
        let cache = self.cache()?;
        if let Some(bytes) = cache.read(&pin.component)? {
            return self.sourced(bytes, reference, pin.manifest, &pin.component);
        }
        let by_digest = Reference { digest: Some(pin.manifest), ..reference.clone() };
        let fetched = self.fetched(&by_digest)?;
        if fetched.1 != pin.component {
            return Err(PluginError::OtherComponent {
                reference: by_digest.to_string(),
                expected: pin.component.to_string(),
                found: fetched.1.to_string(),
            });
        }
        self.sourced(cache.store.read_blob(&pin.component)?, reference, pin.manifest, &pin.component)
    }

    fn resolved(&self, reference: &Reference, fresh: bool) -> Result<SourcedPlugin, PluginError> {
        let cache = self.cache()?;
        let known = reference.digest.filter(|manifest| !fresh && cache.is_from(&reference.name(), manifest));
        let (manifest, component) = match known {
            Some(manifest) => (manifest, component_of(&reference.to_string(), &cache.store.read_blob(&manifest)?)?),
            None => self.fetched(reference)?,
        };
        match cache.read(&component)? {
            Some(bytes) => self.sourced(bytes, reference, manifest, &component),
            None => {
                self.fetched(reference)?;
                self.sourced(cache.store.read_blob(&component)?, reference, manifest, &component)
            }
        }
    }

    fn sourced(
        &self,
        bytes: Vec<u8>,
        reference: &Reference,
        manifest: Digest,
        component: &Digest,
    ) -> Result<SourcedPlugin, PluginError> {
        let cache = self.cache()?;
        let repository = repository(cache, reference, &manifest, component);
        let signatures = cache.signatures(component)?;
        Ok(SourcedPlugin { bytes, manifest, provenance: Provenance { repository, signatures } })
    }

    /// Asks the registry, and gives the digests of manifest and component.
    fn fetched(&self, reference: &Reference) -> Result<(Digest, Digest), PluginError> {
        let registry = Registry::new(reference, Transport::for_host(&reference.host))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(PluginError::io("start", Path::new("a runtime")))?;
        let fetched = runtime.block_on(fetch(self.cache()?, &registry, reference))?;
        Ok((fetched.manifest, fetched.component))
    }
}

/// The repository that is known to have given a component: it gave the manifest, and the manifest names this component. A lockfile could claim either.
fn repository(cache: &Cache, reference: &Reference, manifest: &Digest, component: &Digest) -> Option<String> {
    let bytes = cache.is_from(&reference.name(), manifest).then(|| cache.store.read_blob(manifest).ok()).flatten()?;
    let named = component_of(&reference.to_string(), &bytes).ok()?;
    (named == *component).then(|| reference.name())
}

impl PluginSource for Plugins {
    fn find(&self, root: &Path, reference: &str, pin: Option<&Pin>) -> Result<SourcedPlugin, (String, Option<String>)> {
        let fresh = (self.fresh)(reference);
        let found = reference.parse::<Reference>().map_err(PluginError::from).and_then(|parsed| match pin.filter(|_| !fresh) {
            Some(pin) => self.pinned(root, &parsed, pin),
            None => self.resolved(&parsed, fresh),
        });
        found.map_err(|error| (with_causes(&error), error.hint()))
    }

    fn vendored(&self, root: &Path, component: &Digest) -> Result<Option<Vec<u8>>, (String, Option<String>)> {
        let found = vendor::read(root, component).map_err(|error| (with_causes(&error), error.hint()))?;
        Ok(found.map(|vendored| vendored.bytes))
    }
}
