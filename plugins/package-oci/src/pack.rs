//! The whole package: an index of the image, the component and the bill of materials.

use std::collections::BTreeMap;
use std::io;

use sprag_sdk::stage::package::{Packaged, Subject};

use crate::documents::Index;
use crate::files::{Files, Name, Parts, write_json};
use crate::params::Params;
use crate::{artefact, bill, image, media, missing};

/// Writes every file of the package.
///
/// # Errors
///
/// A part is missing or cannot be read, or a file cannot be written.
pub fn pack(subject: &Subject, params: &Params, parts: &dyn Parts, files: &dyn Files) -> io::Result<Packaged> {
    let annotations = annotations(subject, params);
    let (mut manifests, mut packaged) = (vec![], Packaged { root: "index.json".to_owned(), image: None, component: None });
    if params.image {
        manifests.push(image::image(subject, params, &annotations, parts, files)?);
        packaged.image = Some("image-manifest.json".to_owned());
    }
    if params.component {
        if parts.open(Name::Component)?.is_none() {
            return Err(missing("the component"));
        }
        manifests.push(artefact::artefact(subject, &annotations, parts, files)?);
        packaged.component = Some("component.wasm".to_owned());
    }
    let about = manifests.first().expect("the parameters ask for one of them").clone();
    manifests.push(bill::bill(subject, &about, &annotations, parts, files)?);
    let index = Index { schema_version: 2, media_type: media::INDEX, manifests: &manifests, annotations: &annotations };
    write_json(files, "index.json", media::INDEX, &index)?;
    Ok(packaged)
}

/// What everything in the package is annotated and labelled with.
fn annotations(subject: &Subject, params: &Params) -> BTreeMap<String, String> {
    let ours = [
        ("org.opencontainers.image.title", subject.name.clone()),
        ("org.opencontainers.image.version", subject.version.to_string()),
        ("org.opencontainers.image.created", subject.created_at.clone()),
        (
            "org.opencontainers.image.description",
            format!("Scores with version {} of the model {}", subject.version, subject.name),
        ),
        ("sprag.model.digest", subject.digest.clone()),
    ];
    let ours = ours.into_iter().map(|(name, value)| (name.to_owned(), value));
    // What the project says wins over what the host says, and that over what is said of every package.
    ours.chain(subject.labels.iter().cloned()).chain(params.labels.clone()).collect()
}
