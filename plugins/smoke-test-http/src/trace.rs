//! W3C Trace Context: the `traceparent` header that each request carries (<https://www.w3.org/TR/trace-context/>, version 00).

/// One trace, of which each request is a span.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    id: u128,
    state: u64,
}

impl Trace {
    /// A trace from the stage's seed and a moment in nanoseconds.
    pub(crate) fn new(seed: u64, moment: u128) -> Self {
        let [high, low] = [(moment >> 64) as u64, moment as u64];
        let mut trace = Self { id: 0, state: mix(seed ^ mix(low) ^ high) };
        // No id may be all zero; an odd one never is.
        trace.id = (u128::from(trace.random()) << 64) | u128::from(trace.random() | 1);
        trace
    }

    /// The header for the next request.
    pub(crate) fn parent(&mut self) -> String {
        let span = self.random() | 1;
        format!("00-{:032x}-{span:016x}-01", self.id)
    }

    /// The trace's id, as the header has it.
    pub(crate) fn id(&self) -> String {
        format!("{:032x}", self.id)
    }

    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }
}

/// The finalizer of SplitMix64.
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_a_span_of_one_trace() {
        let mut trace = Trace::new(0, 1);
        let (first, second) = (trace.parent(), trace.parent());
        assert_eq!((first.len(), &first[..3], &first[52..]), (55, "00-", "-01"));
        assert_eq!(first[3..35], second[3..35]);
        assert_ne!(first[36..52], second[36..52]);
        assert_eq!(first[3..35], trace.id());
        assert_ne!(Trace::new(0, 1).id(), Trace::new(0, 2).id());
        assert_ne!(Trace::new(0, 1).id(), Trace::new(1, 1).id());
    }
}
