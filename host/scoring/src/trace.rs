//! W3C Trace Context: the `traceparent` header, version 00 (<https://www.w3.org/TR/trace-context/>).

use std::fmt;
use std::str::FromStr;

/// A trace and the span in it that calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace: u128,
    /// The span.
    pub span: u64,
    /// The flags; the lowest bit says that the trace is sampled.
    pub flags: u8,
}

/// The header is no `traceparent`; whoever receives it starts a new trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `00-<32 digits>-<16 digits>-<2 digits>` of lower-case hexadecimal, neither id all zero")]
pub struct BadTrace;

impl FromStr for TraceParent {
    type Err = BadTrace;

    fn from_str(text: &str) -> Result<Self, BadTrace> {
        let mut parts = text.trim().split('-');
        let mut part = |length: usize| {
            let is_hex = |text: &&str| text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            parts.next().filter(is_hex).ok_or(BadTrace)
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // A later version may append parts, and this one may not; version ff is forbidden.
        let has_more = parts.next().is_some();
        if version == "ff" || (version == "00" && has_more) {
            return Err(BadTrace);
        }
        let trace = u128::from_str_radix(trace, 16).map_err(|_| BadTrace)?;
        let span = u64::from_str_radix(span, 16).map_err(|_| BadTrace)?;
        let flags = u8::from_str_radix(flags, 16).map_err(|_| BadTrace)?;
        if trace == 0 || span == 0 { Err(BadTrace) } else { Ok(Self { trace, span, flags }) }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl TraceParent {
    /// The span that answers a request: in the caller's trace where there is one, else in a new one. `trace` and `span` are random and not 0.
    #[must_use]
    pub fn answer(caller: Option<&str>, trace: u128, span: u64) -> Self {
        match caller.and_then(|header| header.parse::<Self>().ok()) {
            Some(caller) => Self { span, ..caller },
            None => Self { trace, span, flags: 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_is_continued_with_a_span_of_its_own() {
        let answer = TraceParent::answer(Some(GOOD), 1, 2);
        assert_eq!(answer.to_string(), "00-0af7651916cd43dd8448eb211c80319c-0000000000000002-01");
        assert_eq!(GOOD.parse::<TraceParent>().unwrap().to_string(), GOOD);
    }

    #[test]
    fn what_is_no_trace_starts_a_new_one() {
        let bad = [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ];
        for header in bad {
            assert_eq!(header.parse::<TraceParent>(), Err(BadTrace), "{header}");
            assert_eq!(TraceParent::answer(Some(header), 1, 2), TraceParent { trace: 1, span: 2, flags: 0 });
        }
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more";
        assert_eq!(later.parse::<TraceParent>().unwrap().span, 0xb7ad_6b71_6920_3331);
    }
}
