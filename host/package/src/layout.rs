//! What belongs to a package in the content store: everything that its root names, directly or through a manifest.

use std::collections::BTreeSet;

use sprag_core::digest::Digest;
use sprag_store::{Store, StoreError};

use crate::oci::{self, Descriptor, Document};

/// The most bytes of a manifest or an index: registries take no more.
pub(crate) const MOST: usize = 4 << 20;

/// Why a package cannot be read from the store.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The store has no such content, or it is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A text is not a digest.
    #[error("expected a digest such as `sha256:` and 64 hexadecimal digits, found `{found}`")]
    BadDigest {
        /// The text.
        found: String,
    },
    /// A file is not the OCI document that it should be.
    #[error("expected an OCI manifest or index as `{digest}`, found {found}")]
    BadDocument {
        /// The file's digest.
        digest: String,
        /// What it is instead.
        found: String,
    },
    /// A file has another size than the document that names it says.
    #[error("expected {expected} bytes as `{digest}`, found {found}")]
    BadSize {
        /// The file's digest.
        digest: String,
        /// The size that was said.
        expected: u64,
        /// The size that it has.
        found: u64,
    },
    /// The package has no image that serves.
    #[error("expected an image with a model in the package `{digest}`, found {found}")]
    NoImage {
        /// The package's digest.
        digest: String,
        /// What it has.
        found: String,
    },
    /// A file of the model's bundle is missing or not the one that its card names.
    #[error("the bundle in `{digest}`: {message}")]
    BadBundle {
        /// The digest of the layer or the package.
        digest: String,
        /// What was expected and what was found.
        message: String,
    },
}

/// A digest's text, parsed.
pub(crate) fn parse(text: &str) -> Result<Digest, PackageError> {
    text.parse().map_err(|_| PackageError::BadDigest { found: text.to_owned() })
}

/// A manifest or index with its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) descriptor: Descriptor,
    pub(crate) bytes: Vec<u8>,
    pub(crate) document: Document,
}

/// All files of a package, in the order in which a registry wants them: what is named before what names it.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Configurations and layers.
    pub(crate) blobs: Vec<Descriptor>,
    /// Manifests and indexes; the root is the last.
    pub(crate) manifests: Vec<Node>,
}

impl Files {
    /// The root.
    pub(crate) fn root(&self) -> &Node {
        self.manifests.last().expect("the root is read before anything else")
    }
}

/// Finds all files of the package with this root.
pub(crate) fn files(store: &Store, root: &str) -> Result<Files, PackageError> {
    let mut files = Files::default();
    collect(store, root, None, &mut BTreeSet::new(), &mut files)?;
    Ok(files)
}

fn collect(
    store: &Store,
    digest: &str,
    named: Option<&Descriptor>,
    seen: &mut BTreeSet<String>,
    files: &mut Files,
) -> Result<(), PackageError> {
    // A document cannot name itself: its digest would be in its own bytes. Two can name the same third one.
    if !seen.insert(digest.to_owned()) {
        return Ok(());
    }
    let node = read(store, digest, named)?;
    for descriptor in node.document.config.iter().chain(&node.document.layers) {
        if !seen.insert(descriptor.digest.clone()) {
            continue;
        }
        let found = store.open_blob(&parse(&descriptor.digest)?)?.metadata().map_or(0, |metadata| metadata.len());
        if found != descriptor.size {
            return Err(PackageError::BadSize { digest: descriptor.digest.clone(), expected: descriptor.size, found });
        }
        files.blobs.push(descriptor.clone());
    }
    for descriptor in node.document.manifests.iter().chain(&node.document.subject) {
        collect(store, &descriptor.digest, Some(descriptor), seen, files)?;
    }
    files.manifests.push(node);
    Ok(())
}

/// Reads one manifest or index.
pub(crate) fn read(store: &Store, digest: &str, named: Option<&Descriptor>) -> Result<Node, PackageError> {
    let parsed = parse(digest)?;
    // A document can name anything that is there, a model too.
    let length = store.open_blob(&parsed)?.metadata().map_or(0, |metadata| metadata.len());
    if length > MOST as u64 {
        return Err(too_long(digest, length));
    }
    node(store.read_blob(&parsed)?, digest, named)
}

/// Makes sense of the bytes of a manifest or index.
pub(crate) fn node(bytes: Vec<u8>, digest: &str, named: Option<&Descriptor>) -> Result<Node, PackageError> {
    let bad = |found: String| PackageError::BadDocument { digest: digest.to_owned(), found };
    if bytes.len() > MOST {
        return Err(too_long(digest, bytes.len() as u64));
    }
    let document: Document = serde_json::from_slice(&bytes).map_err(|error| bad(format!("another file ({error})")))?;
    let media_type = match (&document.media_type, named) {
        (Some(own), _) => own.clone(),
        (None, Some(named)) => named.media_type.clone(),
        (None, None) => return Err(bad("a document without a `mediaType`".to_owned())),
    };
    let descriptor = Descriptor {
        media_type,
        digest: digest.to_owned(),
        size: bytes.len() as u64,
        artifact_type: document.artifact_type.clone(),
        platform: None,
        annotations: std::collections::BTreeMap::new(),
    };
    if !descriptor.is_manifest() {
        return Err(bad(format!("a document of the type `{}`", descriptor.media_type)));
    }
    Ok(Node { descriptor, bytes, document })
}

fn too_long(digest: &str, length: u64) -> PackageError {
    let found = format!("{length} bytes, which is more than any registry takes");
    PackageError::BadDocument { digest: digest.to_owned(), found }
}

/// The manifest of the image that serves, and that of the WebAssembly artefact, among the files of a package.
pub(crate) fn image_and_component(files: &Files) -> (Option<&Node>, Option<&Node>) {
    let image = files
        .manifests
        .iter()
        .find(|node| node.document.config.as_ref().is_some_and(|config| config.media_type == oci::IMAGE_CONFIG));
    let component = files.manifests.iter().find(|node| node.document.layers.iter().any(|layer| layer.media_type == oci::WASM));
    (image, component)
}
