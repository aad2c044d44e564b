//! A model that is loaded and warm: its protocol, its scorers, and the headers that name it.

use http::HeaderValue;
use sprag_core::digest::Digest;
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
    /// Two models of one shape can answer for each other: it is the digest over the names and types of the inputs and of the prediction.
    pub(crate) shape: Digest,
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
            && let Some(found) = difference(expected, pool.signature(), "record")
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
            shape: shape(pool.signature()),
            api: Api::new(ModelInfo { name, version, digest, inputs, outputs }),
            pool,
            key,
        })
    }
}

impl Served {
    /// The first column that keeps it from answering for the champion; none where nothing does.
    pub(crate) fn difference(&self, champion: &Self) -> Option<String> {
        if self.shape == champion.shape {
            return None;
        }
        let seen = |served: &Self| {
            let Signature { inputs, outputs } = served.pool.signature();
            Signature { inputs: inputs.clone(), outputs: outputs.first().cloned().into_iter().collect() }
        };
        difference(&seen(champion), &seen(self), "champion")
    }
}

fn shape(signature: &Signature) -> Digest {
    let seen: Vec<_> = signature.inputs.iter().chain(signature.outputs.first()).map(|field| (&field.name, field.dtype)).collect();
    Digest::of(format!("{seen:?}").as_bytes())
}

/// The first column in which two signatures differ by name or type; `whose` says whose columns are expected.
fn difference(expected: &Signature, found: &Signature, whose: &str) -> Option<String> {
    let told =
        |field: Option<&Field>| field.map_or_else(|| "none".to_owned(), |field| format!("`{}` of {:?}", field.name, field.dtype));
    let same = |a: Option<&Field>, b: Option<&Field>| a.map(|a| (&a.name, a.dtype)) == b.map(|b| (&b.name, b.dtype));
    for (which, expected, found) in [("input", &expected.inputs, &found.inputs), ("output", &expected.outputs, &found.outputs)] {
        for place in 0..expected.len().max(found.len()) {
            let (a, b) = (expected.get(place), found.get(place));
            if !same(a, b) {
                return Some(format!("{which} {place} is {} where the {whose} has {}", told(b), told(a)));
            }
        }
    }
    None
}
