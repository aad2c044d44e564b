//! Names in a registry: `registry.example.com:5000/team/diabetes:3` or `...@sha256:...`.

use std::fmt;
use std::str::FromStr;

use sprag_core::digest::Digest;

/// A repository of a registry, perhaps with a tag or a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The registry's host, perhaps with a port.
    pub host: String,
    /// The repository.
    pub repository: String,
    /// The tag.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Option<Digest>,
}

/// A text that names nothing in a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `HOST[:PORT]/REPOSITORY[:TAG]`, found `{text}`: {reason}")]
pub struct ParseReferenceError {
    text: String,
    reason: &'static str,
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason| ParseReferenceError { text: text.chars().take(300).collect(), reason };
        if text.contains("://") {
            return Err(wrong("it begins with a scheme, which a registry's name has not"));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                (name, Some(digest.parse().map_err(|_| wrong("what follows the `@` is no digest of SHA-256"))?))
            }
            None => (text, None),
        };
        let (host, path) = name.split_once('/').ok_or_else(|| wrong("it has no `/` between registry and repository"))?;
        // Docker would take a first word without a dot for a part of a repository on its own registry: sprag has no registry of its own.
        if host != "localhost" && !host.contains(['.', ':']) {
            return Err(wrong("the registry's host has neither a dot nor a port"));
        }
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte)) {
            return Err(wrong("the host has a character that no host has"));
        }
        if !repository.split('/').all(is_component) {
            return Err(wrong("the repository is lower-case letters and digits, joined by `.`, `_`, `-` and `/`"));
        }
        if !tag.is_none_or(is_tag) {
            return Err(wrong("the tag is up to 128 letters, digits, `.`, `_` and `-`, and begins with none of the last two"));
        }
        Ok(Self { host: host.to_owned(), repository: repository.to_owned(), tag: tag.map(str::to_owned), digest })
    }
}

fn is_component(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()].into_iter().all(|end| end.copied().is_some_and(is_inner));
    ends && bytes.iter().all(|byte| is_inner(*byte) || b"._-".contains(byte))
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = text.as_bytes();
    bytes.len() <= 128
        && bytes.first().copied().is_some_and(is_word)
        && bytes.iter().all(|byte| is_word(*byte) || b".-".contains(byte))
}

impl Reference {
    /// The repository without tag or digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }

    /// What a manifest is asked for by: the digest, else the tag, else `latest`.
    pub fn which(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }

    /// The same repository with another tag.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Self {
        Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_read_back_what_they_wrote() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for text in [
            "localhost/a",
            "127.0.0.1:5000/diabetes",
            "ghcr.io/team/models/diabetes:3",
            "[::1]:5000/a:V1.0_x-y",
            &format!("r.example.com/a@{digest}"),
            &format!("r.example.com/a:1@{digest}"),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.to_string(), text);
        }
        let reference: Reference = "r.example.com:443/a/b:3".parse().unwrap();
        assert_eq!((reference.name().as_str(), reference.which().as_str()), ("r.example.com:443/a/b", "3"));
        assert_eq!(reference.tagged("4").to_string(), "r.example.com:443/a/b:4");
    }

    #[test]
    fn other_texts_say_what_is_wrong() {
        for (text, reason) in [
            ("diabetes", "no `/`"),
            ("team/diabetes:3", "neither a dot nor a port"),
            ("r.example.com/Team/a", "lower-case"),
            ("r.example.com/a//b", "lower-case"),
            ("r.example.com/", "lower-case"),
            ("r.example.com/a:-1", "the tag"),
            ("r.example.com/a:", "the tag"),
            ("r.example.com/a@sha256:12", "no digest"),
            ("r.exa mple.com/a", "no host has"),
            ("https://r.example.com/a", "a scheme"),
        ] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
