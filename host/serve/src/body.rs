//! Reads a request's body: as it arrives, within its size, its time, and the memory of all bodies together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use sprag_scoring::Problem;

use crate::config::ServeLimits;

/// The memory of all bodies together.
#[derive(Clone, Default)]
pub(crate) struct BodyMemory(Arc<AtomicUsize>);

/// A share of the memory, which comes back when it is dropped.
pub(crate) struct Share {
    memory: BodyMemory,
    bytes: usize,
}

impl Share {
    fn grow(&mut self, bytes: usize, most: usize) -> bool {
        let before = self.memory.0.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        before + bytes <= most
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A body that was not read. The connection ends after the answer, since the rest of the body still lies in it.
fn refused(status: u16, code: &'static str, message: String) -> Problem {
    Problem::new(status, code, message).header("connection", "close")
}

/// Reads a body, and holds its share of the memory with it.
pub(crate) async fn read(body: Incoming, memory: &BodyMemory, limits: &ServeLimits) -> Result<(Bytes, Share), Problem> {
    let too_large = || refused(413, "too-large", format!("expected a body of at most {} bytes, found more", limits.body));
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_large());
    }
    let mut share = Share { memory: memory.clone(), bytes: 0 };
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
            if !share.grow(data.len(), limits.bodies) {
                let message = "expected room for one more body, found the service full of others".to_owned();
                return Err(refused(503, "overloaded", message).header("retry-after", "1"));
            }
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
    Ok((read.map_err(late)??, share))
}
