//! Values of secrets that come back in an answer, in any of the forms in which a server may repeat them, are covered with asterisks of the same length, so
//! that lengths stay right and JSON stays JSON.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::substitute::{Form, form_encoded};

/// The texts to cover.
#[derive(Default, Clone)]
pub(crate) struct Needles(Vec<Zeroizing<Vec<u8>>>);

impl Needles {
    /// Adds a value in all of its forms.
    pub(crate) fn add(&mut self, value: &str) {
        let mut forms: Vec<_> = [Form::Plain, Form::Json, Form::UrlEncoded, Form::Path].map(|form| form.encode(value)).into();
        forms.push(form_encoded(value).replace('+', "%20"));
        forms.extend(STANDARD.encode(value).ends_with('=').then(|| STANDARD.encode(value)));
        for before in 0..3 {
            forms.extend(within_base64(&STANDARD_NO_PAD, value, before));
            forms.extend(within_base64(&URL_SAFE_NO_PAD, value, before));
        }
        for form in forms {
            let form = Zeroizing::new(form.into_bytes());
            if !form.is_empty() && !self.0.contains(&form) {
                self.0.push(form);
            }
        }
        // The longest first: a shorter form can be a part of a longer one, of which nothing should stay.
        self.0.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Covers every needle in the bytes.
    pub(crate) fn cover(&self, bytes: &mut [u8]) {
        for needle in &self.0 {
            let mut from = 0;
            while let Some(at) = find(&bytes[from..], needle) {
                bytes[from + at..from + at + needle.len()].fill(b'*');
                from += at + needle.len();
            }
        }
    }

    /// The same for a text: needles are whole texts, so that it stays one.
    pub(crate) fn cover_text(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.cover(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn longest(&self) -> usize {
        self.0.iter().map(|needle| needle.len()).max().unwrap_or(0)
    }
}

/// The fewest characters of base64 that are looked for: fewer stand by chance in many texts.
const LEAST_BASE64: usize = 6;

/// What of the base64 of a longer text depends on the value alone, where `before` more bytes than a multiple of three stand before it.
fn within_base64(engine: &GeneralPurpose, value: &str, before: usize) -> Option<String> {
    let mut bytes = Zeroizing::new(vec![0; before]);
    bytes.extend_from_slice(value.as_bytes());
    let encoded = engine.encode(&bytes);
    let start = (before * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    encoded.get(start..end).filter(|inner| inner.len() >= LEAST_BASE64).map(str::to_owned)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Covers what passes in pieces: as much is held back as a needle could still need.
pub(crate) struct Stream {
    needles: Needles,
    held: Vec<u8>,
}

impl Stream {
    pub(crate) fn new(needles: Needles) -> Self {
        Self { needles, held: vec![] }
    }

    /// Takes a piece and gives what can go on.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        self.needles.cover(&mut self.held);
        let keep = self.needles.longest().saturating_sub(1).min(self.held.len());
        let rest = self.held.split_off(self.held.len() - keep);
        std::mem::replace(&mut self.held, rest)
    }

    /// Gives what was held back, at the end.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needles() -> Needles {
        let mut needles = Needles::default();
        needles.add("s3cr3t \"q\"");
        needles
    }

    #[test]
    fn every_form_is_covered() {
        let forms =
            ["s3cr3t \"q\"", "s3cr3t \\\"q\\\"", "s3cr3t+%22q%22", "s3cr3t%20%22q%22", "czNjcjN0ICJxIg==", "czNjcjN0ICJxI"];
        for form in forms {
            let covered = needles().cover_text(&format!("<{form}>"));
            assert_eq!(covered, format!("<{}>", "*".repeat(form.len())), "{form}");
        }
        assert_eq!(needles().cover_text("s3cr3t"), "s3cr3t");
    }

    #[test]
    fn base64_of_more_than_the_value_shows_nothing_of_it() {
        for before in ["", "a", "ab", "user:"] {
            for after in ["", "x", "xy"] {
                let covered = needles().cover_text(&STANDARD.encode(format!("{before}s3cr3t \"q\"{after}")));
                // At most one character on each side is shared with the neighbours.
                assert!(covered.contains(&"*".repeat(11)), "{before} {after}: {covered}");
            }
        }
    }

    #[test]
    fn however_it_is_cut_into_pieces() {
        let text = "before s3cr3t \"q\" between s3cr3t \"q\" after";
        let whole = needles().cover_text(text);
        for size in 1..text.len() {
            let mut stream = Stream::new(needles());
            let mut passed: Vec<u8> = text.as_bytes().chunks(size).flat_map(|piece| stream.push(piece)).collect();
            passed.extend(stream.finish());
            assert_eq!(String::from_utf8(passed).unwrap(), whole, "in pieces of {size}");
        }
    }
}
