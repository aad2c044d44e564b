//! The keys that approvers sign with: Ed25519 keys in OpenSSH's format, and what they make of a ballot.

use sprag_schemas::approval::{Approval, Ballot, NAMESPACE};
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey};

use crate::json::canonical;

/// A private key to sign with.
#[derive(Clone)]
pub struct SigningKey(PrivateKey);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.fingerprint()).finish()
    }
}

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is no private key.
    #[error("expected a private key as `ssh-keygen -t ed25519` writes it, found something else: {0}")]
    Malformed(String),
    /// The key is encrypted and no passphrase was given.
    #[error("the key is encrypted, and no passphrase was given")]
    Encrypted,
    /// The passphrase is wrong.
    #[error("the key is encrypted, and the passphrase does not open it")]
    WrongPassphrase,
    /// The key is of another kind.
    #[error("expected an Ed25519 key (`ssh-ed25519`), found `{0}`")]
    Unsupported(String),
    /// The key did not sign.
    #[error("the key did not sign: {0}")]
    Sign(String),
}

impl SigningKey {
    /// Reads a private key in OpenSSH's format.
    ///
    /// # Errors
    /// It is no such key, it is encrypted and the passphrase is missing or wrong, or it is not an Ed25519 key.
    pub fn parse(text: &str, passphrase: Option<&str>) -> Result<Self, KeyError> {
        let mut key = PrivateKey::from_openssh(text).map_err(|error| KeyError::Malformed(error.to_string()))?;
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(KeyError::Unsupported(key.algorithm().to_string()));
        }
        if key.is_encrypted() {
            let passphrase = passphrase.ok_or(KeyError::Encrypted)?;
            key = key.decrypt(passphrase).map_err(|_| KeyError::WrongPassphrase)?;
        }
        Ok(Self(key))
    }

    /// The key of 32 random bytes.
    pub fn from_seed(seed: &[u8; 32], comment: &str) -> Self {
        let pair = Ed25519Keypair::from(Ed25519PrivateKey::from_bytes(seed));
        let key = PrivateKey::new(KeypairData::from(pair), comment);
        Self(key.expect("a pair that is not encrypted always makes a key"))
    }

    /// The key in OpenSSH's format, for a file that nobody else can read.
    pub fn to_openssh(&self) -> String {
        let text = self.0.to_openssh(LineEnding::LF).expect("a key that was read or made has a text form");
        text.as_str().to_owned()
    }

    /// The public half, as `ssh-ed25519 AAAA...`, without a comment.
    pub fn public(&self) -> String {
        let mut key = self.0.public_key().clone();
        key.set_comment("");
        key.to_openssh().expect("an Ed25519 key has a text form")
    }

    /// The comment, which often says whose it is.
    pub fn comment(&self) -> &str {
        self.0.comment()
    }

    /// The key's fingerprint, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Signs a text, for one purpose.
    pub(crate) fn sign_text(&self, namespace: &str, text: &str) -> Result<String, KeyError> {
        let failed = |error: ssh_key::Error| KeyError::Sign(error.to_string());
        let signed = self.0.sign(namespace, HashAlg::Sha512, text.as_bytes()).map_err(failed)?;
        signed.to_pem(LineEnding::LF).map_err(failed)
    }

    /// The line by which a file of approvers accepts this key as that of `approver`.
    pub fn signers_line(&self, approver: &str) -> String {
        format!("{approver} namespaces=\"{NAMESPACE}\" {}", self.public())
    }
}

/// The text that is signed: the ballot as canonical JSON.
pub fn ballot_text(ballot: &Ballot) -> String {
    canonical(&serde_json::to_value(ballot).expect("a ballot is a struct of texts, which JSON can always hold"))
}

/// Signs a ballot.
///
/// # Errors
/// The key does not sign.
pub fn sign(key: &SigningKey, ballot: Ballot) -> Result<Approval, KeyError> {
    let signature = key.sign_text(NAMESPACE, &ballot_text(&ballot))?;
    Ok(Approval { ballot, signature })
}
