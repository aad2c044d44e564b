//! A plugin from its registry into the cache, with its signatures.

use sprag_core::digest::Digest;
use sprag_package::registry::{Reference, Registry};

use crate::artefact::{SIGNATURE, component_of};
use crate::{Cache, PluginError};

/// The most signatures that are read of one plugin: who can push decides how many there are.
const SIGNATURES: usize = 64;

/// A plugin that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The digest of the manifest.
    pub manifest: Digest,
    /// The digest of the component.
    pub component: Digest,
    /// The signatures that the registry has of it.
    pub signatures: usize,
}

/// Fetches what a reference stands for, asking the registry.
///
/// # Errors
/// The registry does not have it, gives something else than it says, or what it has is no plugin.
pub async fn fetch(cache: &Cache, registry: &Registry, reference: &Reference) -> Result<Fetched, PluginError> {
    let pulled = registry.pull(&cache.store, &reference.which()).await?;
    let component = component_of(&reference.to_string(), &cache.store.read_blob(&pulled.digest)?)?;
    cache.came_from(&reference.name(), &pulled.digest)?;
    let mut signatures = vec![];
    for referrer in registry.referrers(&pulled.digest, SIGNATURE).await?.into_iter().take(SIGNATURES) {
        let pulled = registry.pull(&cache.store, &referrer.digest).await?;
        for layer in pulled.layers.iter().filter(|layer| layer.media_type == SIGNATURE) {
            let Ok(digest) = layer.digest.parse::<Digest>() else { continue };
            // What is no text is no signature, and what does not hold counts for nobody.
            signatures.extend(String::from_utf8(cache.store.read_blob(&digest)?).ok());
        }
    }
    cache.add_signatures(&component, &signatures)?;
    Ok(Fetched { manifest: pulled.digest, component, signatures: signatures.len() })
}
