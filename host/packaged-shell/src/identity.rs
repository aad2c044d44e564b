//! Ids that tell requests and spans apart. They are no secrets.

use sprag_scoring::TraceParent;
use wasip2::random::random::get_random_u64 as random;

/// The headers in which a client names its request; the second is what Azure's clients send.
const REQUEST_IDS: [&str; 2] = ["x-request-id", "x-ms-request-id"];

/// The longest id that is taken from a client, in bytes.
const MOST_ID: usize = 128;

/// How one request is called.
pub(crate) struct Identity {
    /// The request's id: the client's where it sent one.
    pub(crate) request: String,
    /// The trace that it belongs to, and the span that answers it.
    pub(crate) trace: TraceParent,
}

impl Identity {
    /// Of a request whose headers these are.
    pub(crate) fn of<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let given = REQUEST_IDS.iter().find_map(|name| header(name));
        let given = given.filter(|id| !id.is_empty() && id.len() <= MOST_ID && id.bytes().all(|byte| byte.is_ascii_graphic()));
        let request = given.map_or_else(|| format!("{:016x}{:016x}", random(), random()), str::to_owned);
        let trace = (u128::from(random()) << 64) | u128::from(random() | 1);
        Self { request, trace: TraceParent::answer(header("traceparent"), trace, random() | 1) }
    }
}
