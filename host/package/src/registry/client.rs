//! One repository's end of the wire: requests, who they are from, and what a refusal says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use url::Url;

use super::auth::{Challenge, Credentials};
use super::patience::{Patience, Pulse, Silence};
use super::{Reference, RegistryError};

/// How a registry is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// With TLS, as anything that is not on this machine should be.
    Tls,
    /// Without.
    Plain,
}

impl Transport {
    /// Plain for a registry on this machine, else with TLS.
    pub fn for_host(host: &str) -> Self {
        let name = host
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
            .map_or(host, |(name, _)| name);
        let address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        if name == "localhost" || address.is_ok_and(|address| address.is_loopback()) { Self::Plain } else { Self::Tls }
    }
}

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// The pauses before something that failed in passing is tried again.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// One repository of a registry.
pub struct Registry {
    pub(super) client: Client,
    pub(super) patience: Patience,
    pub(super) credentials: Credentials,
    host: String,
    repository: String,
    base: Url,
    /// The `Authorization` that the registry took last.
    authorization: Mutex<Option<String>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("base", &self.base.as_str())
            .field("repository", &self.repository)
            .finish_non_exhaustive()
    }
}

impl Registry {
    /// The repository that a reference names, as the user whom docker's configuration names.
    ///
    /// # Errors
    ///
    /// The credentials cannot be read, or there is no TLS to be had.
    pub fn new(reference: &Reference, transport: Transport) -> Result<Self, RegistryError> {
        // The first one wins, whoever installs it, and they are all the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let host = reference.host.clone();
        let wrong = |error| RegistryError::Connection { action: "prepare a connection".to_owned(), host: host.clone(), error };
        let agent = concat!("sprag/", env!("CARGO_PKG_VERSION"));
        // The client's own limit on silence is one on the whole time until an answer begins, however fast content is being taken: see `Patience` instead.
        let client = Client::builder().user_agent(agent).connect_timeout(CONNECT);
        // A redirect must not lead away from TLS either.
        let client = client.https_only(transport == Transport::Tls).build().map_err(wrong)?;
        let address = if host == "docker.io" { "registry-1.docker.io" } else { &host };
        let scheme = if transport == Transport::Plain { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{address}/")).map_err(|error| RegistryError::Protocol {
            host: host.clone(),
            expected: "a host".to_owned(),
            found: error.to_string(),
        })?;
        let repository = match host.as_str() {
            "docker.io" if !reference.repository.contains('/') => format!("library/{}", reference.repository),
            _ => reference.repository.clone(),
        };
        let credentials = Credentials::of(&host)?;
        let (patience, authorization) = (Patience::default(), Mutex::default());
        Ok(Self { client, patience, credentials, host, repository, base, authorization })
    }

    /// The same, waited for longer or less long.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// The registry's host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address of something of this repository.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/v2/{}/{path}", self.repository));
        url
    }

    /// The address that the registry gave for an upload, with the digest of what it will be.
    pub(super) fn upload_url(&self, response: &Response, digest: &str) -> Result<Url, RegistryError> {
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        let url = location.and_then(|location| response.url().join(location).ok());
        let url = url.ok_or_else(|| self.protocol("the address of an upload", "none"))?;
        let mut url = self.secured(url, "the address of an upload")?;
        url.query_pairs_mut().append_pair("digest", digest);
        Ok(url)
    }

    /// An address that the registry named, unless it is one without TLS while the registry itself has it: a secret or a model would go there in the open.
    pub(super) fn secured(&self, url: Url, what: &str) -> Result<Url, RegistryError> {
        match (url.scheme(), self.base.scheme()) {
            ("https", _) | ("http", "http") => Ok(url),
            // The rest of the address may itself be a key to what is there.
            _ => Err(self.protocol(&format!("{what} with TLS"), &format!("one at `{}`", url.origin().ascii_serialization()))),
        }
    }

    pub(super) fn protocol(&self, expected: &str, found: &str) -> RegistryError {
        RegistryError::Protocol { host: self.host.clone(), expected: expected.to_owned(), found: found.to_owned() }
    }

    /// Does something again where it failed in passing.
    pub(super) async fn patiently<T>(&self, mut work: impl AsyncFnMut() -> Result<T, RegistryError>) -> Result<T, RegistryError> {
        for pause in AGAIN_AFTER {
            match work().await {
                Err(error) if error.is_passing() => tokio::time::sleep(pause).await,
                done => return done,
            }
        }
        work().await
    }

    /// Sends a request, again with who we are where the registry asks for that. Any answer but a refusal of who we are is given back.
    pub(super) async fn send(
        &self,
        action: &str,
        method: Method,
        url: Url,
        fill: impl Fn(RequestBuilder, &Arc<Pulse>) -> Result<RequestBuilder, RegistryError>,
    ) -> Result<Response, RegistryError> {
        let is_ours = url.origin() == self.base.origin();
        let exchange = async |authorization: Option<String>| {
            let pulse = Pulse::new(self.patience);
            let request = fill(self.client.request(method.clone(), url.clone()), &pulse)?;
            let request = match authorization {
                // An upload may go to another host than the registry's, which need not learn who we are.
                Some(authorization) if is_ours => request.header("authorization", authorization),
                _ => request,
            };
            self.answer(action, &pulse, request).await
        };
        let known = self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let answer = exchange(known).await?;
        if answer.status().as_u16() != 401 || !is_ours {
            return Ok(answer);
        }
        let authorization = self.authorize(action, &answer, &method).await?;
        let answer = exchange(Some(authorization.clone())).await?;
        if answer.status().as_u16() == 401 {
            return Err(self.denied(action));
        }
        *self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(authorization);
        Ok(answer)
    }

    /// Gets what stands at an address.
    pub(super) async fn get(&self, action: &str, url: Url) -> Result<Response, RegistryError> {
        self.send(action, Method::GET, url, |request, _| Ok(request)).await
    }

    /// The answer to one request, whatever it says.
    pub(super) async fn answer(&self, action: &str, pulse: &Pulse, request: RequestBuilder) -> Result<Response, RegistryError> {
        let answer = pulse.watch(request.send()).await.map_err(|silence| self.silent(action, silence))?;
        answer.map_err(|source| self.connection(action, source))
    }

    /// The `Authorization` that answers a challenge.
    async fn authorize(&self, action: &str, refusal: &Response, method: &Method) -> Result<String, RegistryError> {
        let challenges = refusal.headers().get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
        match challenges.filter_map(Challenge::parse).next() {
            Some(Challenge::Basic) => match &self.credentials {
                Credentials::Password(user, password) => {
                    // The client knows how to write it.
                    let request = self.client.get(self.base.clone()).basic_auth(user, Some(password)).build();
                    let request = request.map_err(|source| self.connection(action, source))?;
                    let value = request.headers().get("authorization").and_then(|value| value.to_str().ok());
                    value.map(str::to_owned).ok_or_else(|| self.denied(action))
                }
                Credentials::None | Credentials::Identity(_) => Err(self.denied(action)),
            },
            Some(Challenge::Bearer { realm, service, scope }) => {
                let does = if [Method::GET, Method::HEAD].contains(method) { "pull" } else { "pull,push" };
                let ours = format!("repository:{}:{does}", self.repository);
                let scope = scope.unwrap_or(ours);
                Ok(format!("Bearer {}", self.token(&realm, service.as_deref(), &scope).await?))
            }
            None => Err(self.protocol("a challenge of the kind `Basic` or `Bearer`", "another")),
        }
    }

    pub(super) fn denied(&self, action: &str) -> RegistryError {
        let had_credentials = self.credentials != Credentials::None;
        RegistryError::Denied { action: action.to_owned(), host: self.host.clone(), had_credentials }
    }

    pub(super) fn connection(&self, action: &str, error: reqwest::Error) -> RegistryError {
        RegistryError::Connection { action: action.to_owned(), host: self.host.clone(), error }
    }

    pub(super) fn silent(&self, action: &str, Silence { what, wait }: Silence) -> RegistryError {
        RegistryError::Silent { action: action.to_owned(), host: self.host.clone(), what, wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_talked_to_without_tls() {
        for (host, expected) in [
            ("localhost", Transport::Plain),
            ("localhost:5000", Transport::Plain),
            ("127.0.0.1:5000", Transport::Plain),
            ("127.1.2.3", Transport::Plain),
            ("[::1]:5000", Transport::Plain),
            ("ghcr.io", Transport::Tls),
            ("10.0.0.1:5000", Transport::Tls),
            ("localhost.example.com", Transport::Tls),
            ("[2001:db8::1]:443", Transport::Tls),
        ] {
            assert_eq!(Transport::for_host(host), expected, "{host}");
        }
    }

    #[test]
    fn a_registry_with_tls_leads_nowhere_without() {
        let open = |transport| Registry::new(&"r.example.com/a".parse().unwrap(), transport).unwrap();
        let secured = |transport, url: &str| open(transport).secured(Url::parse(url).unwrap(), "a token service");
        for (transport, url) in [
            (Transport::Tls, "https://auth.example.com/token"),
            (Transport::Plain, "https://auth.example.com/token"),
            (Transport::Plain, "http://127.0.0.1:5001/token"),
        ] {
            assert_eq!(secured(transport, url).unwrap().as_str(), url);
        }
        for (transport, url) in [
            (Transport::Tls, "http://auth.example.com:81/token?key=1"),
            (Transport::Tls, "http://127.0.0.1/token"),
            (Transport::Plain, "ftp://a/b"),
        ] {
            let error = secured(transport, url).unwrap_err().to_string();
            assert!(
                error.starts_with("expected a token service with TLS from the registry `r.example.com`, found one at"),
                "{error}"
            );
            assert!(!error.contains("key=1"), "{error}");
        }
    }

    #[test]
    fn no_credentials_go_to_a_token_service_without_tls() {
        // Nothing listens there: had it been asked, the error would be another one.
        let token = async |realm: &str| {
            let mut registry = Registry::new(&"r.example.com/a".parse().unwrap(), Transport::Tls).unwrap();
            registry.credentials = Credentials::Password("ada".to_owned(), "secret".to_owned());
            registry.token(realm, None, "repository:a:pull").await.unwrap_err().to_string()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(token("http://127.0.0.1:1/token"));
        let expected = "expected the address of a token service with TLS from the registry `r.example.com`, found one at `http://127.0.0.1:1`";
        assert_eq!(error, expected);
        assert!(runtime.block_on(token("https://127.0.0.1:1/token")).starts_with("failed to get a token at the registry"));
    }
}
