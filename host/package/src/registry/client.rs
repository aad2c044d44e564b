//! One repository's end of the wire: requests, who they are from, and what a refusal says.

use std::fs::File;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::Deserialize;
use url::Url;

use super::auth::{Challenge, Credentials, token};
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

/// The longest silence within an answer.
const SILENCE: Duration = Duration::from_secs(60);

/// The pauses before something that failed in passing is tried again.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// One repository of a registry.
pub struct Registry {
    client: Client,
    host: String,
    repository: String,
    base: Url,
    credentials: Credentials,
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
        let client = Client::builder().user_agent(agent).connect_timeout(CONNECT).read_timeout(SILENCE).build().map_err(wrong)?;
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
        Ok(Self { client, host, repository, base, credentials, authorization: Mutex::default() })
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
        let mut url = url.ok_or_else(|| self.protocol("the address of an upload", "none"))?;
        url.query_pairs_mut().append_pair("digest", digest);
        Ok(url)
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
        fill: impl Fn(RequestBuilder) -> Result<RequestBuilder, RegistryError>,
    ) -> Result<Response, RegistryError> {
        let is_ours = url.origin() == self.base.origin();
        let request = || fill(self.client.request(method.clone(), url.clone()));
        let with = |request: RequestBuilder, authorization: Option<String>| match authorization {
            // An upload may go to another host than the registry's, which need not learn who we are.
            Some(authorization) if is_ours => request.header("authorization", authorization),
            _ => request,
        };
        let known = self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let answer = self.connected(action, with(request()?, known).send().await)?;
        if answer.status().as_u16() != 401 || !is_ours {
            return Ok(answer);
        }
        let authorization = self.authorize(action, &answer, &method).await?;
        let answer = self.connected(action, with(request()?, Some(authorization.clone())).send().await)?;
        if answer.status().as_u16() == 401 {
            return Err(self.denied(action));
        }
        *self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(authorization);
        Ok(answer)
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
                let token = token(&self.client, &self.host, &self.credentials, (&realm, service.as_deref(), &scope)).await?;
                Ok(format!("Bearer {token}"))
            }
            None => Err(self.protocol("a challenge of the kind `Basic` or `Bearer`", "another")),
        }
    }

    fn denied(&self, action: &str) -> RegistryError {
        let had_credentials = self.credentials != Credentials::None;
        RegistryError::Denied { action: action.to_owned(), host: self.host.clone(), had_credentials }
    }

    pub(super) fn connection(&self, action: &str, error: reqwest::Error) -> RegistryError {
        RegistryError::Connection { action: action.to_owned(), host: self.host.clone(), error }
    }

    fn connected(&self, action: &str, sent: reqwest::Result<Response>) -> Result<Response, RegistryError> {
        sent.map_err(|source| self.connection(action, source))
    }
}

/// What a registry says of an error.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<ErrorEntry>,
}

#[derive(Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The answer, where it is a success; else what the registry said.
pub(super) async fn checked(answer: Response, host: &str, action: &str) -> Result<Response, RegistryError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let bytes = answer.bytes().await.unwrap_or_default();
    let message = match serde_json::from_slice::<Errors>(&bytes) {
        Ok(Errors { errors }) => {
            let said = errors.into_iter().map(|error| if error.message.is_empty() { error.code } else { error.message });
            said.collect::<Vec<_>>().join("; ")
        }
        Err(_) => String::from_utf8_lossy(&bytes).trim().chars().take(200).collect(),
    };
    // A registry's words are shown on a terminal.
    let message = message.chars().filter(|character| !character.is_control()).collect();
    Err(RegistryError::Refused { action: action.to_owned(), host: host.to_owned(), status: status.as_u16(), message })
}

/// A file as the body of a request, read as it is sent.
pub(super) struct FileBody {
    file: File,
    left: u64,
}

/// The bytes of one frame.
const FRAME: usize = 1 << 17;

impl FileBody {
    pub(super) fn new(file: File, length: u64) -> Self {
        Self { file, left: length }
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        // Read in place: a file of the store on a local disk, a piece at a time.
        let mut bytes = vec![0; usize::try_from(self.left).unwrap_or(FRAME).min(FRAME)];
        let read = match self.file.read(&mut bytes) {
            Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
            Ok(read) => read,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        bytes.truncate(read);
        self.left -= read as u64;
        Poll::Ready(Some(Ok(Frame::data(bytes.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
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
}
