//! What a repository has about a manifest: its referrers, and the manifest itself.

use reqwest::Method;
use serde::Deserialize;
use sprag_core::digest::Digest;
use sprag_store::Store;

use super::{Registry, RegistryError};
use crate::layout;
use crate::oci::{self, Descriptor};

/// An index, as far as it is read here.
#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

impl Registry {
    /// The bytes of the manifest under a tag or digest; none where there is none.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub async fn manifest(&self, which: &str) -> Result<Option<Vec<u8>>, RegistryError> {
        let action = format!("look for the manifest {which}");
        let accept = [oci::MANIFEST, oci::INDEX, oci::DOCKER[0], oci::DOCKER[1]].join(", ");
        let answer = self
            .send(&action, Method::GET, self.url(&format!("manifests/{which}")), |request, _| {
                Ok(request.header("accept", &accept))
            })
            .await?;
        if answer.status().as_u16() == 404 {
            return Ok(None);
        }
        let answer = self.checked(answer, &action).await?;
        self.whole(answer, &action, layout::MOST).await.map(Some)
    }

    /// The artefacts of a type that are about a manifest: from the registry's interface for referrers, or by the specification's tag scheme where it has none.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`].
    pub async fn referrers(&self, subject: &Digest, artifact_type: &str) -> Result<Vec<Descriptor>, RegistryError> {
        let action = "list referrers";
        let url = self.url(&format!("referrers/{subject}"));
        let answer = self.send(action, Method::GET, url, |request, _| Ok(request.header("accept", oci::INDEX))).await?;
        let bytes = match answer.status().as_u16() {
            404 => self.manifest(&subject.to_string().replace(':', "-")).await?,
            _ => {
                let answer = self.checked(answer, action).await?;
                Some(self.whole(answer, action, layout::MOST).await?)
            }
        };
        let Some(bytes) = bytes else { return Ok(vec![]) };
        let index: Index =
            serde_json::from_slice(&bytes).map_err(|error| self.protocol("an index of referrers", &error.to_string()))?;
        let of_type = |descriptor: &Descriptor| descriptor.artifact_type.as_deref() == Some(artifact_type);
        Ok(index.manifests.into_iter().filter(of_type).collect())
    }
}

/// Pushes one artefact of the store with everything that it names, and lets tags stand for it.
///
/// # Errors
///
/// See [`RegistryError`].
pub async fn push_artefact(store: &Store, registry: &Registry, root: &str, tags: &[&str]) -> Result<(), RegistryError> {
    let files = layout::files(store, root)?;
    for blob in &files.blobs {
        registry.patiently(async || registry.push_blob(store, blob).await).await?;
    }
    for node in &files.manifests {
        registry.push_manifest_and_referrer(node).await?;
    }
    for tag in tags {
        registry.patiently(async || registry.put_manifest(files.root(), tag).await.map(drop)).await?;
    }
    Ok(())
}
