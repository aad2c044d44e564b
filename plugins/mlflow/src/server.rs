//! The server: requests, answers, and what is wrong with them.

use std::fmt::Write as _;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use sprag_sdk::http::{Client, Request, Response};
use sprag_sdk::{Failure, Host};

/// The longest wait for an answer to begin.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How a server knows who asks. Names of secrets, never their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The secret with a bearer token.
    pub token: Option<String>,
    /// The secret with a whole `authorization` header, such as `Basic ...`.
    pub authorization: Option<String>,
}

/// Why MLflow did not do what was asked.
#[derive(Debug, Clone, PartialEq)]
pub enum MlflowError {
    /// It says so: its error code, and its words.
    Refused {
        /// The code, such as `RESOURCE_DOES_NOT_EXIST`.
        code: String,
        /// What was asked for.
        what: String,
        /// What it said.
        message: String,
    },
    /// Anything else, as a stage fails of it.
    Other(Failure),
}

impl From<Failure> for MlflowError {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl From<MlflowError> for Failure {
    fn from(error: MlflowError) -> Self {
        match error {
            MlflowError::Refused { code, what, message } => Self::BadParams(format!("MLflow refused {what}: {code}: {message}")),
            MlflowError::Other(failure) => failure,
        }
    }
}

/// A tracking server.
pub struct Server<'a, C> {
    client: &'a C,
    base: String,
    authorization: Option<String>,
}

impl<'a, C: Client> Server<'a, C> {
    /// The server at an address, asked with what the host puts in the place of the secrets.
    ///
    /// # Errors
    ///
    /// The stage is not granted a secret, or both are named.
    pub fn new(client: &'a C, host: &impl Host, url: &str, access: &Access) -> Result<Self, Failure> {
        let authorization = match (&access.token, &access.authorization) {
            (Some(_), Some(_)) => {
                return Err(Failure::bad_params("expected one of `token` and `authorization`, found both"));
            }
            (Some(token), None) => Some(format!("Bearer {}", host.placeholder(token)?)),
            (None, Some(whole)) => Some(host.placeholder(whole)?),
            (None, None) => None,
        };
        Ok(Self { client, base: url.trim_end_matches('/').to_owned(), authorization })
    }

    /// Asks for something by `GET`.
    pub(crate) fn get<T: DeserializeOwned>(&self, what: &str, path: &str, query: &[(&str, &str)]) -> Result<T, MlflowError> {
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", escaped(value, ""))).collect();
        let url = format!("{}/api/2.0/{path}?{}", self.base, query.join("&"));
        self.answer(what, Request::get(url))
    }

    /// Has something done by `POST`.
    pub(crate) fn post<T: DeserializeOwned>(&self, what: &str, path: &str, body: &Value) -> Result<T, MlflowError> {
        let request = Request::post(format!("{}/api/2.0/{path}", self.base)).json(body).map_err(Failure::from)?;
        self.answer(what, request)
    }

    /// A file's bytes; none where there is none.
    pub(crate) fn download(&self, what: &str, path: &str) -> Result<Option<Vec<u8>>, MlflowError> {
        let response = self.send(Request::get(format!("{}/api/2.0/{}", self.base, escaped(path, "/"))))?;
        match response.status {
            404 => Ok(None),
            _ => Ok(Some(checked(what, response)?.body)),
        }
    }

    /// Puts a file in its place.
    pub(crate) fn upload(&self, what: &str, path: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), MlflowError> {
        let request = Request::put(format!("{}/api/2.0/{}", self.base, escaped(path, "/"))).body(media_type, bytes);
        checked(what, self.send(request)?).map(drop)
    }

    fn answer<T: DeserializeOwned>(&self, what: &str, request: Request) -> Result<T, MlflowError> {
        let response = checked(what, self.send(request)?)?;
        Ok(response.json().map_err(Failure::from)?)
    }

    fn send(&self, mut request: Request) -> Result<Response, Failure> {
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization.as_str());
        }
        Ok(self.client.send(&request.timeout(TIMEOUT))?)
    }
}

/// What the server says is wrong.
#[derive(serde::Deserialize)]
struct Refusal {
    error_code: String,
    #[serde(default)]
    message: String,
}

fn checked(what: &str, response: Response) -> Result<Response, MlflowError> {
    if response.is_success() {
        return Ok(response);
    }
    if response.is_transient() {
        return Err(Failure::Retry(format!("MLflow answered {} to {what}: {}", response.status, response.excerpt())).into());
    }
    Err(match response.json::<Refusal>() {
        Ok(Refusal { error_code, message }) => MlflowError::Refused { code: error_code, what: what.to_owned(), message },
        Err(_) => {
            let message = format!("MLflow refused {what} with status {}: {}", response.status, response.excerpt());
            Failure::BadParams(message).into()
        }
    })
}

/// A text as part of an address (RFC 3986, unreserved characters), with those in `also` as they are.
pub(crate) fn escaped(text: &str, also: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || (c.is_ascii() && also.contains(c)) {
            escaped.push(c);
        } else {
            // Writing to a string cannot fail.
            let _written = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: vec![], body: body.as_bytes().to_vec() }
    }

    #[test]
    fn what_the_server_says_is_told_with_what_was_asked() {
        let refused = checked("a run", response(404, r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"No run"}"#));
        let Failure::BadParams(message) = Failure::from(refused.unwrap_err()) else { panic!("expected a refusal") };
        assert_eq!(message, "MLflow refused a run: RESOURCE_DOES_NOT_EXIST: No run");
        let page = checked("a run", response(403, "<html>no</html>"));
        assert_eq!(page.unwrap_err(), Failure::bad_params("MLflow refused a run with status 403: <html>no</html>").into());
        let later = checked("a run", response(503, "busy"));
        assert_eq!(later.unwrap_err(), Failure::Retry("MLflow answered 503 to a run: busy".to_owned()).into());
    }

    #[test]
    fn an_address_holds_any_name() {
        assert_eq!(escaped("a b/ü&'", ""), "a%20b%2F%C3%BC%26%27");
        assert_eq!(escaped("1/run/artifacts/learning curve.csv", "/"), "1/run/artifacts/learning%20curve.csv");
    }
}
