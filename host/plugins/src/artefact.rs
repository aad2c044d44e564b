//! The OCI documents of a plugin and of its signature, by the CNCF's guidance for WebAssembly
//! (<https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/>), as `package-oci` writes them for packages.

use serde_json::{Value, json};
use sprag_core::component::Component;
use sprag_core::contract;
use sprag_core::digest::Digest;
use sprag_store::{Store, StoreError};

use crate::PluginError;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const WASM: &str = "application/wasm";
const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// The type of the artefact that carries a signature of a plugin, and of the signature in it.
pub const SIGNATURE: &str = "application/vnd.sprag.plugin.signature.v1";

/// A fixed time: the same component is the same artefact, whoever publishes it and when.
const CREATED: &str = "1970-01-01T00:00:00Z";

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len() })
}

/// Writes the documents of a plugin beside its component, and gives the manifest's digest with its descriptor.
pub(crate) fn plugin(store: &Store, component: &Component, bytes: &[u8]) -> Result<(Digest, Value), PluginError> {
    let kinds: Vec<_> = contract::kinds_of(component).iter().map(|kind| kind.name()).collect();
    let nameless = |found: &str| PluginError::NotAPlugin { found: found.to_owned() };
    let info = component.plugin.as_ref().ok_or_else(|| nameless("a component without one"))?;
    if kinds.is_empty() {
        return Err(nameless("a component that exports none of their interfaces"));
    }
    let config = json!({
        "created": CREATED,
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [component.digest.to_string()],
        "component": { "imports": component.imports, "exports": component.exports, "target": null },
    })
    .to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(WASM_CONFIG, config.as_bytes()),
        "layers": [descriptor(WASM, bytes)],
        "annotations": {
            "org.opencontainers.image.title": info.name,
            "org.opencontainers.image.version": info.version,
            "org.opencontainers.image.description": info.summary,
            "org.opencontainers.image.created": CREATED,
            "sprag.plugin.kinds": kinds.join(","),
            "sprag.wit.track": contract::TRACK,
        },
    })
    .to_string();
    put(store, &[bytes, config.as_bytes()])?;
    Ok((store.put_bytes(manifest.as_bytes())?, descriptor(MANIFEST, manifest.as_bytes())))
}

/// Writes the artefact of a signature of what a descriptor names.
pub(crate) fn signature(store: &Store, subject: &Value, signature: &str) -> Result<Digest, PluginError> {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": SIGNATURE,
        "config": descriptor(EMPTY, b"{}"),
        "layers": [descriptor(SIGNATURE, signature.as_bytes())],
        "subject": subject,
    })
    .to_string();
    put(store, &[b"{}", signature.as_bytes()])?;
    Ok(store.put_bytes(manifest.as_bytes())?)
}

fn put(store: &Store, all: &[&[u8]]) -> Result<(), StoreError> {
    all.iter().try_for_each(|bytes| store.put_bytes(bytes).map(drop))
}

/// The component that a plugin's manifest names.
pub(crate) fn component_of(reference: &str, manifest: &[u8]) -> Result<Digest, PluginError> {
    let wrong = |found: String| PluginError::NotAnArtefact { reference: reference.to_owned(), found };
    let manifest: Value = serde_json::from_slice(manifest).map_err(|error| wrong(format!("no manifest: {error}")))?;
    let layers = manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    match layers {
        [layer] if layer["mediaType"] == WASM => {
            let digest = layer["digest"].as_str().and_then(|text| text.parse().ok());
            digest.ok_or_else(|| wrong("a layer without a digest".to_owned()))
        }
        [] => Err(wrong(format!("a `{}` without a layer", manifest["mediaType"].as_str().unwrap_or("document")))),
        [layer] => Err(wrong(format!("a layer of the type `{}`", layer["mediaType"].as_str().unwrap_or_default()))),
        more => Err(wrong(format!("{} layers", more.len()))),
    }
}
