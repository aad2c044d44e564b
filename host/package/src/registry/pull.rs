//! Pulling: a manifest or index with everything that it names, into the content store, each file held against its digest.

use reqwest::Method;
use sprag_core::digest::Digest;
use sprag_store::Store;

use super::client::checked;
use super::{Registry, RegistryError};
use crate::layout::{self, Node, PackageError, parse};
use crate::oci::{self, Descriptor};

/// What was pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The digest of the manifest or index.
    pub digest: Digest,
    /// The layers of the manifest, for an artefact of one file say; empty for an index.
    pub layers: Vec<Descriptor>,
    /// The bytes that came over the wire.
    pub received: u64,
}

impl Registry {
    /// Pulls what stands under a tag or a digest, with everything that it names. What the store has already is not sent again.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`]. What arrived until then stays in the store, unnamed.
    pub async fn pull(&self, store: &Store, which: &str) -> Result<Pulled, RegistryError> {
        let mut received = 0;
        let root = self.pull_manifest(store, which, None, &mut received).await?;
        let mut open = root.document.manifests.clone();
        let mut nodes = vec![root.clone()];
        while let Some(descriptor) = open.pop() {
            let node = self.pull_manifest(store, &descriptor.digest, Some(&descriptor), &mut received).await?;
            open.extend(node.document.manifests.iter().cloned());
            nodes.push(node);
        }
        for node in &nodes {
            for blob in node.document.config.iter().chain(&node.document.layers) {
                self.patiently(async || self.pull_blob(store, blob).await).await.map(|bytes| received += bytes)?;
            }
        }
        Ok(Pulled { digest: parse(&root.descriptor.digest)?, layers: root.document.layers, received })
    }

    async fn pull_manifest(
        &self,
        store: &Store,
        which: &str,
        named: Option<&Descriptor>,
        received: &mut u64,
    ) -> Result<Node, RegistryError> {
        let expected = which.parse::<Digest>().ok();
        if let Some(digest) = expected.filter(|digest| store.contains(digest)) {
            return Ok(layout::read(store, &digest.to_string(), named)?);
        }
        let action = format!("pull the manifest {which}");
        let accept = [oci::MANIFEST, oci::INDEX, oci::DOCKER[0], oci::DOCKER[1]].join(", ");
        let bytes = self.patiently(async || {
            let url = self.url(&format!("manifests/{which}"));
            let answer = self.send(&action, Method::GET, url, |request| Ok(request.header("accept", &accept))).await?;
            let answer = checked(answer, self.host(), &action).await?;
            answer.bytes().await.map_err(|source| self.connection(&action, source))
        });
        let bytes = bytes.await?;
        let found = Digest::of(&bytes);
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(self.other(&expected.to_string(), &found));
        }
        let node = layout::node(bytes.to_vec(), &found.to_string(), named)?;
        store.put_bytes(&bytes).map_err(PackageError::from)?;
        *received += bytes.len() as u64;
        Ok(node)
    }

    /// Pulls a blob into the store, and says how many bytes came.
    async fn pull_blob(&self, store: &Store, blob: &Descriptor) -> Result<u64, RegistryError> {
        let expected = parse(&blob.digest)?;
        if store.contains(&expected) {
            return Ok(0);
        }
        let action = format!("pull {}", expected.short());
        let answer = self.send(&action, Method::GET, self.url(&format!("blobs/{expected}")), Ok).await?;
        let mut answer = checked(answer, self.host(), &action).await?;
        let mut writer = store.writer().map_err(PackageError::from)?;
        let mut hasher = sprag_core::digest::Hasher::new();
        while let Some(chunk) = answer.chunk().await.map_err(|source| self.connection(&action, source))? {
            if writer.len() + chunk.len() as u64 > blob.size {
                return Err(self.protocol(&format!("{} bytes of {expected}", blob.size), "more"));
            }
            hasher.update(&chunk);
            writer.append(&chunk).map_err(PackageError::from)?;
        }
        let found = hasher.finish();
        // Dropped unfinished, a writer leaves nothing.
        if found != expected {
            return Err(self.other(&blob.digest, &found));
        }
        writer.finish().map_err(PackageError::from)?;
        Ok(blob.size)
    }

    fn other(&self, expected: &str, found: &Digest) -> RegistryError {
        RegistryError::OtherContent { host: self.host().to_owned(), expected: expected.to_owned(), found: found.to_string() }
    }
}
