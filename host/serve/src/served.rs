//! A model that is loaded and warm: its protocol, its scorers, and the headers that name it.

use http::HeaderValue;
use sprag_data::Field;
use sprag_runtime::{Runtime, ScorerPool, ScorerSettings, Signature};
use sprag_scoring::{Api, ModelInfo};

use crate::catalog::{Release, ReleaseKey};
use crate::convert;
use crate::error::ServeError;

/// A model that is loaded and warm.
pub(crate) struct Served {
    pub(crate) key: ReleaseKey,
    pub(crate) api: Api,
    pub(crate) pool: ScorerPool,
    pub(crate) version_header: HeaderValue,
    pub(crate) digest_header: HeaderValue,
}

impl Served {
    /// Loads a release, and makes all scorers that will be used at once, so that no request pays for one.
    pub(crate) async fn load(
        runtime: &Runtime,
        release: &Release,
        settings: &ScorerSettings,
        most: usize,
    ) -> Result<Self, ServeError> {
        let key = release.key.clone();
        let failed = |failure| ServeError::Model { model: key.to_string(), failure };
        let pool = ScorerPool::load(runtime, &release.source, settings, most).await.map_err(failed)?;
        if let Some(expected) = &release.expected
            && let Some(found) = difference(expected, pool.signature())
        {
            return Err(ServeError::Signature { model: key.to_string(), found });
        }
        pool.fill().await.map_err(failed)?;
        let (inputs, outputs) = convert::fields(pool.signature());
        let ReleaseKey { name, version, digest } = key.clone();
        let header = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unprintable"));
        Ok(Self {
            version_header: header(&key.to_string()),
            digest_header: header(&key.digest),
            api: Api::new(ModelInfo { name, version, digest, inputs, outputs }),
            pool,
            key,
        })
    }
}

/// The first column in which two signatures differ by name or type.
fn difference(expected: &Signature, found: &Signature) -> Option<String> {
    let told =
        |field: Option<&Field>| field.map_or_else(|| "none".to_owned(), |field| format!("`{}` of {:?}", field.name, field.dtype));
    let same = |a: Option<&Field>, b: Option<&Field>| a.map(|a| (&a.name, a.dtype)) == b.map(|b| (&b.name, b.dtype));
    for (which, expected, found) in [("input", &expected.inputs, &found.inputs), ("output", &expected.outputs, &found.outputs)] {
        for place in 0..expected.len().max(found.len()) {
            let (a, b) = (expected.get(place), found.get(place));
            if !same(a, b) {
                return Some(format!("{which} {place} is {} where the record has {}", told(b), told(a)));
            }
        }
    }
    None
}
