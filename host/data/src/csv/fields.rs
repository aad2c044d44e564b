//! The fields of one record, as text.

use std::borrow::Cow;

use memchr::memchr;

/// What becomes of the quotes around a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoted {
    /// They stay, and what is between them as it is.
    Keep,
    /// They go, and quotes written twice become one.
    Open,
}

/// The fields of a record that was read without a fault in its quotes.
pub(crate) fn fields(record: &str, delimiter: u8, quoted: Quoted) -> impl Iterator<Item = Cow<'_, str>> {
    let mut rest = Some(record);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = end(text.as_bytes(), delimiter);
        rest = text.get(end + 1..).filter(|_| end < text.len());
        let field = &text[..end];
        let inner = field.strip_prefix('"').and_then(|field| field.strip_suffix('"'));
        Some(match inner {
            Some(inner) if quoted == Quoted::Open => Cow::Owned(inner.replace("\"\"", "\"")),
            _ => Cow::Borrowed(field),
        })
    })
}

/// Where the first field ends.
fn end(bytes: &[u8], delimiter: u8) -> usize {
    let mut at = 0;
    if bytes.first() == Some(&b'"') {
        at = 1;
        while let Some(quote) = memchr(b'"', bytes.get(at..).unwrap_or_default()) {
            at += quote + 1;
            if bytes.get(at) != Some(&b'"') {
                break;
            }
            at += 1;
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + memchr(delimiter, rest).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_that_stand_there() {
        let all = |record, quoted| fields(record, b',', quoted).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(all("a,\"b,\"\"c\",,d\"e", Quoted::Open), ["a", "b,\"c", "", "d\"e"]);
        assert_eq!(all("a,\"b,\"\"c\",,d\"e", Quoted::Keep), ["a", "\"b,\"\"c\"", "", "d\"e"]);
        assert_eq!(all("a,", Quoted::Open), ["a", ""]);
        assert_eq!(all("\"x\ny\"", Quoted::Open), ["x\ny"]);
        assert_eq!(all("é,ü", Quoted::Keep), ["é", "ü"]);
    }
}
