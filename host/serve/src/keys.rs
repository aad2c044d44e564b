//! Bearer keys: read, and compared in a time that tells nothing about them.

use std::path::Path;

use sprag_core::digest::Digest;
use subtle::{Choice, ConstantTimeEq};

use crate::config::KeySource;
use crate::error::ServeError;

/// The fewest bytes of a key that nobody guesses.
const LEAST_BYTES: usize = 16;

/// The keys that open a service, as their digests: a digest has one length, so that a comparison tells nothing about a key's own.
#[derive(Debug)]
pub(crate) struct Keys(Vec<Digest>);

impl Keys {
    /// Reads the keys of all sources. Each must have one.
    pub(crate) fn read(sources: &[KeySource]) -> Result<Self, ServeError> {
        let mut all = vec![];
        for source in sources {
            let Self(keys) = match source {
                KeySource::File(path) => Self::of_file(path)?,
                KeySource::Given { keys, origin } => Self::of(keys.iter().map(String::as_str), origin)?,
            };
            all.extend(keys);
        }
        Ok(Self(all))
    }

    fn of_file(path: &Path) -> Result<Self, ServeError> {
        let failed = |source| ServeError::File { what: "read the keys in", path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let keys = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self::of(keys, &format!("`{}`", path.display()))
    }

    fn of<'a>(keys: impl Iterator<Item = &'a str>, origin: &str) -> Result<Self, ServeError> {
        let wrong = |expected, found: String| ServeError::Keys { expected, origin: origin.to_owned(), found };
        let mut digests = vec![];
        for (count, key) in (1..).zip(keys) {
            if key.len() < LEAST_BYTES {
                return Err(wrong("keys of at least 16 characters", format!("{} in key {count}", key.len())));
            }
            if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(wrong("keys of visible ASCII characters", format!("others in key {count}")));
            }
            digests.push(Digest::of(key.as_bytes()));
        }
        if digests.is_empty() { Err(wrong("at least one key", "none".to_owned())) } else { Ok(Self(digests)) }
    }

    /// Whether an `authorization` header opens the service. All keys are looked at, whichever fits.
    pub(crate) fn accept(&self, authorization: Option<&[u8]>) -> bool {
        let Some(header) = authorization else { return false };
        let Some((scheme, key)) = header.split_at_checked(7) else { return false };
        if !scheme.eq_ignore_ascii_case(b"bearer ") {
            return false;
        }
        let given = Digest::of(key.trim_ascii());
        let fits = self.0.iter().fold(Choice::from(0), |fits, key| fits | key.as_bytes().ct_eq(given.as_bytes()));
        fits.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "0123456789abcdef";
    const SECOND: &str = "another-long-key-of-24ch";

    #[test]
    fn any_of_the_keys_opens_and_nothing_else() {
        let keys = Keys::of([FIRST, SECOND].into_iter(), "here").unwrap();
        for header in [format!("Bearer {FIRST}"), format!("bearer {SECOND}"), format!("BEARER  {FIRST} ")] {
            assert!(keys.accept(Some(header.as_bytes())), "{header}");
        }
        for header in
            ["", "Bearer", "Bearer ", "Basic 0123456789abcdef", "Bearer 0123456789abcde", "Bearer 0123456789abcdeff", FIRST]
        {
            assert!(!keys.accept(Some(header.as_bytes())), "{header}");
        }
        assert!(!keys.accept(None));
    }

    #[test]
    fn keys_that_protect_nothing_are_refused_and_never_shown() {
        let told = |keys: &[&str]| Keys::of(keys.iter().copied(), "`keys.txt`").unwrap_err().to_string();
        assert_eq!(told(&[]), "expected at least one key in `keys.txt`, found none");
        assert_eq!(told(&[FIRST, "short"]), "expected keys of at least 16 characters in `keys.txt`, found 5 in key 2");
        assert_eq!(
            told(&["0123456789abcde\u{e9}f"]),
            "expected keys of visible ASCII characters in `keys.txt`, found others in key 1"
        );
    }
}
