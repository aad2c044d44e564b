//! Pushing a package: what is named before what names it, so that nothing in the registry ever names what is not there.

use std::io::Cursor;

use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use sprag_schemas::package::Package;
use sprag_store::Store;

use super::body::Content;
use super::{Reference, Registry, RegistryError};
use crate::layout::{self, Node, parse};
use crate::oci::{self, Descriptor};

/// How far a push is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The files that are in the registry.
    pub done: usize,
    /// All files of the package.
    pub all: usize,
    /// The bytes that were sent so far.
    pub sent: u64,
}

/// What a push came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The package by its digest.
    pub reference: String,
    /// The package by its tag.
    pub tagged: String,
    /// The self-contained component by the tag of its own; none where the package has none.
    pub component: Option<String>,
    /// The files that were sent.
    pub sent: usize,
    /// The files that were there already.
    pub present: usize,
}

/// Pushes a package to the repository of `reference` under its tag, or under the version's number where it has none; the component gets the same tag with
/// `-wasm` at its end.
///
/// # Errors
///
/// See [`RegistryError`]; one that broke off half way says what had arrived.
pub async fn push(
    store: &Store,
    package: &Package,
    registry: &Registry,
    reference: &Reference,
    progress: impl Fn(Progress),
) -> Result<Pushed, RegistryError> {
    let files = layout::files(store, &package.digest)?;
    let all = files.blobs.len() + files.manifests.len();
    let mut state = Progress { done: 0, all, sent: 0 };
    let (mut sent, mut present) = (0, 0);
    let tag = reference.tag.clone().unwrap_or_else(|| package.version.version.to_string());
    let broke = |source: RegistryError, done| RegistryError::Push { source: Box::new(source), done, all };
    for blob in &files.blobs {
        let is_new =
            registry.patiently(async || registry.push_blob(store, blob).await).await.map_err(|error| broke(error, state.done))?;
        if is_new {
            sent += 1;
            state.sent += blob.size;
        } else {
            present += 1;
        }
        state.done += 1;
        progress(state);
    }
    for node in &files.manifests {
        registry.push_manifest_and_referrer(node).await.map_err(|error| broke(error, state.done))?;
        sent += 1;
        state.done += 1;
        state.sent += node.descriptor.size;
        progress(state);
    }
    // Tags come last: whoever pulls by tag finds either what was there before or all of this.
    let (_, component) = layout::image_and_component(&files);
    let wasm_tag = format!("{tag}-wasm");
    for (node, tag) in [(Some(files.root()), &tag), (component, &wasm_tag)] {
        let Some(node) = node else { continue };
        registry
            .patiently(async || registry.put_manifest(node, tag).await.map(drop))
            .await
            .map_err(|error| broke(error, state.done))?;
    }
    Ok(Pushed {
        reference: format!("{}@{}", reference.name(), package.digest),
        tagged: reference.tagged(&tag).to_string(),
        component: component.map(|_| reference.tagged(&wasm_tag).to_string()),
        sent,
        present,
    })
}

impl Registry {
    /// Pushes a blob, and says whether the registry did not have it.
    pub(super) async fn push_blob(&self, store: &Store, blob: &Descriptor) -> Result<bool, RegistryError> {
        let short = blob.digest.get(..19).unwrap_or(&blob.digest);
        let look = format!("look for {short}");
        let answer =
            self.send(&look, Method::HEAD, self.url(&format!("blobs/{}", blob.digest)), |request, _| Ok(request)).await?;
        match answer.status().as_u16() {
            200 => return Ok(false),
            404 => {}
            _ => {
                let refused = self.checked(answer, &look).await.err();
                return Err(refused.unwrap_or_else(|| self.protocol("200 or 404", "another success")));
            }
        }
        let action = format!("push {short}");
        let begun = self
            .send(&action, Method::POST, self.url("blobs/uploads/"), |request, _| Ok(request.header("content-length", "0")))
            .await?;
        let begun = self.checked(begun, &action).await?;
        let url = self.upload_url(&begun, &blob.digest)?;
        let digest = parse(&blob.digest)?;
        let sent = self.send(&action, Method::PUT, url, |request, pulse| {
            let file = store.open_blob(&digest).map_err(layout::PackageError::from)?;
            let request = request.header("content-type", "application/octet-stream").header("content-length", blob.size);
            Ok(request.body(Content::of(file, blob.size, pulse)))
        });
        self.checked(sent.await?, &action).await?;
        Ok(true)
    }

    /// Pushes a manifest under its digest; one that is about another one is entered as its referrer where the registry does not do that by itself.
    pub(super) async fn push_manifest_and_referrer(&self, node: &Node) -> Result<(), RegistryError> {
        let knows_referrers = self.patiently(async || self.put_manifest(node, &node.descriptor.digest).await).await?;
        match &node.document.subject {
            Some(subject) if !knows_referrers => self.patiently(async || self.enter_referrer(subject, node).await).await,
            _ => Ok(()),
        }
    }

    /// Puts a manifest under a digest or a tag, and says whether the registry told that it entered what the manifest is about.
    pub(super) async fn put_manifest(&self, node: &Node, which: &str) -> Result<bool, RegistryError> {
        let action = format!("push the manifest {which}");
        let answer = self.put(&action, which, &node.descriptor.media_type, node.bytes.clone()).await?;
        Ok(answer.headers().contains_key("oci-subject"))
    }

    async fn put(&self, action: &str, which: &str, media_type: &str, bytes: Vec<u8>) -> Result<reqwest::Response, RegistryError> {
        let bytes = Bytes::from(bytes);
        let answer = self.send(action, Method::PUT, self.url(&format!("manifests/{which}")), |request, pulse| {
            let length = bytes.len() as u64;
            let request = request.header("content-type", media_type).header("content-length", length);
            Ok(request.body(Content::of(Cursor::new(bytes.clone()), length, pulse)))
        });
        self.checked(answer.await?, action).await
    }

    /// Enters a manifest as a referrer of its subject by the specification's tag scheme for registries without an interface for referrers: an index under the
    /// tag `sha256-...`.
    async fn enter_referrer(&self, subject: &Descriptor, node: &Node) -> Result<(), RegistryError> {
        let tag = subject.digest.replace(':', "-");
        let action = "enter a referrer";
        let found = self
            .send(action, Method::GET, self.url(&format!("manifests/{tag}")), |request, _| {
                Ok(request.header("accept", oci::INDEX))
            })
            .await?;
        let mut manifests: Vec<Value> = match found.status().as_u16() {
            404 => vec![],
            _ => {
                let found = self.checked(found, action).await?;
                let bytes = self.whole(found, action, layout::MOST).await?;
                let index: Value =
                    serde_json::from_slice(&bytes).map_err(|error| self.protocol("an index of referrers", &error.to_string()))?;
                index["manifests"].as_array().cloned().unwrap_or_default()
            }
        };
        let Descriptor { media_type, digest, size, artifact_type, .. } = &node.descriptor;
        if manifests.iter().any(|manifest| manifest["digest"] == digest.as_str()) {
            return Ok(());
        }
        manifests.push(json!({ "mediaType": media_type, "digest": digest, "size": size, "artifactType": artifact_type }));
        let index = json!({ "schemaVersion": 2, "mediaType": oci::INDEX, "manifests": manifests });
        self.put(action, &tag, oci::INDEX, index.to_string().into_bytes()).await.map(drop)
    }
}
