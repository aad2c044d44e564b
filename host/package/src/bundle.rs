//! The model in a package, opened again: what `sprag serve --package` scores with is what the image holds.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use sprag_core::digest::Digest;
use sprag_core::model::model_digest;
use sprag_schemas::package::{ModelCard, bundle};
use sprag_store::Store;

use crate::layout::{self, PackageError};

/// The files of a model, each checked against the digest that the card names.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Which model it is.
    pub card: ModelCard,
    /// The component that scores.
    pub scorer: Vec<u8>,
    /// The model's state.
    pub state: Vec<u8>,
    /// The profile of the training data.
    pub profile: Option<Vec<u8>>,
}

/// The folder of the bundle in the image.
const FOLDER: &str = "model";

/// Opens the model in the package of this digest.
///
/// # Errors
///
/// The store has no such package, it has no image, or a file is not the one that its name or the card says.
pub fn open_bundle(store: &Store, digest: &str) -> Result<Bundle, PackageError> {
    let files = layout::files(store, digest)?;
    let (image, _) = layout::image_and_component(&files);
    let none = |found: &str| PackageError::NoImage { digest: digest.to_owned(), found: found.to_owned() };
    let layers = &image.ok_or_else(|| none("none"))?.document.layers;
    // The model lies in the last layer, above the program.
    let layer = layers.last().ok_or_else(|| none("one without layers"))?;
    let bad = |message: String| PackageError::BadBundle { digest: layer.digest.clone(), message };
    let mut file = store.open_blob(&layout::parse(&layer.digest)?)?;
    let mut hasher = sprag_core::digest::Hasher::new();
    let unreadable = |error: std::io::Error| bad(format!("failed to read the layer: {error}"));
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    let found = hasher.finish().to_string();
    if found != layer.digest {
        return Err(bad(format!("expected content of this digest, found `{found}`")));
    }
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(file).entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let name = entry.path().map_err(unreadable)?.strip_prefix(FOLDER).ok().and_then(|path| path.to_str()).map(str::to_owned);
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            let mut bytes = vec![];
            entry.read_to_end(&mut bytes).map_err(unreadable)?;
            found.insert(name, bytes);
        }
    }
    Bundle::of(found).map_err(bad)
}

impl Bundle {
    /// Makes a bundle of its files by name, each held against the card.
    ///
    /// # Errors
    ///
    /// A file is missing, the card cannot be read, or a file is not the one that the card names: says which.
    pub fn of(mut files: BTreeMap<String, Vec<u8>>) -> Result<Self, String> {
        let mut take = |name: &str| files.remove(name).ok_or_else(|| format!("expected the file `{name}`, found none"));
        let card = String::from_utf8(take(bundle::CARD)?)
            .map_err(|_| format!("expected text in `{}`, found other bytes", bundle::CARD))?;
        let card = ModelCard::parse(&card).map_err(|error| format!("`{}`: {error}", bundle::CARD))?;
        let check = |name: &str, bytes: Vec<u8>, expected: &str| {
            let found = Digest::of(&bytes);
            if found.to_string() == expected {
                Ok(bytes)
            } else {
                Err(format!("expected `{name}` with the digest `{expected}`, found `{found}`"))
            }
        };
        let scorer = check(bundle::SCORER, take(bundle::SCORER)?, &card.scorer)?;
        let state = check(bundle::STATE, take(bundle::STATE)?, &card.state)?;
        let found = model_digest(&Digest::of(&scorer), &Digest::of(&state)).to_string();
        if found != card.digest {
            return Err(format!("expected a model with the digest `{}`, found `{found}`", card.digest));
        }
        let profile = match &card.profile {
            Some(expected) => Some(check(bundle::PROFILE, take(bundle::PROFILE)?, expected)?),
            None => None,
        };
        Ok(Self { card, scorer, state, profile })
    }
}
