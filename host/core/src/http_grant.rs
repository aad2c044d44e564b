//! What a stage may send requests to, as grants and policies write it: an origin, perhaps after the only methods.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::origin::Origin;

/// One granted origin with the methods that are granted toward it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpGrant {
    /// The only methods; none where all are.
    methods: Option<BTreeSet<String>>,
    /// Where requests may go.
    pub origin: Origin,
}

/// Why a text grants no requests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an origin such as `https://example.com` or `http://127.0.0.1:8080`, perhaps after methods (`GET,HEAD https://example.com`), found `{0}`"
)]
pub struct HttpGrantError(String);

impl HttpGrant {
    /// Whether a request of this method may be sent to the origin.
    pub fn allows(&self, method: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(method))
    }

    /// Whether it allows all that another one does.
    pub fn includes(&self, other: &Self) -> bool {
        let methods = match (&self.methods, &other.methods) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(others)) => own.is_superset(others),
        };
        methods && self.origin.includes(&other.origin)
    }
}

impl From<Origin> for HttpGrant {
    fn from(origin: Origin) -> Self {
        Self { methods: None, origin }
    }
}

impl FromStr for HttpGrant {
    type Err = HttpGrantError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || HttpGrantError(text.to_owned());
        let (methods, origin) = match text.split_once(' ') {
            Some((methods, origin)) => (Some(methods), origin.trim_start()),
            None => (None, text),
        };
        let is_method = |method: &str| !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        let methods = methods.map(|methods| methods.split(',').map(str::to_owned).collect::<BTreeSet<_>>());
        if methods.iter().flatten().any(|method| !is_method(method)) {
            return Err(wrong());
        }
        Ok(Self { methods, origin: origin.parse().map_err(|_| wrong())? })
    }
}

impl fmt::Display for HttpGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(methods) = &self.methods {
            write!(f, "{} ", methods.iter().map(String::as_str).collect::<Vec<_>>().join(","))?;
        }
        self.origin.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip() {
        for text in ["https://example.com", "GET https://*.example.com:8443", "GET,HEAD http://127.0.0.1:1"] {
            assert_eq!(text.parse::<HttpGrant>().unwrap().to_string(), text);
        }
        for text in
            ["", "GET", "get https://a.com", "GET, HEAD https://a.com", "GET,,HEAD https://a.com", " https://a.com", "GET a.com"]
        {
            assert!(text.parse::<HttpGrant>().is_err(), "{text}");
        }
    }

    #[test]
    fn fewer_methods_are_included_in_more() {
        let includes = |one: &str, other: &str| one.parse::<HttpGrant>().unwrap().includes(&other.parse().unwrap());
        assert!(includes("https://a.com", "GET https://a.com"));
        assert!(includes("GET,HEAD https://*.a.com", "GET https://b.a.com"));
        assert!(!includes("GET https://a.com", "https://a.com"));
        assert!(!includes("GET https://a.com", "GET,PUT https://a.com"));
        assert!(!includes("GET https://a.com", "GET https://b.com"));
        let grant: HttpGrant = "GET https://a.com".parse().unwrap();
        assert!(grant.allows("GET") && !grant.allows("POST"));
        assert!(HttpGrant::from(grant.origin).allows("POST"));
    }
}
