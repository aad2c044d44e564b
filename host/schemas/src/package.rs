//! What a packaged model says of itself, and what packaging a version leaves behind.
//!
//! New fields are optional for readers; none changes its meaning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{Artifact, ModelField, ModelRecord, ModelVersion, VersionRef};

/// The names of the files of a model bundle: what an image has under `/model`, and what `sprag serve --bundle` reads.
pub mod bundle {
    /// What the bundle is: a [`ModelCard`](super::ModelCard).
    pub const CARD: &str = "model.json";
    /// The component that scores.
    pub const SCORER: &str = "scorer.wasm";
    /// The model's state.
    pub const STATE: &str = "state";
    /// The profile of the training data; a model without one has no such file.
    pub const PROFILE: &str = "profile.json";
}

/// `model.json` of a bundle: which model it is, and the digests by which a reader checks the other files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ModelCard {
    /// The model's name.
    pub name: String,
    /// The version's number, from 1.
    pub version: u64,
    /// The digest over scorer and state.
    pub digest: String,
    /// The digest of the scorer component, the file `scorer.wasm`.
    pub scorer: String,
    /// The digest of the state, the file `state`.
    pub state: String,
    /// The size of the state in bytes.
    pub state_bytes: u64,
    /// The media type of the state.
    pub media_type: String,
    /// The columns that the model needs.
    pub inputs: Vec<ModelField>,
    /// The columns that it gives; the first is the prediction.
    pub outputs: Vec<ModelField>,
    /// When the version was registered (RFC 3339, UTC).
    pub created_at: String,
    /// The digest of the training data's profile, the file `profile.json`; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

impl ModelCard {
    /// The card of a registered version, whose training data has the profile of this digest, where it has one.
    pub fn new(version: &ModelVersion, profile: Option<String>) -> Self {
        let ModelRecord { digest, scorer, state, state_bytes, media_type, inputs, outputs } = version.model.clone();
        let VersionRef { name, version: number } = version.version.clone();
        let created_at = version.created_at.clone();
        Self { name, version: number, digest, scorer, state, state_bytes, media_type, inputs, outputs, created_at, profile }
    }

    /// The text of `model.json`: the same for the same card, to the byte.
    ///
    /// # Panics
    ///
    /// Never: a card is made of texts and numbers.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a card is made of texts and numbers");
        text.push('\n');
        text
    }

    /// Reads the text of a `model.json`.
    ///
    /// # Errors
    ///
    /// It is not JSON or not a card: the message says what was expected, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The model's record, as a version in the registry has it.
    pub fn model(&self) -> ModelRecord {
        let Self { digest, scorer, state, state_bytes, media_type, inputs, outputs, .. } = self.clone();
        ModelRecord { digest, scorer, state, state_bytes, media_type, inputs, outputs }
    }
}

/// What packaging a version made: files in the content store, of which one is the root that names all others by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "sprag package", description = "A package, as `sprag package --json` prints it.")]
pub struct Package {
    /// The version that is packaged.
    pub version: VersionRef,
    /// The digest over the model's scorer and state.
    pub model: String,
    /// The package's digest: that of its root, an OCI image index or manifest.
    pub digest: String,
    /// The digest of the manifest of the image that serves; none where the packager makes no image.
    #[serde(default)]
    pub image: Option<String>,
    /// The digest of the self-contained component; none where the packager makes none.
    #[serde(default)]
    pub component: Option<String>,
    /// Every file of the package, the root among them, sorted by name.
    pub files: Vec<Artifact>,
    /// Where it was pushed to; none where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed: Option<PushRecord>,
}

/// Where a package is in a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PushRecord {
    /// The package by its digest: what a deployment names.
    pub reference: String,
    /// The package by its tag.
    pub tagged: String,
    /// The self-contained component by the tag of its own; none where the package has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
}

impl Package {
    /// The file that is the root.
    pub fn root(&self) -> Option<&Artifact> {
        self.files.iter().find(|file| file.digest == self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_reads_back_what_it_wrote() {
        let field = |name: &str| ModelField { name: name.to_owned(), dtype: "float".to_owned() };
        let card = ModelCard {
            name: "diabetes".to_owned(),
            version: 3,
            digest: "sha256:aa".to_owned(),
            scorer: "sha256:bb".to_owned(),
            state: "sha256:cc".to_owned(),
            state_bytes: 12,
            media_type: "application/onnx".to_owned(),
            inputs: vec![field("bmi")],
            outputs: vec![field("prediction")],
            created_at: "2026-11-25T00:00:00Z".to_owned(),
            profile: None,
        };
        let text = card.to_json();
        assert!(text.ends_with("}\n") && !text.contains("profile"), "{text}");
        assert_eq!(ModelCard::parse(&text), Ok(card));
        assert!(ModelCard::parse("{}").unwrap_err().contains("missing field `name`"));
    }
}
