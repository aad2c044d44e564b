//! The bill of materials: what is in the package, in CycloneDX 1.6, as an artefact that refers to what it is about.

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use serde_json::{Value, json};
use sprag_sdk::stage::package::Subject;

use crate::documents::{Descriptor, Manifest, Platform};
use crate::files::{Files, Name, Parts, digest, write, write_json};
use crate::media;

/// Writes the bill of what `about` describes and gives its manifest's descriptor.
///
/// # Errors
///
/// A part cannot be read, or a file cannot be written.
pub(crate) fn bill(
    subject: &Subject,
    about: &Descriptor,
    annotations: &BTreeMap<String, String>,
    parts: &dyn Parts,
    files: &dyn Files,
) -> io::Result<Descriptor> {
    let document = document(subject, about, parts)?;
    let bill = write_json(files, "bill.cdx.json", media::BILL, &document)?;
    let empty = write(files, "empty.json", media::EMPTY, |file| file.write_all(b"{}"))?;
    // A client that follows a referrer compares this with what it asked about: no platform belongs into it.
    let about = Descriptor { platform: None, ..about.clone() };
    let manifest = Manifest {
        schema_version: 2,
        media_type: media::MANIFEST,
        artifact_type: Some(media::BILL),
        config: &empty,
        layers: &[&bill],
        subject: Some(&about),
        annotations,
    };
    let manifest = write_json(files, "bill-manifest.json", media::MANIFEST, &manifest)?;
    // Of no platform, so that no engine takes it for the image.
    let platform = Some(Platform::new("unknown", "unknown"));
    Ok(Descriptor { platform, ..manifest })
}

fn document(subject: &Subject, about: &Descriptor, parts: &dyn Parts) -> io::Result<Value> {
    let version = subject.version.to_string();
    let mut components = vec![];
    for (name, part, kind) in
        [("scorer", Name::Scorer, "application"), ("state", Name::State, "machine-learning-model"), ("card", Name::Card, "data")]
    {
        if let Some(part) = parts.open(part)? {
            let digest = digest(part)?;
            components.push(json!({
                "type": kind, "bom-ref": name, "name": format!("{} {name}", subject.name), "version": version,
                "hashes": [{ "alg": "SHA-256", "content": hex(&digest) }],
            }));
        }
    }
    let mut dependencies = vec![];
    let mut direct: Vec<_> = components.iter().map(|component| component["bom-ref"].clone()).collect();
    if let Some(mut part) = parts.open(Name::ServerBill)? {
        let mut text = String::new();
        part.bytes.read_to_string(&mut text)?;
        let server: Value = serde_json::from_str(&text)?;
        let main = &server["metadata"]["component"];
        direct.push(main["bom-ref"].clone());
        components.push(main.clone());
        components.extend(server["components"].as_array().into_iter().flatten().cloned());
        dependencies.extend(server["dependencies"].as_array().into_iter().flatten().cloned());
    }
    dependencies.insert(0, json!({ "ref": "package", "dependsOn": direct }));
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": subject.created_at,
            "component": {
                "type": "container", "bom-ref": "package", "name": subject.name, "version": version,
                "hashes": [{ "alg": "SHA-256", "content": hex(&about.digest) }],
            },
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// A digest without its algorithm.
fn hex(digest: &str) -> &str {
    digest.trim_start_matches("sha256:")
}
