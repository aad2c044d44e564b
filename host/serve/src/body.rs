//! Reads a request's body: as it arrives, within its size, its time, and the memory of all bodies together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use sprag_scoring::Problem;

use crate::config::ServeLimits;

/// The memory of all requests together: what they sent, what became of it, and what they are answered.
#[derive(Clone, Default)]
pub(crate) struct BodyMemory(Arc<AtomicUsize>);

/// A share of the memory, which comes back when it is dropped.
pub(crate) struct Share {
    memory: BodyMemory,
    bytes: usize,
    most: usize,
}

impl Share {
    /// Takes so many bytes more.
    ///
    /// # Errors
    /// All requests together would have more than there is.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let before = self.memory.0.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before + bytes <= self.most {
            return Ok(());
        }
        let message = "expected room for one more request, found the service full of others";
        Err(Problem::new(503, "overloaded", message).header("retry-after", "1"))
    }

    /// Holds so many bytes instead, whether there is room or not.
    fn become_of(&mut self, bytes: usize) {
        self.memory.0.fetch_add(bytes, Ordering::Relaxed);
        self.memory.0.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What a client sent, with its share of the memory.
pub(crate) struct Arrived {
    pub(crate) bytes: Bytes,
    pub(crate) share: Share,
}

/// A body that was not read. The connection ends after the answer, since the rest of the body still lies in it.
fn refused(status: u16, code: &'static str, message: String) -> Problem {
    Problem::new(status, code, message).header("connection", "close")
}

/// Reads a body, and holds its share of the memory with it.
pub(crate) async fn read(body: Incoming, memory: &BodyMemory, limits: &ServeLimits) -> Result<Arrived, Problem> {
    let too_large = || refused(413, "too-large", format!("expected a body of at most {} bytes, found more", limits.body));
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_large());
    }
    let mut share = Share { memory: memory.clone(), bytes: 0, most: limits.bodies };
    let reading = async {
        let mut body = body;
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|error| refused(400, "broken-body", format!("expected the whole body, found its end: {error}")))?;
            let Ok(data) = frame.into_data() else { continue };
            length += data.len();
            if length > limits.body {
                return Err(too_large());
            }
            share.grow(data.len()).map_err(|problem| problem.header("connection", "close"))?;
            if all.is_empty() && first.is_empty() {
                first = data;
            } else {
                if all.is_empty() {
                    all.extend_from_slice(&std::mem::take(&mut first));
                }
                all.extend_from_slice(&data);
            }
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    };
    let read = tokio::time::timeout(limits.body_time, reading).await;
    let late =
        |_| refused(408, "slow-body", format!("expected the whole body within {:?}, found it incomplete", limits.body_time));
    let bytes = read.map_err(late)??;
    Ok(Arrived { bytes, share })
}

/// Bytes of an answer from which it counts until the client has taken it. Fewer are lost in what a connection costs anyway.
const LARGE: usize = 64 << 10;

/// An answer that holds its share of the memory until it is gone.
struct Answer {
    bytes: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The bytes of an answer, counted until they are written.
pub(crate) fn until_taken(bytes: Vec<u8>, share: Option<Share>) -> Bytes {
    match share {
        Some(mut share) if bytes.len() >= LARGE => {
            share.become_of(bytes.len());
            Bytes::from_owner(Answer { bytes, _share: share })
        }
        _ => Bytes::from(bytes),
    }
}
