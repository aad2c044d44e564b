//! Values of secrets, looked for in all that a test leaves: as they are, and in the forms in which programs write text down.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::Outcome;

/// The value of a secret, which must be nowhere but where it is for.
pub(crate) struct Hidden {
    forms: Vec<String>,
}

impl Hidden {
    /// A value, with all of its forms.
    pub(crate) fn of(value: &str) -> Self {
        let quoted = serde_json::Value::from(value).to_string();
        let escaped = |keeps: &str, space: &str| {
            value.bytes().fold(String::new(), |mut text, byte| {
                match char::from(byte) {
                    ' ' => text.push_str(space),
                    c if c.is_ascii_alphanumeric() || keeps.contains(c) => text.push(c),
                    _ => write!(text, "%{byte:02X}").unwrap(),
                }
                text
            })
        };
        let mut forms = vec![value.to_owned(), quoted[1..quoted.len() - 1].to_owned()];
        forms.extend([escaped("-_.~", "%20"), escaped("-_.*", "+"), escaped("-_.*/", "%20")]);
        forms.extend((0..3).flat_map(|before| {
            let inner = within_base64(value.as_bytes(), before);
            [inner.replace('+', "-").replace('/', "_"), inner]
        }));
        Self { forms }
    }

    fn is_in(&self, bytes: &[u8]) -> Option<&str> {
        let is_there = |form: &&String| bytes.windows(form.len()).any(|window| window == form.as_bytes());
        self.forms.iter().find(is_there).map(String::as_str)
    }

    /// Insists that it is not in what something says or holds.
    #[track_caller]
    pub(crate) fn is_not_in(&self, what: &str, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        if let Some(form) = self.is_in(bytes) {
            panic!("a secret is, as `{form}`, in {what}: {}", String::from_utf8_lossy(bytes));
        }
    }

    /// Insists that the program did not say it.
    #[track_caller]
    pub(crate) fn is_not_told(&self, outcomes: &[&Outcome]) {
        for outcome in outcomes {
            self.is_not_in("standard output", &outcome.stdout);
            self.is_not_in("standard error", &outcome.stderr);
        }
    }

    /// Insists that it is in no file under a folder.
    #[track_caller]
    pub(crate) fn is_nowhere_under(&self, dir: &Path) {
        let found = self.files(dir);
        assert!(found.is_empty(), "a secret is in {found:?}");
    }

    /// The files under a folder that have it in them.
    pub(crate) fn files(&self, dir: &Path) -> Vec<PathBuf> {
        files(dir).into_iter().filter(|path| fs::read(path).is_ok_and(|bytes| self.is_in(&bytes).is_some())).collect()
    }
}

/// The files under a folder. Pipes and sockets are none.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path()),
            Ok(kind) if kind.is_file() => vec![entry.path()],
            _ => vec![],
        })
        .collect()
}

/// What of the base64 of a longer text depends on the value alone, where `before` more bytes than a multiple of three stand before it.
fn within_base64(value: &[u8], before: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits =
        vec![0; before].into_iter().chain(value.iter().copied()).flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1));
    let bits: Vec<u8> = bits.skip((before * 8).div_ceil(6) * 6).collect();
    bits.chunks_exact(6).map(|six| char::from(LETTERS[six.iter().fold(0, |sum, bit| sum << 1 | usize::from(*bit))])).collect()
}

#[test]
fn a_secret_is_found_in_each_form() {
    let hidden = Hidden::of("s3cr3t/\"q\" of+mine");
    let texts = [
        "<s3cr3t/\"q\" of+mine>",
        r#"{"k":"s3cr3t/\"q\" of+mine"}"#,
        "?k=s3cr3t%2F%22q%22%20of%2Bmine",
        "k=s3cr3t%2F%22q%22+of%2Bmine",
        "/x/s3cr3t/%22q%22%20of%2Bmine",
        // `user:` and `xx:` before it, the URL's letters, and nothing.
        "dXNlcjpzM2NyM3QvInEiIG9mK21pbmU=",
        "eHg6czNjcjN0LyJxIiBvZittaW5l",
        "czNjcjN0LyJxIiBvZittaW5l",
        "eDpzM2NyM3QvInEiIG9mK21pbmU",
    ];
    for text in texts {
        assert!(hidden.is_in(text.as_bytes()).is_some(), "{text}");
    }
    assert_eq!(hidden.is_in(b"s3cr3t of mine"), None);
}
