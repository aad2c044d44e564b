//! The host's own HTTP client: what sprag itself asks of other servers. What stages ask goes through `sprag-egress`, which holds it against their grants.
//!
//! Small questions with small answers: no redirect is followed, an answer has a limit, and an error names the host and nothing of the address behind it, in which a
//! secret could be.

use std::time::Duration;

use http::{Request, Response};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// A client, which keeps its connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    /// The most bytes of an answer.
    most: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The client cannot be made: a certificate that is none.
    #[error("failed to make a client: {0}")]
    Client(String),
    /// The address is none.
    #[error("expected an address that begins with `http://` or `https://`, found `{0}`")]
    Address(String),
    /// Nobody was reached, or the answer broke off.
    #[error("{host}: {message}")]
    Broken {
        /// The host.
        host: String,
        /// What happened.
        message: String,
    },
    /// The answer is too long.
    #[error("{host}: expected an answer of at most {most} bytes, found a longer one")]
    TooLong {
        /// The host.
        host: String,
        /// The limit.
        most: usize,
    },
}

impl Http {
    /// A client that trusts the authorities of this machine, and these (PEM); it waits so long for an answer, and takes at most so many bytes of it.
    ///
    /// # Errors
    /// The authorities are none.
    pub fn new(authorities: Option<&[u8]>, patience: Duration, most: usize) -> Result<Self, HttpError> {
        // An error says that a provider was chosen before, which is as good.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let words = |error: reqwest::Error| HttpError::Client(root_cause(&error));
        let own = Certificate::from_pem_bundle(authorities.unwrap_or_default()).map_err(words)?;
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .timeout(patience)
            .user_agent(concat!("sprag/", env!("CARGO_PKG_VERSION")));
        if !own.is_empty() {
            builder = builder.tls_certs_merge(own);
        }
        Ok(Self { client: builder.build().map_err(words)?, most })
    }

    /// Sends a request, and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// There is no answer, or one that is too long.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, HttpError> {
        let host = host_of(request.uri())?;
        let broken = |error: reqwest::Error| HttpError::Broken { host: host.clone(), message: root_cause(&error) };
        let request = request.map(reqwest::Body::from).try_into().map_err(broken)?;
        let mut answer = self.client.execute(request).await.map_err(broken)?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let mut body = vec![];
        while let Some(piece) = answer.chunk().await.map_err(broken)? {
            if body.len() + piece.len() > self.most {
                return Err(HttpError::TooLong { host, most: self.most });
            }
            body.extend_from_slice(&piece);
        }
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// The host of an address, with its port.
fn host_of(address: &http::Uri) -> Result<String, HttpError> {
    let is_known = matches!(address.scheme_str(), Some("http" | "https"));
    let authority = address.authority().filter(|_| is_known);
    // What stands before an `@` is a secret.
    let host = authority.map(|authority| authority.as_str().rsplit('@').next().unwrap_or_default().to_owned());
    host.ok_or_else(|| HttpError::Address(address.host().unwrap_or_default().to_owned()))
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn answering(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1024];
            let _read = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        format!("http://{address}/secret-path")
    }

    async fn asked(url: &str) -> Result<Response<Vec<u8>>, HttpError> {
        let http = Http::new(None, Duration::from_secs(10), 16).unwrap();
        http.send(Request::get(url).body(vec![]).unwrap()).await
    }

    #[tokio::test]
    async fn an_answer_is_read_whole_and_no_redirect_is_followed() {
        let url = answering("HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 2\r\n\r\nhi").await;
        let answer = asked(&url).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_slice()), (302, &b"hi"[..]));
        assert_eq!(answer.headers()["location"], "http://elsewhere/");
    }

    #[tokio::test]
    async fn an_answer_has_a_limit() {
        let url = answering("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n01234567890123456").await;
        assert!(matches!(asked(&url).await, Err(HttpError::TooLong { most: 16, .. })));
    }

    #[tokio::test]
    async fn an_error_names_the_host_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = asked(&format!("http://me:word@{address}/secret-path")).await.unwrap_err().to_string();
        assert!(error.starts_with(&address.to_string()) && !error.contains("secret-path") && !error.contains("word"), "{error}");
        assert!(matches!(asked("ftp://host/").await, Err(HttpError::Address(_))));
    }
}
