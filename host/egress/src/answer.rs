//! The body of an answer on its way to a stage: bounded in size and in time, with values of secrets covered.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use sprag_runtime::outside::SendError;
use tokio::time::{Instant, Sleep};

use crate::redact::{Needles, Stream};

/// What bounds an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The most bytes.
    pub(crate) bytes: u64,
    /// The longest wait between two pieces.
    pub(crate) between: Duration,
}

/// The body of an answer.
pub(crate) struct Answer {
    inner: Pin<Box<reqwest::Body>>,
    host: String,
    bounds: Bounds,
    left: u64,
    waited: Pin<Box<Sleep>>,
    covered: Option<Stream>,
    is_over: bool,
}

impl Answer {
    pub(crate) fn new(inner: reqwest::Body, host: String, bounds: Bounds, needles: &Needles) -> Self {
        let covered = (!needles.is_empty()).then(|| Stream::new(needles.clone()));
        let waited = Box::pin(tokio::time::sleep(bounds.between));
        Self { inner: Box::pin(inner), host, bounds, left: bounds.bytes, waited, covered, is_over: false }
    }

    fn end(&mut self, error: SendError) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        self.is_over = true;
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let this = &mut *self;
        loop {
            if this.is_over {
                return Poll::Ready(None);
            }
            match this.inner.as_mut().poll_frame(context) {
                Poll::Pending => {
                    if this.waited.as_mut().poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    let error = SendError::Timeout { host: this.host.clone(), seconds: this.bounds.between.as_secs() };
                    return this.end(error);
                }
                Poll::Ready(Some(Err(error))) => {
                    let error = crate::client::explain(&error, &this.host);
                    return this.end(error);
                }
                Poll::Ready(Some(Ok(frame))) => {
                    this.waited.as_mut().reset(Instant::now() + this.bounds.between);
                    // Trailers are dropped: nothing that stages talk to needs them, and they would have to be covered too.
                    let Ok(piece) = frame.into_data() else { continue };
                    let Some(left) = this.left.checked_sub(piece.len() as u64) else {
                        let error = SendError::TooLarge { what: "an answer", most: this.bounds.bytes };
                        return this.end(error);
                    };
                    this.left = left;
                    let piece = this.covered.as_mut().map_or(piece.clone(), |covered| covered.push(&piece).into());
                    if !piece.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(piece))));
                    }
                }
                Poll::Ready(None) => {
                    this.is_over = true;
                    let rest = this.covered.as_mut().map(Stream::finish).unwrap_or_default();
                    return if rest.is_empty() { Poll::Ready(None) } else { Poll::Ready(Some(Ok(Frame::data(rest.into())))) };
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
