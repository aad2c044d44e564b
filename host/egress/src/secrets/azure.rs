//! Access tokens of Microsoft Entra ID, had by the host, so that neither the credential nor a token enters a stage.
//!
//! The client credentials flow of OAuth 2.0 (RFC 6749, 4.4), with a client secret or, for a workload identity, with a signed assertion (RFC 7523, 2.2), as
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow> describes it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Deserialize;
use sprag_core::origin::Origin;
use sprag_runtime::outside::SendError;
use sprag_schemas::secrets::AzureIdentity;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::{Reader, SecretProblem, Source};
use crate::address::is_this_machine;
use crate::substitute::form_encoded;

/// How long before its end a token is renewed.
const MARGIN: Duration = Duration::from_secs(120);

const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";
const MANAGEMENT_SCOPE: &str = "https://management.azure.com/.default";

/// An identity of which there are tokens.
pub(crate) struct Azure {
    pub(crate) authority: Origin,
    token_url: String,
    client_id: String,
    scope: String,
    credential: Credential,
    token: Mutex<Option<(Zeroizing<String>, Instant)>>,
}

enum Credential {
    Secret(Zeroizing<String>),
    /// The file is read for each token, since the platform renews it.
    Federated(PathBuf),
}

#[derive(Deserialize)]
struct Answer {
    access_token: Zeroizing<String>,
    #[serde(default)]
    expires_in: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    error: String,
    error_description: String,
}

impl Azure {
    /// Where the credential may go without TLS only if `cleartext` says so.
    pub(super) fn read(reader: &Reader<'_>, identity: &AzureIdentity, cleartext: bool) -> Result<Self, SecretProblem> {
        let credential = match (&identity.secret_env, &identity.federated_token_file_env) {
            (Some(variable), None) => Credential::Secret(reader.long_enough(reader.variable(variable)?)?),
            (None, Some(variable)) => {
                let path = PathBuf::from(reader.variable(variable)?.as_str());
                reader.file(&path)?;
                Credential::Federated(reader.root.join(path))
            }
            _ => return Err(reader.bad("expected exactly one of `azure.secret-env` and `azure.federated-token-file-env`")),
        };
        let authority = identity.authority.as_deref().unwrap_or(PUBLIC_AUTHORITY).trim_end_matches('/');
        let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        if !is_word(&identity.tenant) || !is_word(&identity.client_id) {
            return Err(reader.bad("expected ids of letters, digits, `-` and `.` as `azure.tenant` and `azure.client-id`"));
        }
        let origin: Origin = authority.parse().map_err(|error| reader.bad(format!("`azure.authority`: {error}")))?;
        let host = url::Url::parse(authority).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        if !origin.is_https && !cleartext && !is_this_machine(&host) {
            return Err(reader.bad(format!(
                "expected `https` in `azure.authority`, to which the credential goes, found `{authority}`; `cleartext = true` lets it go unprotected"
            )));
        }
        Ok(Self {
            authority: origin,
            token_url: format!("{authority}/{}/oauth2/v2.0/token", identity.tenant),
            client_id: identity.client_id.clone(),
            scope: identity.scope.clone().unwrap_or_else(|| MANAGEMENT_SCOPE.to_owned()),
            credential,
            token: Mutex::default(),
        })
    }

    /// The values that must not come back in an answer. Tokens join them when they are had.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        match &self.credential {
            Credential::Secret(secret) => Some(secret.as_str()),
            Credential::Federated(_) => None,
        }
        .into_iter()
    }

    /// A token that is good for a while yet, from the last answer or a new one.
    pub(crate) async fn token(&self, name: &str, client: &reqwest::Client) -> Result<Zeroizing<String>, SendError> {
        let mut token = self.token.lock().await;
        if let Some((token, until)) = &*token
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let (fresh, lifetime) = self.request(name, client).await?;
        let until = Instant::now() + lifetime.saturating_sub(MARGIN);
        *token = Some((fresh.clone(), until));
        Ok(fresh)
    }

    async fn request(&self, name: &str, client: &reqwest::Client) -> Result<(Zeroizing<String>, Duration), SendError> {
        let form = Zeroizing::new(self.form(name)?);
        let request = client
            .post(&self.token_url)
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.as_bytes().to_vec())
            .timeout(Duration::from_secs(30));
        let host = self.authority.to_string();
        let sent = request.send().await.map_err(|error| crate::client::explain(&error, &host))?;
        let status = sent.status();
        let body = Zeroizing::new(sent.bytes().await.map_err(|error| crate::client::explain(&error, &host))?.to_vec());
        if !status.is_success() {
            let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
            // The description goes on with ids and times that help nobody here.
            let reason = refusal.error_description.lines().next().unwrap_or_default();
            return Err(SendError::Denied(format!(
                "expected an access token for the secret `{name}` from `{host}`, found status {}: {} {reason}",
                status.as_u16(),
                refusal.error
            )));
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| SendError::Broken {
            host: host.clone(),
            message: format!("expected an access token for the secret `{name}`, found no JSON with one"),
        })?;
        Ok((answer.access_token, Duration::from_secs(answer.expires_in)))
    }

    fn form(&self, name: &str) -> Result<String, SendError> {
        let credential = match &self.credential {
            Credential::Secret(secret) => format!("client_secret={}", form_encoded(secret)),
            Credential::Federated(path) => {
                let assertion = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
                    let place = Source::File(path.clone());
                    SendError::Denied(format!(
                        "expected the federated token of the secret `{name}` in {place}, found none: {error}"
                    ))
                })?;
                format!(
                    "client_assertion_type={}&client_assertion={}",
                    form_encoded("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    form_encoded(assertion.trim_end())
                )
            }
        };
        let (client, scope) = (form_encoded(&self.client_id), form_encoded(&self.scope));
        Ok(format!("grant_type=client_credentials&client_id={client}&scope={scope}&{credential}"))
    }
}
