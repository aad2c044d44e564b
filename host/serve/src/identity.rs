//! Ids that tell requests and spans apart. They are no secrets.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

use http::HeaderMap;
use sprag_scoring::TraceParent;

/// The headers in which a client names its request; the second is what Azure's clients send.
const REQUEST_IDS: [&str; 2] = ["x-request-id", "x-ms-request-id"];

/// The longest id that is taken from a client, in bytes.
const MOST_ID: usize = 128;

thread_local! {
    /// The state of this thread's generator, seeded by the randomness that the standard library keeps for its hash maps.
    static STATE: Cell<u64> = Cell::new(RandomState::new().build_hasher().finish());
}

/// The next number of SplitMix64.
fn random() -> u64 {
    STATE.with(|state| {
        let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(next);
        let mut z = next;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// How one request is called.
pub(crate) struct Identity {
    /// The request's id: the client's where it sent one.
    pub(crate) request: String,
    /// The trace that it belongs to, and the span that answers it.
    pub(crate) trace: TraceParent,
}

impl Identity {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = REQUEST_IDS.iter().find_map(|name| headers.get(*name)).and_then(|id| id.to_str().ok());
        let given = given.filter(|id| !id.is_empty() && id.len() <= MOST_ID && id.bytes().all(|byte| byte.is_ascii_graphic()));
        let request = given.map_or_else(|| format!("{:016x}{:016x}", random(), random()), str::to_owned);
        let caller = headers.get("traceparent").and_then(|header| header.to_str().ok());
        let trace = (u128::from(random()) << 64) | u128::from(random() | 1);
        Self { request, trace: TraceParent::answer(caller, trace, random() | 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_s_id_is_kept_where_it_can_be_logged() {
        let of = |id: &str| {
            let headers = [(http::HeaderName::from_static("x-ms-request-id"), id.parse().unwrap())].into_iter().collect();
            Identity::of(&headers).request
        };
        assert_eq!(of("order-7"), "order-7");
        for id in ["", "two words", &"x".repeat(200)] {
            assert_eq!(of(id).len(), 32, "{id}");
        }
        assert_ne!(Identity::of(&HeaderMap::new()).request, Identity::of(&HeaderMap::new()).request);
    }
}
