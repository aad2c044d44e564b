//! Packages a version as an OCI artefact that holds the model as one self-contained component.

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sprag_sdk::parts::{self, Part};
use sprag_sdk::stage::package::{Packaged, Subject};
use sprag_sdk::{Failure, Packager, Session, read_all, write_artifact};

/// The media type of the component.
const WASM: &str = "application/wasm";
/// The media type of the manifest, which is the package's root.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The configuration of an artefact that needs none.
const EMPTY: (&str, &[u8]) = ("application/vnd.oci.empty.v1+json", b"{}");

/// The parameters. `params.schema.json` says the same to sprag.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Who made the model, as the package says it.
    vendor: Option<String>,
}

/// The plugin.
pub struct Package;

impl Packager for Package {
    type Params = Params;

    fn package(session: &Session, params: Params, subject: Subject) -> Result<Packaged, Failure> {
        let part = parts::open(Part::Component)?.ok_or_else(|| {
            Failure::unsupported("expected the component among the parts, found none")
        })?;
        let component = read_all(&part)?;
        let manifest = manifest(&subject, &params, &component);
        write_artifact("component.wasm", WASM, &component)?;
        write_artifact("config.json", EMPTY.0, EMPTY.1)?;
        write_artifact("manifest.json", MANIFEST, manifest.to_string().as_bytes())?;
        sprag_sdk::info!(session, "packaged {} bytes", component.len());
        let component = Some("component.wasm".to_owned());
        Ok(Packaged {
            root: "manifest.json".to_owned(),
            image: None,
            component,
        })
    }
}

/// The manifest. Each digest that it names is that of another artifact, and its only time is that of the registration,
/// so that the same version gives the same bytes.
fn manifest(subject: &Subject, params: &Params, component: &[u8]) -> Value {
    let mut annotations: serde_json::Map<_, _> = subject
        .labels
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    annotations.insert(
        "org.opencontainers.image.title".to_owned(),
        json!(subject.name),
    );
    annotations.insert(
        "org.opencontainers.image.version".to_owned(),
        json!(subject.version.to_string()),
    );
    annotations.insert(
        "org.opencontainers.image.created".to_owned(),
        json!(subject.created_at),
    );
    if let Some(vendor) = &params.vendor {
        annotations.insert("org.opencontainers.image.vendor".to_owned(), json!(vendor));
    }
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": WASM,
        "config": descriptor(EMPTY.0, EMPTY.1),
        "layers": [descriptor(WASM, component)],
        "annotations": annotations,
    })
}

/// What a manifest says of a file.
fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    let digest: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len() })
}

sprag_sdk::packager!(Package);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_what_is_in_the_package() {
        let subject = Subject {
            name: "diabetes".to_owned(),
            version: 3,
            digest: "sha256:1".to_owned(),
            created_at: "2026-11-24T10:00:00Z".to_owned(),
            labels: vec![("team".to_owned(), "risk".to_owned())],
        };
        let manifest = manifest(
            &subject,
            &Params {
                vendor: Some("us".to_owned()),
            },
            b"abc",
        );
        let of_abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            (
                &manifest["layers"][0]["digest"],
                &manifest["layers"][0]["size"]
            ),
            (&json!(of_abc), &json!(3))
        );
        let annotations = &manifest["annotations"];
        assert_eq!(annotations["org.opencontainers.image.version"], "3");
        assert_eq!(
            (
                &annotations["team"],
                &annotations["org.opencontainers.image.vendor"]
            ),
            (&json!("risk"), &json!("us"))
        );
    }
}
