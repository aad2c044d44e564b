//! What a provider says of itself (<https://openid.net/specs/openid-connect-discovery-1_0.html>).

use http::Request;
use http::request::Builder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sprag_http::Http;

use crate::LoginError;

/// The part of the document that is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) jwks_uri: String,
    #[serde(default)]
    pub(crate) userinfo_endpoint: Option<String>,
    #[serde(default = "basic")]
    pub(crate) token_endpoint_auth_methods_supported: Vec<String>,
}

/// What it is where the document does not say it.
fn basic() -> Vec<String> {
    vec!["client_secret_basic".to_owned()]
}

/// Asks for the document, which must be of the very issuer, and name places that are as safe as the issuer's own.
pub(crate) async fn discover(http: &Http, issuer: &str) -> Result<Provider, LoginError> {
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let provider: Provider = get(http, "description of itself", &address).await?;
    let wrong = |message: String| LoginError::Provider { what: "description of itself", message };
    if provider.issuer != issuer {
        return Err(wrong(format!("expected the issuer `{issuer}`, found `{}`", provider.issuer)));
    }
    let places = [&provider.authorization_endpoint, &provider.token_endpoint, &provider.jwks_uri];
    for place in places.into_iter().chain(&provider.userinfo_endpoint) {
        check_address(place).map_err(wrong)?;
    }
    Ok(provider)
}

/// Tokens cross no network in the open.
pub(crate) fn check_address(text: &str) -> Result<(), String> {
    let url = url::Url::parse(text).map_err(|error| format!("expected an address, found `{text}`: {error}"))?;
    let is_local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || (url.scheme() == "http" && is_local) {
        return Ok(());
    }
    Err(format!("expected an address that begins with `https://` (or one of this machine itself), found `{text}`"))
}

pub(crate) async fn get<T: DeserializeOwned>(http: &Http, what: &'static str, address: &str) -> Result<T, LoginError> {
    asked(http, what, Request::get(address)).await
}

/// Asks for JSON.
pub(crate) async fn asked<T: DeserializeOwned>(http: &Http, what: &'static str, request: Builder) -> Result<T, LoginError> {
    let wrong = |message: String| LoginError::Provider { what, message };
    let request = request.header("accept", "application/json").body(vec![]);
    let answer = http.send(request.map_err(|error| wrong(error.to_string()))?).await?;
    if !answer.status().is_success() {
        return Err(wrong(format!("expected status 200, found {}", answer.status().as_u16())));
    }
    serde_json::from_slice(answer.body()).map_err(|error| wrong(format!("expected JSON of another form: {error}")))
}

#[cfg(test)]
mod tests {
    use super::check_address;

    #[test]
    fn nothing_crosses_a_network_in_the_open() {
        for good in ["https://login.example.com/realms/ml", "http://127.0.0.1:3000", "http://localhost", "http://[::1]:1/"] {
            assert_eq!(check_address(good), Ok(()), "{good}");
        }
        for bad in ["http://login.example.com", "http://127.0.0.1.example.com", "login.example.com", "file:///etc/passwd", ""] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }
}
