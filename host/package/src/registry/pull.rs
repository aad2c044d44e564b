//! Pulling: a manifest or index with everything that it names, into the content store, each file held against its digest.

use std::collections::BTreeSet;

use reqwest::Method;
use sprag_core::digest::Digest;
use sprag_store::Store;

use super::{Registry, RegistryError};
use crate::layout::{self, Node, PackageError, parse};
use crate::oci::{self, Descriptor};

/// The most manifests and indexes of one pull: an index for every platform there is has some dozens.
const MANIFESTS: usize = 128;

/// The most bytes of all of them together. Who names a thing decides how much there is to read before anything is known of it.
const MANIFEST_BYTES: usize = 8 * layout::MOST;

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
        let blobs_of = |node: &Node| node.document.config.iter().chain(&node.document.layers).cloned().collect::<Vec<_>>();
        let (mut open, mut blobs, mut bytes) = (root.document.manifests.clone(), blobs_of(&root), root.bytes.len());
        let mut known = BTreeSet::from([root.descriptor.digest.clone()]);
        while let Some(descriptor) = open.pop() {
            // Two can name the same third one.
            if !known.insert(descriptor.digest.clone()) {
                continue;
            }
            if known.len() > MANIFESTS || bytes > MANIFEST_BYTES {
                let expected = format!("at most {MANIFESTS} manifests and {MANIFEST_BYTES} bytes of them in `{which}`");
                return Err(self.protocol(&expected, "more"));
            }
            let node = self.pull_manifest(store, &descriptor.digest, Some(&descriptor), &mut received).await?;
            bytes += node.bytes.len();
            blobs.extend(blobs_of(&node));
            open.extend(node.document.manifests);
        }
        for blob in &blobs {
            self.patiently(async || self.pull_blob(store, blob).await).await.map(|bytes| received += bytes)?;
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
            let answer = self.send(&action, Method::GET, url, |request, _| Ok(request.header("accept", &accept))).await?;
            let answer = self.checked(answer, &action).await?;
            self.whole(answer, &action, layout::MOST).await
        });
        let bytes = bytes.await?;
        let found = Digest::of(&bytes);
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(self.other(&expected.to_string(), &found));
        }
        let node = layout::node(bytes, &found.to_string(), named)?;
        store.put_bytes(&node.bytes).map_err(PackageError::from)?;
        *received += node.bytes.len() as u64;
        Ok(node)
    }

    /// Pulls a blob into the store, and says how many bytes came.
    async fn pull_blob(&self, store: &Store, blob: &Descriptor) -> Result<u64, RegistryError> {
        let expected = parse(&blob.digest)?;
        if store.contains(&expected) {
            return Ok(0);
        }
        let action = format!("pull {}", expected.short());
        let answer = self.get(&action, self.url(&format!("blobs/{expected}"))).await?;
        let mut answer = self.checked(answer, &action).await?;
        let mut writer = store.writer().map_err(PackageError::from)?;
        let mut hasher = sprag_core::digest::Hasher::new();
        while let Some(piece) = self.piece(&mut answer, &action).await? {
            if writer.len() + piece.len() as u64 > blob.size {
                return Err(self.protocol(&format!("{} bytes of {expected}", blob.size), "more"));
            }
            hasher.update(&piece);
            writer.append(&piece).map_err(PackageError::from)?;
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
