//! Who we are to a registry: docker's credentials, and the tokens that a registry's own service gives for them.

use std::collections::BTreeMap;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde::Deserialize;

use super::body::MOST_WORDS;
use super::patience::Pulse;
use super::{Registry, RegistryError};

/// What docker knows of a registry's user.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Nobody.
    None,
    /// A user with a password.
    Password(String, String),
    /// A token from which others are made.
    Identity(String),
}

impl Credentials {
    /// Asks docker's configuration and its helpers.
    pub(super) fn of(host: &str) -> Result<Self, RegistryError> {
        // Docker's own registry has an older name there.
        let server = if host == "docker.io" || host == "registry-1.docker.io" { "https://index.docker.io/v1/" } else { host };
        match docker_credential::get_credential(server) {
            Ok(DockerCredential::UsernamePassword(user, password)) => Ok(Self::Password(user, password)),
            Ok(DockerCredential::IdentityToken(token)) => Ok(Self::Identity(token)),
            // A configuration that is not there, or knows nothing of this registry: it may want no credentials.
            Err(
                CredentialRetrievalError::ConfigNotFound
                | CredentialRetrievalError::ConfigReadError
                | CredentialRetrievalError::NoCredentialConfigured,
            ) => Ok(Self::None),
            // A helper that says it has none says so by failing.
            Err(CredentialRetrievalError::HelperFailure { stdout, .. }) if stdout.contains("credentials not found") => {
                Ok(Self::None)
            }
            Err(CredentialRetrievalError::HelperFailure { helper, stderr, .. }) => {
                // What a helper wrote to its standard output may be a secret.
                Err(RegistryError::Credentials {
                    host: host.to_owned(),
                    message: format!("the helper `{helper}` failed: {}", stderr.trim()),
                })
            }
            Err(error) => Err(RegistryError::Credentials { host: host.to_owned(), message: error.to_string() }),
        }
    }
}

/// How a registry wants to be told who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with each request.
    Basic,
    /// A token of this service.
    Bearer {
        /// Where tokens are given.
        realm: String,
        /// The service's name.
        service: Option<String>,
        /// What the token is for.
        scope: Option<String>,
    },
}

impl Challenge {
    /// Reads a `WWW-Authenticate` header (RFC 9110, section 11.6.1) as registries write it: one challenge.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut parameters = parameters(rest);
        Some(Self::Bearer {
            realm: parameters.remove("realm")?,
            service: parameters.remove("service"),
            scope: parameters.remove("scope"),
        })
    }
}

/// The parameters of a challenge: `name="value"` or `name=value`, with commas between and perhaps within quotes.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
        let value = if let Some(quoted) = after.strip_prefix('"') {
            let (value, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            rest = after;
            value
        } else {
            let (value, after) = after.split_once(',').unwrap_or((after, ""));
            rest = after;
            value.trim()
        };
        found.insert(name, value.to_owned());
    }
    found
}

/// The answer of a token service: one of them, or the same in both, for clients of either kind
/// (<https://distribution.github.io/distribution/spec/auth/token/>).
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Token {
    fn parse(bytes: &[u8]) -> Option<String> {
        let Self { token, access_token } = serde_json::from_slice(bytes).ok()?;
        token.or(access_token)
    }
}

impl Registry {
    /// Gets a token of the service at `realm`. `scope` is what we are about to do, in the registry's own words where it said any.
    pub(super) async fn token(&self, realm: &str, service: Option<&str>, scope: &str) -> Result<String, RegistryError> {
        let action = "get a token";
        let expected = "the address of a token service";
        let url = url::Url::parse(realm).map_err(|_| self.protocol(expected, &format!("`{realm}`")))?;
        let mut url = self.secured(url, expected)?;
        let request = match &self.credentials {
            Credentials::Identity(identity) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.append_pair("grant_type", "refresh_token").append_pair("client_id", "sprag").append_pair("scope", scope);
                form.append_pair("service", service.unwrap_or_default()).append_pair("refresh_token", identity);
                self.client.post(url).header("content-type", "application/x-www-form-urlencoded").body(form.finish())
            }
            Credentials::None | Credentials::Password(..) => {
                if let Some(service) = service {
                    url.query_pairs_mut().append_pair("service", service);
                }
                url.query_pairs_mut().append_pair("scope", scope);
                let request = self.client.get(url);
                match &self.credentials {
                    Credentials::Password(user, password) => request.basic_auth(user, Some(password)),
                    _ => request,
                }
            }
        };
        let answer = self.answer(action, &Pulse::new(self.patience), request).await?;
        if answer.status().as_u16() == 401 {
            return Err(self.denied(action));
        }
        let answer = self.checked(answer, action).await?;
        let bytes = self.whole(answer, action, MOST_WORDS).await?;
        Token::parse(&bytes).ok_or_else(|| self.protocol("a token as JSON", "something else"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        assert_eq!(Challenge::parse("Basic realm=\"basic-realm\""), Some(Challenge::Basic));
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.to_owned(),
                service: service.map(str::to_owned),
                scope: scope.map(str::to_owned),
            })
        };
        assert_eq!(
            Challenge::parse(
                r#"Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:a/b:pull,push""#
            ),
            bearer("https://auth.example.com/token", Some("registry.example.com"), Some("repository:a/b:pull,push"))
        );
        assert_eq!(Challenge::parse("bearer realm=https://a/token, service=b"), bearer("https://a/token", Some("b"), None));
        for bad in ["Bearer service=\"a\"", "Negotiate", ""] {
            assert_eq!(Challenge::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_comes_under_either_name_or_both() {
        for text in [
            r#"{"token":"a","expires_in":300}"#,
            r#"{"access_token":"a"}"#,
            r#"{"token":"a","access_token":"a","issued_at":"2026-11-25T04:45:25Z"}"#,
        ] {
            assert_eq!(Token::parse(text.as_bytes()).as_deref(), Some("a"), "{text}");
        }
        for text in ["{}", "[]", r#"{"token":1}"#, ""] {
            assert_eq!(Token::parse(text.as_bytes()), None, "{text}");
        }
    }
}
