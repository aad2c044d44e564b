//! The model of a package, or of the folder that an image has, as a service asks for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sprag_core::digest::Digest;
use sprag_lifecycle::with_causes;
use sprag_package::Bundle;
use sprag_runtime::blobs::ReaderHandle;
use sprag_runtime::{ModelSource, Runtime};
use sprag_schemas::package::bundle;
use sprag_serve::{Catalog, CatalogError, Release, ReleaseKey};

use crate::error::CommandError;

/// The one model of a bundle.
pub(super) struct BundleCatalog(Release);

impl BundleCatalog {
    /// Gets the model of a bundle ready, whose files were held against its card.
    ///
    /// # Errors
    /// The card names what is no digest or no column type, or the scorer cannot be compiled.
    pub(super) fn new(runtime: &Runtime, bundle: Bundle) -> Result<Self, CommandError> {
        let Bundle { card, scorer, state, profile: _ } = bundle;
        let digest =
            |text: &str| text.parse::<Digest>().map_err(|error| CommandError::user(format!("the model's card: {error}")));
        let loaded = runtime.load(digest(&card.scorer)?, &scorer);
        let scorer = loaded.map_err(|error| CommandError::user(with_causes(&error)))?;
        let expected = super::signature(&card.model()).map_err(|error| CommandError::user(error.to_string()))?;
        let key = ReleaseKey { name: card.name, version: card.version.to_string(), digest: card.digest.clone() };
        let source = ModelSource {
            scorer,
            state: ReaderHandle { bytes: Arc::new(state), media_type: card.media_type },
            digest: digest(&card.digest)?,
            version: Some(key.to_string()),
        };
        Ok(Self(Release { key, source, expected: Some(expected) }))
    }
}

impl Catalog for BundleCatalog {
    fn poll(&self, known: Option<&ReleaseKey>) -> Result<Option<Release>, CatalogError> {
        Ok((known != Some(&self.0.key)).then(|| self.0.clone()))
    }

    fn can_change(&self) -> bool {
        false
    }
}

/// Reads the files of a bundle in a folder.
///
/// # Errors
/// A file is missing, or is not the one that the card names.
pub(super) fn read(folder: &Path) -> Result<Bundle, CommandError> {
    let mut files = BTreeMap::new();
    for name in [bundle::CARD, bundle::SCORER, bundle::STATE, bundle::PROFILE] {
        let path = folder.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => _ = files.insert(name.to_owned(), bytes),
            // The profile may be missing; of the others the bundle itself says that they are.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(CommandError::io("read", &path, &error)),
        }
    }
    Bundle::of(files).map_err(|message| {
        CommandError::user(format!("the bundle in `{}`: {message}", folder.display()))
            .hint("`sprag package` makes one; an image that it makes has it under /model")
    })
}
