//! A request and its answer.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The whole address, such as `https://api.example.com/things?page=2`.
    pub url: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// The longest wait for the answer to begin, and between two pieces of it. None leaves it to the host.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self { method: method.to_owned(), url: url.into(), headers: vec![], body: vec![], timeout: None }
    }

    /// A `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A `POST`.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// A `PUT`.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new("PUT", url)
    }

    /// A `PATCH`.
    pub fn patch(url: impl Into<String>) -> Self {
        Self::new("PATCH", url)
    }

    /// A `DELETE`.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds `authorization: Bearer` with a token or, better, a secret's placeholder.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sets the body and its media type.
    #[must_use]
    pub fn body(mut self, media_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = bytes.into();
        self.header("content-type", media_type)
    }

    /// Sets the body to a value as JSON.
    ///
    /// # Errors
    ///
    /// The value has no form in JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(value).map_err(|error| Error::BadRequest(format!("the body is no JSON: {error}")))?;
        Ok(self.body("application/json", bytes))
    }

    /// Bounds the wait for the answer.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The address in its parts: whether it is HTTPS, host and port, path with query.
    #[cfg_attr(not(any(target_arch = "wasm32", test)), expect(dead_code, reason = "only a component sends"))]
    pub(super) fn parts(&self) -> Result<(bool, &str, String), Error> {
        let wrong =
            || Error::BadRequest(format!("expected an address that begins with `http://` or `https://`, found `{}`", self.url));
        let (scheme, rest) = self.url.split_once("://").ok_or_else(wrong)?;
        let tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.is_empty() {
            return Err(wrong());
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok((tls, authority, path))
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, in order, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Whether the same request may succeed later: too many requests (429), or a fault of the server (5xx) other than 501 and 505, which stay.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.status == 429 || (self.status >= 500 && self.status != 501 && self.status != 505)
    }

    /// The first header of a name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The wait that the server asks for, where it gives seconds (`retry-after`).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// It does not fit the type: says where, with the body's beginning.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::Broken(format!("expected JSON of another shape, found `{}`: {error}", self.excerpt())))
    }

    /// The beginning of the body, on one line, for an error.
    #[must_use]
    pub fn excerpt(&self) -> String {
        const MOST: usize = 300;
        let text = self.text();
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(MOST) {
            Some((end, _)) => format!("{}...", &line[..end]),
            None => line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_path() {
        let check = |url: &str, tls: bool, host: &str, path: &str| {
            assert_eq!(Request::get(url).parts().unwrap(), (tls, host, path.to_owned()), "{url}");
        };
        check("https://h", true, "h", "/");
        check("http://h:80/a?b=c#d", false, "h:80", "/a?b=c");
        check("https://h?b=c", true, "h", "/?b=c");
        check("http://[::1]:8080/x", false, "[::1]:8080", "/x");
        for wrong in ["", "h/a", "ftp://h/a", "https:///a"] {
            assert!(matches!(Request::get(wrong).parts(), Err(Error::BadRequest(_))), "{wrong}");
        }
    }

    #[test]
    fn what_may_pass_is_told_from_what_stays() {
        let answer = |status| Response { status, headers: vec![("retry-after".to_owned(), "7".to_owned())], body: vec![] };
        assert!([429, 500, 503].into_iter().all(|status| answer(status).is_transient()));
        assert!(![200, 302, 401, 404, 501].into_iter().any(|status| answer(status).is_transient()));
        assert_eq!(answer(503).retry_after(), Some(Duration::from_secs(7)));
    }
}
