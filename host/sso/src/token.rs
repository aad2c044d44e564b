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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use ring::signature::{Ed25519KeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    const EXPECTED: Expected<'_> = Expected { issuer: "https://login.example.com", client: "sprag", nonce: "n-1" };

    fn key(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn keys() -> JwkSet {
        let x = BASE64.encode(key(1).public_key().as_ref());
        serde_json::from_value(
            json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k1", "use": "sig", "alg": "EdDSA", "x": x }] }),
        )
        .unwrap()
    }

    fn claims() -> Value {
        json!({ "iss": EXPECTED.issuer, "aud": "sprag", "sub": "7", "nonce": "n-1", "exp": jsonwebtoken::get_current_timestamp() + 300 })
    }

    fn signed(header: &Value, claims: &Value, seed: u8) -> String {
        let part = |value: &Value| BASE64.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = BASE64.encode(key(seed).sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn header() -> Value {
        json!({ "alg": "EdDSA", "kid": "k1" })
    }

    /// What is wrong with a token whose claims are changed.
    fn fault(change: impl FnOnce(&mut Value)) -> String {
        let mut claims = claims();
        change(&mut claims);
        match verified(&signed(&header(), &claims, 1), &keys(), &EXPECTED) {
            Err(TokenFault::Other(message)) => message,
            other => panic!("expected a fault, found {other:?}"),
        }
    }

    #[test]
    fn a_token_of_this_login_holds() {
        let claims = verified(&signed(&header(), &claims(), 1), &keys(), &EXPECTED).unwrap();
        assert_eq!(claims["sub"], "7");
        let both = json!({ "aud": ["sprag", "other"], "azp": "sprag" });
        let mut more = self::claims();
        more.as_object_mut().unwrap().extend(both.as_object().unwrap().clone());
        assert!(verified(&signed(&header(), &more, 1), &keys(), &EXPECTED).is_ok());
    }

    #[test]
    fn a_token_of_anybody_else_does_not() {
        assert_eq!(fault(|claims| claims["iss"] = "https://evil.example.com".into()), "InvalidIssuer");
        assert_eq!(fault(|claims| claims["aud"] = "another".into()), "InvalidAudience");
        assert_eq!(fault(|claims| claims["nonce"] = "n-2".into()), "it is of another login");
        assert_eq!(fault(|claims| drop(claims.as_object_mut().unwrap().remove("nonce"))), "it is of another login");
        assert_eq!(fault(|claims| claims["aud"] = json!(["sprag", "other"])), "it is for another client");
        assert_eq!(fault(|claims| claims["azp"] = "other".into()), "it is for another client");
        assert_eq!(fault(|claims| claims["exp"] = 1.into()), "ExpiredSignature");
        assert!(fault(|claims| drop(claims.as_object_mut().unwrap().remove("exp"))).contains("exp"));
        assert!(fault(|claims| drop(claims.as_object_mut().unwrap().remove("sub"))).contains("sub"));
    }

    #[test]
    fn what_the_provider_did_not_sign_does_not() {
        let by = |header: Value, seed: u8| verified(&signed(&header, &claims(), seed), &keys(), &EXPECTED).unwrap_err();
        assert_eq!(by(header(), 2), TokenFault::Other("InvalidSignature".to_owned()));
        assert_eq!(by(json!({ "alg": "EdDSA", "kid": "k2" }), 1), TokenFault::UnknownKey);
        // What is public must not be a secret to sign with, and nothing is no signature.
        assert_eq!(by(json!({ "alg": "HS256", "kid": "k1" }), 1), TokenFault::Other("it is signed by `HS256`".to_owned()));
        assert!(matches!(by(json!({ "alg": "none", "kid": "k1" }), 1), TokenFault::Other(_)));
        assert!(matches!(by(json!({ "alg": "RS256", "kid": "k1" }), 1), TokenFault::Other(_)), "a key of another family");
        let whole = signed(&header(), &claims(), 1);
        for bad in ["", "a.b.c", &whole[..whole.len() - 4], &whole.replacen('.', "", 1)] {
            assert!(verified(bad, &keys(), &EXPECTED).is_err(), "{bad}");
        }
        let mut encryption = keys();
        encryption.keys[0].common.public_key_use = Some(PublicKeyUse::Encryption);
        assert!(verified(&whole, &encryption, &EXPECTED).is_err());
    }
}
