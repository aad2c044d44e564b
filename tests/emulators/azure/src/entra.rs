//! The token endpoint of Microsoft Entra ID: client credentials with a secret or a federated assertion, as
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow> describes it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::azure::Settings;
use crate::message::{Request, Response};

/// The tokens that were given, each with its end.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    given: BTreeMap<String, (String, Duration)>,
    count: u64,
}

impl Tokens {
    /// Answers a request for a token; none where the path is another.
    pub(crate) fn answer(&mut self, settings: &Settings, now: Duration, request: &Request) -> Option<Response> {
        let tenant = request.path().strip_prefix('/')?.strip_suffix("/oauth2/v2.0/token")?;
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let answer = if tenant != settings.tenant {
            refused(400, "invalid_request", 90_002, &format!("Tenant '{tenant}' not found."))
        } else if field("grant_type") != "client_credentials" {
            refused(400, "unsupported_grant_type", 70_003, "The app requested an unsupported grant type.")
        } else if field("client_id") != settings.client_id {
            refused(400, "unauthorized_client", 700_016, "Application was not found in the directory.")
        } else if !field("scope").ends_with("/.default") {
            refused(400, "invalid_scope", 1_002_012, "The provided value for scope is not valid.")
        } else if let Some(assertion) = form.get("client_assertion") {
            let is_jwt = field("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            match is_jwt && *assertion == settings.assertion {
                true => self.give(settings, now, field("scope")),
                false => refused(401, "invalid_client", 700_211, "No matching federated identity record found."),
            }
        } else if field("client_secret") == settings.client_secret {
            self.give(settings, now, field("scope"))
        } else {
            refused(401, "invalid_client", 7_000_215, "Invalid client secret provided.")
        };
        Some(answer.with("cache-control", "no-store, no-cache"))
    }

    fn give(&mut self, settings: &Settings, now: Duration, scope: &str) -> Response {
        self.count += 1;
        let token = format!("emulated.{}.token", self.count);
        let resource = scope.trim_end_matches("/.default").trim_end_matches('/').to_owned();
        self.given.insert(token.clone(), (resource, now + settings.token_lifetime));
        let seconds = settings.token_lifetime.as_secs();
        Response::new(
            200,
            json!({ "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token }),
        )
    }

    /// Whether an `authorization` header has a token for a resource that is still good; else why not.
    pub(crate) fn check(&self, header: Option<&str>, resource: &str, now: Duration) -> Result<(), (&'static str, &'static str)> {
        let missing = ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.");
        let token = header.and_then(|header| header.strip_prefix("Bearer ")).ok_or(missing)?;
        let invalid = ("InvalidAuthenticationToken", "The access token is invalid.");
        let (audience, end) = self.given.get(token).ok_or(invalid)?;
        if audience != resource {
            return Err(("InvalidAuthenticationTokenAudience", "The access token has been obtained for wrong audience."));
        }
        if now >= *end {
            return Err(("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time."));
        }
        Ok(())
    }

    /// Forgets all tokens, as when an identity is blocked.
    pub(crate) fn revoke(&mut self) {
        self.given.clear();
    }

    /// How many were given.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// A token without asking the endpoint.
    pub(crate) fn grant(&mut self, token: &str, resource: &str, end: Duration) {
        self.given.insert(token.to_owned(), (resource.to_owned(), end));
    }
}

fn refused(status: u16, error: &str, number: u32, message: &str) -> Response {
    let description = format!("AADSTS{number}: {message} Trace ID: 0 Correlation ID: 0 Timestamp: 2026-01-01 00:00:00Z");
    Response::new(status, json!({ "error": error, "error_description": description, "error_codes": [number] }))
}
