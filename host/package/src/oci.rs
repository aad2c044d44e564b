//! The OCI documents, with the fields that are read here. What else a document has is kept as it is: documents travel as their bytes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A manifest of an image or artefact.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An index of manifests.
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The configuration of an image.
pub(crate) const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// A WebAssembly module or component.
pub(crate) const WASM: &str = "application/wasm";
/// The forms of a manifest that other tools still write.
pub(crate) const DOCKER: [&str; 2] =
    ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// Names one file by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Its media type.
    pub media_type: String,
    /// The digest of its bytes.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// For an artefact, what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// For a manifest in an index, what it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// Whether it describes a manifest or an index, which a registry keeps apart from blobs.
    pub(crate) fn is_manifest(&self) -> bool {
        [MANIFEST, INDEX].contains(&self.media_type.as_str()) || DOCKER.contains(&self.media_type.as_str())
    }
}

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The processor, as Go names it.
    pub architecture: String,
    /// The system.
    pub os: String,
}

/// A manifest or an index: which other files it names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Document {
    /// Its own media type.
    pub(crate) media_type: Option<String>,
    /// For an artefact, what it is.
    pub(crate) artifact_type: Option<String>,
    /// Of an index, the manifests.
    pub(crate) manifests: Vec<Descriptor>,
    /// Of a manifest, the configuration.
    pub(crate) config: Option<Descriptor>,
    /// Of a manifest, the layers.
    pub(crate) layers: Vec<Descriptor>,
    /// Of an artefact about another one, that one.
    pub(crate) subject: Option<Descriptor>,
}
