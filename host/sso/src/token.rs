//! What an ID token must hold (OpenID Connect Core 1.0, section 3.1.3.7).

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use crate::keys::{ALGORITHMS, choose_cryptography};

/// How far two clocks may be apart, in seconds.
const LEEWAY: u64 = 60;

/// What a token says.
pub(crate) type Claims = Map<String, Value>;

/// Who must have made the token, for whom, in which login.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client: &'a str,
    pub(crate) nonce: &'a str,
}

/// Why a token does not hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// It is signed by a key that is not among those known: the provider may have a new one.
    UnknownKey,
    /// Anything else.
    Other(String),
}

/// Holds a token against the provider's keys and what is expected.
pub(crate) fn verified(token: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<Claims, TokenFault> {
    choose_cryptography();
    let other = |message: String| TokenFault::Other(message);
    let header = decode_header(token).map_err(|error| other(error.to_string()))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(other(format!("it is signed by `{:?}`", header.alg)));
    }
    let key = key_for(keys, header.kid.as_deref())?;
    // A key may say what it is for.
    if key.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return Err(other("its key is not for signatures".to_owned()));
    }
    let key = DecodingKey::from_jwk(key).map_err(|error| other(format!("its key: {error}")))?;
    let mut validation = Validation::new(header.alg);
    validation.leeway = LEEWAY;
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    let claims = decode::<Claims>(token, &key, &validation).map_err(|error| other(error.to_string()))?.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    // The login that was begun here, and no other one.
    if !bool::from(text("nonce").unwrap_or_default().as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err(other("it is of another login".to_owned()));
    }
    let is_for_several = claims.get("aud").and_then(Value::as_array).is_some_and(|audiences| audiences.len() > 1);
    if text("azp").map_or(is_for_several, |azp| azp != expected.client) {
        return Err(other("it is for another client".to_owned()));
    }
    Ok(claims)
}

fn key_for<'a>(keys: &'a JwkSet, id: Option<&str>) -> Result<&'a Jwk, TokenFault> {
    match id {
        Some(id) => keys.find(id).ok_or(TokenFault::UnknownKey),
        // Without a name it is clear only where there is one key.
        None => match keys.keys.as_slice() {
            [one] => Ok(one),
            _ => Err(TokenFault::Other("it does not name its key".to_owned())),
        },
    }
}
