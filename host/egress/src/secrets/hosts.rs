//! The hosts that a secret may be sent to: `host`, `host:port`, `*.suffix`.

use std::str::FromStr;

/// One entry of a secret's `hosts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPattern {
    host: String,
    is_suffix: bool,
    port: Option<u16>,
}

impl HostPattern {
    /// One host at one port.
    pub(crate) fn exact(host: &str, port: u16) -> Self {
        Self { host: bare(host), is_suffix: false, port: Some(port) }
    }

    pub(crate) fn covers(&self, host: &str, port: u16) -> bool {
        let host = bare(host);
        let is_host = match host.strip_suffix(self.host.as_str()) {
            Some("") => !self.is_suffix,
            Some(rest) => self.is_suffix && rest.len() > 1 && rest.ends_with('.'),
            None => false,
        };
        is_host && self.port.is_none_or(|own| own == port)
    }
}

fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected `host`, `host:port` or `*.suffix` in `hosts`, found `{text}`");
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                let port = port.parse().ok().filter(|&port: &u16| port > 0);
                (host, Some(port.ok_or_else(wrong)?))
            }
            _ => (text, None),
        };
        let (host, is_suffix) = host.strip_prefix("*.").map_or((host, false), |suffix| (suffix, true));
        let host = bare(host);
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
        if host.is_empty() || host.starts_with('.') || !host.chars().all(good) {
            return Err(wrong());
        }
        Ok(Self { host, is_suffix, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_says() {
        let covers = |pattern: &str, host: &str, port| pattern.parse::<HostPattern>().unwrap().covers(host, port);
        assert!(covers("example.com", "EXAMPLE.com", 443) && covers("example.com", "example.com", 8443));
        assert!(!covers("example.com:443", "example.com", 8443) && !covers("example.com", "a.example.com", 443));
        assert!(covers("*.example.com", "a.b.example.com", 443));
        assert!(!covers("*.example.com", "example.com", 443) && !covers("*.example.com", "evilexample.com", 443));
        assert!(covers("[::1]:80", "[::1]", 80) && covers("::1", "[::1]", 80) && !covers("[::1]:80", "::1", 81));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", "*", "*.", "https://a", "a/b", "a:0", "a:b", "u@a"] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
