//! Tokens: what a program or a person shows to be let in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sprag_core::digest::Digest;
use sprag_schemas::server::{Role, Token};

/// How a token begins, so that scanners for secrets know one.
pub const PREFIX: &str = "sprag_";

/// A token as it is made: its secret is shown once and kept nowhere.
#[derive(Debug)]
pub struct NewToken {
    /// What is kept.
    pub token: Token,
    /// The SHA-256 of the secret. The secret has 256 bits of chance, so that no slower hash is needed.
    pub hash: Digest,
    /// What its owner keeps.
    pub secret: String,
}

/// Makes a token.
///
/// # Errors
/// The system has no random numbers.
pub fn make(user: &str, roles: Vec<Role>, created_at: &str, expires_at: Option<String>) -> std::io::Result<NewToken> {
    let secret = format!("{PREFIX}{}", random::<32>()?);
    let token = Token {
        id: random::<6>()?,
        user: user.to_owned(),
        roles,
        created_at: created_at.to_owned(),
        expires_at,
        revoked_at: None,
    };
    Ok(NewToken { token, hash: hash(&secret), secret })
}

/// What stands for a secret in the store.
pub fn hash(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}

/// Why a token does not count; none where it does. Both times are RFC 3339 in UTC, which sort as texts.
pub fn fault(token: &Token, now: &str) -> Option<&'static str> {
    if token.revoked_at.is_some() {
        return Some("was taken back");
    }
    token.expires_at.as_deref().filter(|end| *end <= now).map(|_| "has expired")
}

/// So many random bytes, as a text for addresses.
///
/// # Errors
/// The system has no random numbers.
pub fn random<const BYTES: usize>() -> std::io::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-26T12:00:00.000Z";

    #[test]
    fn each_token_is_another_and_counts_until_its_end() {
        let make = |end: Option<&str>| make("ada", vec![Role::Runner], NOW, end.map(str::to_owned)).unwrap();
        let (one, other) = (make(None), make(Some("2026-11-26T12:00:00.001Z")));
        assert_ne!(one.secret, other.secret);
        assert_eq!(one.hash, hash(&one.secret));
        assert!(one.secret.starts_with(PREFIX) && one.secret.len() == PREFIX.len() + 43);
        assert_eq!((fault(&one.token, NOW), fault(&other.token, NOW)), (None, None));
        assert_eq!(fault(&make(Some(NOW)).token, NOW), Some("has expired"));
        let revoked = Token { revoked_at: Some(NOW.to_owned()), ..one.token };
        assert_eq!(fault(&revoked, NOW), Some("was taken back"));
    }
}
