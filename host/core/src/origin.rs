//! Origins that a stage may reach, as grants write them: `https://host`, `https://host:port`, `https://*.suffix`.

use std::fmt;
use std::str::FromStr;

/// One granted origin: a scheme, a host or all hosts below a suffix, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether requests must be encrypted.
    pub is_https: bool,
    /// The host in lower case, or, after `*.`, the suffix.
    host: String,
    is_suffix: bool,
    /// The port.
    pub port: u16,
}

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an origin such as `https://example.com` or `http://127.0.0.1:8080`, found `{0}`")]
pub struct OriginError(String);

impl Origin {
    /// Whether a request to this scheme, host and port is within the origin. A suffix covers every host below it and not itself.
    pub fn covers(&self, is_https: bool, host: &str, port: u16) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let is_host = match host.strip_suffix(self.host.as_str()) {
            Some("") => !self.is_suffix,
            Some(rest) => self.is_suffix && rest.len() > 1 && rest.ends_with('.'),
            None => false,
        };
        is_host && self.is_https == is_https && self.port == port
    }

    /// Whether every request within another origin is within this one.
    pub fn includes(&self, other: &Self) -> bool {
        let is_same_port = self.is_https == other.is_https && self.port == other.port;
        let is_below = || self.is_suffix && other.host.strip_suffix(self.host.as_str()).is_some_and(|rest| rest.ends_with('.'));
        is_same_port && ((self.host == other.host && self.is_suffix == other.is_suffix) || is_below())
    }

    /// Whether the grant names one host by itself, rather than all below a suffix.
    pub const fn is_exact(&self) -> bool {
        !self.is_suffix
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let wrong = || OriginError(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let is_https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let default = if is_https { 443 } else { 80 };
        let (host, port) = split_port(rest).ok_or_else(wrong)?;
        let port = port.map_or(Some(default), |port| port.parse().ok().filter(|&port: &u16| port > 0)).ok_or_else(wrong)?;
        let (host, is_suffix) = host.strip_prefix("*.").map_or((host, false), |suffix| (suffix, true));
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
        // An address has no names below it.
        let is_below_address = is_suffix && host.contains(':');
        if host.is_empty() || !host.chars().all(good) || host.starts_with('.') || is_below_address {
            return Err(wrong());
        }
        Ok(Self { is_https, host: host.to_ascii_lowercase(), is_suffix, port })
    }
}

/// The host and the port of `host`, `host:port` or `[v6]:port`.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return if rest.is_empty() { Some((host, None)) } else { Some((host, Some(rest.strip_prefix(':')?))) };
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host, Some(port))),
        Some(_) => None,
        None => Some((text, None)),
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        let star = if self.is_suffix { "*." } else { "" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{scheme}://{star}{host}")?;
        let default = if self.is_https { 443 } else { 80 };
        if self.port == default { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_round_trip() {
        for text in
            ["https://example.com", "http://127.0.0.1:8080", "https://*.azure.com", "http://[::1]:80", "https://a_b-c.d:1"]
        {
            let origin: Origin = text.parse().unwrap();
            assert_eq!(origin.to_string().parse::<Origin>().unwrap(), origin, "{text}");
        }
        assert_eq!("https://Example.com:443".parse::<Origin>().unwrap().to_string(), "https://example.com");
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "example.com",
            "ftp://x",
            "https://",
            "https://x/",
            "https://x:0",
            "https://x:99999",
            "https://*",
            "https://*.",
            "https://u@x",
            "http://a:1:2",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_suffix_includes_what_is_below_it() {
        let includes = |one: &str, other: &str| one.parse::<Origin>().unwrap().includes(&other.parse().unwrap());
        for (one, other) in [
            ("https://a.com", "https://a.com:443"),
            ("https://*.a.com", "https://b.a.com"),
            ("https://*.a.com", "https://*.a.com"),
            ("https://*.a.com", "https://*.b.a.com"),
        ] {
            assert!(includes(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("https://a.com", "https://*.a.com"),
            ("https://*.a.com", "https://a.com"),
            ("https://*.a.com", "https://ba.com"),
            ("https://*.b.a.com", "https://*.a.com"),
            ("https://a.com", "http://a.com:443"),
            ("https://a.com", "https://a.com:8443"),
        ] {
            assert!(!includes(one, other), "{one} {other}");
        }
    }

    #[test]
    fn scheme_host_and_port_must_all_fit() {
        let covers = |origin: &str, https, host: &str, port| origin.parse::<Origin>().unwrap().covers(https, host, port);
        assert!(covers("https://example.com", true, "EXAMPLE.com", 443));
        assert!(!covers("https://example.com", false, "example.com", 443));
        assert!(!covers("https://example.com", true, "example.com", 8443));
        assert!(!covers("https://example.com", true, "evil-example.com", 443));
        assert!(covers("https://*.azure.com", true, "management.azure.com", 443));
        assert!(!covers("https://*.azure.com", true, "azure.com", 443));
        assert!(!covers("https://*.azure.com", true, "evilazure.com", 443));
        assert!(covers("http://[::1]:9", false, "[::1]", 9));
    }
}
