//! The documents of an OCI image and artefact, with the fields that are written here.
//!
//! From the OCI image format specification 1.1, and for WebAssembly from the CNCF's guidance on artefacts. All maps are ordered and all texts come from what
//! is packaged, so that the same package is the same bytes.

use std::collections::BTreeMap;

use serde::Serialize;

/// Names one file by its digest.
///
/// It says nothing of what an artefact is, though the specification lets it: its manifest does, and clients older than version 1.1 would lose it when they copy an index, and with it
/// the index's digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Its media type.
    pub media_type: String,
    /// The digest of its bytes.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// For a manifest in an index, what it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Platform {
    /// The processor, as Go names it.
    pub architecture: String,
    /// The system.
    pub os: String,
}

impl Platform {
    /// A platform by its two names.
    pub fn new(architecture: &str, os: &str) -> Self {
        Self { architecture: architecture.to_owned(), os: os.to_owned() }
    }
}

/// The manifest of an image or artefact.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest<'a> {
    /// Always 2.
    pub schema_version: u32,
    /// Its own media type.
    pub media_type: &'a str,
    /// For an artefact, what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<&'a str>,
    /// The configuration.
    pub config: &'a Descriptor,
    /// The layers, from the lowest.
    pub layers: &'a [&'a Descriptor],
    /// For an artefact about another one, that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a Descriptor>,
    /// Annotations.
    pub annotations: &'a BTreeMap<String, String>,
}

/// The index that a package is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Index<'a> {
    /// Always 2.
    pub schema_version: u32,
    /// Its own media type.
    pub media_type: &'a str,
    /// The manifests.
    pub manifests: &'a [Descriptor],
    /// Annotations.
    pub annotations: &'a BTreeMap<String, String>,
}

/// The configuration of an image.
#[derive(Debug, Serialize)]
pub struct ImageConfig<'a> {
    /// When it was made (RFC 3339).
    pub created: &'a str,
    /// The processor, as Go names it.
    pub architecture: &'a str,
    /// The system.
    pub os: &'a str,
    /// How it runs.
    pub config: Execution<'a>,
    /// The layers.
    pub rootfs: Rootfs<'a>,
    /// How each layer came about.
    pub history: Vec<History<'a>>,
}

/// How an image runs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Execution<'a> {
    /// The user and group.
    pub user: &'a str,
    /// The ports on which it listens, such as `8080/tcp`.
    pub exposed_ports: BTreeMap<String, Nothing>,
    /// The program and its arguments.
    pub entrypoint: &'a [String],
    /// The folder in which it starts.
    pub working_dir: &'a str,
    /// Labels.
    pub labels: &'a BTreeMap<String, String>,
    /// The signal by which it ends its work and stops.
    pub stop_signal: &'a str,
}

/// An empty object.
#[derive(Debug, Serialize)]
pub struct Nothing {}

/// The layers of an image, from the lowest.
#[derive(Debug, Serialize)]
pub struct Rootfs<'a> {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// The digest of each layer's archive, not compressed.
    pub diff_ids: Vec<&'a str>,
}

/// How a layer came about.
#[derive(Debug, Serialize)]
pub struct History<'a> {
    /// When (RFC 3339).
    pub created: &'a str,
    /// By what, for people.
    pub created_by: &'a str,
}

/// The configuration of a WebAssembly artefact.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WasmConfig<'a> {
    /// When it was made (RFC 3339).
    pub created: &'a str,
    /// Always `wasm`.
    pub architecture: &'a str,
    /// The interfaces that it expects: `wasip2`.
    pub os: &'a str,
    /// The digest of each layer.
    pub layer_digests: [&'a str; 1],
    /// What it imports and exports.
    pub component: WasmInterfaces,
}

/// What a component imports and exports, in its own order.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct WasmInterfaces {
    /// Its exports.
    pub exports: Vec<String>,
    /// Its imports.
    pub imports: Vec<String>,
}
