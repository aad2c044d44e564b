//! Who we are to a registry: docker's credentials, and the tokens that a registry's own service gives for them.

use std::collections::BTreeMap;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde::Deserialize;

use super::RegistryError;
use super::client::checked;

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

/// The answer of a token service.
#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: Option<String>,
}

/// Gets a token. `scope` is what we are about to do, in the registry's own words where it said any.
pub(super) async fn token(
    client: &reqwest::Client,
    host: &str,
    credentials: &Credentials,
    (realm, service, scope): (&str, Option<&str>, &str),
) -> Result<String, RegistryError> {
    let action = "get a token";
    let bad = |found: String| RegistryError::Protocol {
        host: host.to_owned(),
        expected: "the address of a token service".to_owned(),
        found,
    };
    let mut url = url::Url::parse(realm).map_err(|_| bad(format!("`{realm}`")))?;
    let request = match credentials {
        Credentials::Identity(identity) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "refresh_token").append_pair("client_id", "sprag").append_pair("scope", scope);
            form.append_pair("service", service.unwrap_or_default()).append_pair("refresh_token", identity);
            client.post(url).header("content-type", "application/x-www-form-urlencoded").body(form.finish())
        }
        Credentials::None | Credentials::Password(..) => {
            if let Some(service) = service {
                url.query_pairs_mut().append_pair("service", service);
            }
            url.query_pairs_mut().append_pair("scope", scope);
            let request = client.get(url);
            match credentials {
                Credentials::Password(user, password) => request.basic_auth(user, Some(password)),
                _ => request,
            }
        }
    };
    let sent = request.send().await;
    let answer = sent.map_err(|error| RegistryError::Connection { action: action.to_owned(), host: host.to_owned(), error })?;
    if answer.status().as_u16() == 401 {
        let had_credentials = *credentials != Credentials::None;
        return Err(RegistryError::Denied { action: action.to_owned(), host: host.to_owned(), had_credentials });
    }
    let answer = checked(answer, host, action).await?;
    let bytes = answer.bytes().await.map_err(|error| RegistryError::Connection {
        action: action.to_owned(),
        host: host.to_owned(),
        error,
    })?;
    let expected = || RegistryError::Protocol {
        host: host.to_owned(),
        expected: "a token as JSON".to_owned(),
        found: "something else".to_owned(),
    };
    serde_json::from_slice::<Token>(&bytes).ok().and_then(|token| token.token).ok_or_else(expected)
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
}
