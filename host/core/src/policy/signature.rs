//! Signatures of plugins: SSH signatures over what a component is, wherever it lies.

use serde::Serialize;
use ssh_key::{Algorithm, HashAlg, PublicKey, SshSig};

use crate::approval::{KeyError, SigningKey};
use crate::component::Component;
use crate::contract;
use crate::json::canonical;

/// What keeps these signatures from being taken for others.
pub const NAMESPACE: &str = "sprag-plugin";

/// What is signed. It names no registry and no tag, so that a signature goes with the component wherever it is copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PluginStatement {
    /// The digest of the component.
    pub digest: String,
    /// The plugin's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The kinds of stage that it fits.
    pub kinds: Vec<String>,
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is no signature.
    #[error("expected an SSH signature, found something else: {0}")]
    Malformed(String),
    /// It is for another purpose.
    #[error("expected a signature of the namespace `{NAMESPACE}`, found one of `{0}`")]
    Namespace(String),
    /// It is of another kind of key.
    #[error("expected a signature by an Ed25519 key, found one by `{0}`")]
    Unsupported(String),
    /// It is over something else.
    #[error("the signature by {0} is not over this component")]
    Forged(String),
    /// A component that does not say who it is cannot be signed.
    #[error("expected a section `sprag:plugin` that says who the plugin is, found none")]
    Nameless,
}

impl PluginStatement {
    /// The statement about a component, from its binary alone; none where it does not say who it is.
    pub fn of(component: &Component) -> Option<Self> {
        let plugin = component.plugin.as_ref()?;
        Some(Self {
            digest: component.digest.to_string(),
            name: plugin.name.clone(),
            version: plugin.version.clone(),
            kinds: contract::kinds_of(component).iter().map(|kind| kind.name().to_owned()).collect(),
        })
    }

    /// The text that is signed: canonical JSON.
    pub fn text(&self) -> String {
        canonical(&serde_json::to_value(self).expect("a statement is a struct of texts, which JSON can always hold"))
    }
}

/// Signs a plugin, and gives the signature as `ssh-keygen -Y sign -n sprag-plugin` writes it.
///
/// # Errors
/// The key does not sign.
pub fn sign_plugin(key: &SigningKey, statement: &PluginStatement) -> Result<String, KeyError> {
    key.sign_text(NAMESPACE, &statement.text())
}

/// Holds a signature against a component, and gives the fingerprint of the key that made it.
///
/// # Errors
/// It is no signature over this component.
pub fn verify_plugin(component: &Component, signature: &str) -> Result<String, SignatureError> {
    let statement = PluginStatement::of(component).ok_or(SignatureError::Nameless)?;
    let signature = SshSig::from_pem(signature).map_err(|error| SignatureError::Malformed(error.to_string()))?;
    if signature.namespace() != NAMESPACE {
        return Err(SignatureError::Namespace(signature.namespace().to_owned()));
    }
    if signature.public_key().algorithm() != Algorithm::Ed25519 {
        return Err(SignatureError::Unsupported(signature.public_key().algorithm().to_string()));
    }
    let key = PublicKey::new(signature.public_key().clone(), "");
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let verified = key.verify(NAMESPACE, statement.text().as_bytes(), &signature);
    verified.map(|()| fingerprint.clone()).map_err(|_| SignatureError::Forged(fingerprint))
}
