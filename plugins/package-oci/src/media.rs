//! The media types of OCI images and artefacts, and of what is in them.

/// A manifest of an image or artefact.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An index of manifests.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The configuration of an image.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// A layer of an image, not compressed.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// The configuration of an artefact that needs none.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The configuration of a WebAssembly artefact, by the guidance of the CNCF's working group on WebAssembly.
pub const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// A WebAssembly module or component.
pub const WASM: &str = "application/wasm";
/// A bill of materials in CycloneDX's JSON.
pub const BILL: &str = "application/vnd.cyclonedx+json";
