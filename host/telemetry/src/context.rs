//! The span that something is part of, as W3C Trace Context writes it (<https://www.w3.org/TR/trace-context/>), and the ids of our own.

use std::fmt;
use std::str::FromStr;

use sprag_core::digest::Digest;

/// A place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The trace.
    pub trace: [u8; 16],
    /// The span.
    pub span: [u8; 8],
    /// Whether whoever began the trace wants it to be recorded.
    pub is_sampled: bool,
}

/// A text that names no place in a trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a `traceparent` such as `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`, found `{0}`")]
pub struct ContextError(String);

impl FromStr for Context {
    type Err = ContextError;

    fn from_str(text: &str) -> Result<Self, ContextError> {
        read(text).ok_or_else(|| ContextError(text.chars().take(80).collect()))
    }
}

fn read(text: &str) -> Option<Context> {
    let parts: Vec<_> = text.split('-').collect();
    let [version, trace, span, flags, ref rest @ ..] = parts[..] else { return None };
    let version = bytes::<1>(version)?;
    // Later versions may say more after what this one says.
    if version == [0xff] || (version == [0] && !rest.is_empty()) {
        return None;
    }
    let (trace, span, flags) = (bytes::<16>(trace)?, bytes::<8>(span)?, bytes::<1>(flags)?);
    (trace != [0; 16] && span != [0; 8]).then_some(Context { trace, span, is_sampled: flags[0] & 1 == 1 })
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let is_hex = hex.len() == 2 * N && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate().filter(|_| is_hex) {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    is_hex.then_some(bytes)
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        write!(f, "00-{}-{}-0{}", hex(&self.trace), hex(&self.span), u8::from(self.is_sampled))
    }
}

impl Context {
    /// The trace of something that is part of no other: by its id, so that it is the same each time.
    pub(crate) fn root(id: &str) -> [u8; 16] {
        first(&format!("trace {id}"))
    }

    /// The span of a part of something.
    pub(crate) fn span_of(id: &str, part: &str) -> [u8; 8] {
        first(&format!("span {id} {part}"))
    }
}

/// The first bytes of a text's digest, which are practically never all zero.
fn first<const N: usize>(text: &str) -> [u8; N] {
    bytes(&Digest::of(text.as_bytes()).hex()[..2 * N]).expect("a digest's hexadecimal digits are digits, and more than enough")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_and_written() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context: Context = text.parse().unwrap();
        assert!(context.is_sampled && context.to_string() == text);
        assert!(!text.replace("-01", "-00").parse::<Context>().unwrap().is_sampled);
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more";
        assert_eq!(later.parse::<Context>().unwrap(), context);
    }

    #[test]
    fn what_is_none_is_refused() {
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-ü0af7651916cd43dd8448eb211c8031-b7ad6b7169203331-01",
        ] {
            assert!(wrong.parse::<Context>().is_err(), "{wrong}");
        }
    }
}
