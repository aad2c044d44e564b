//! A connection's bytes, with what HTTP leaves to the transport: an end for a client that takes no answer, and patience with one that was answered before
//! it had sent its whole request.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long a client may go on to send what nobody reads. Closed at once, a socket with unread bytes in it is reset, and the client may lose the answer
/// that says why.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes of an answer that a client must take in the time that it has for them, or all there are.
const LEAST: usize = 64 << 10;

/// Says that the client was answered before its request was read to the end.
#[derive(Clone, Default)]
pub(crate) struct Unread(Arc<AtomicBool>);

impl Unread {
    pub(crate) fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection's bytes.
pub(crate) struct Stream {
    inner: TcpStream,
    unread: Unread,
    /// How long the least of an answer may take.
    stall: Duration,
    /// Runs from when the client takes no more at once until it has taken the least or all.
    stalled: Option<Pin<Box<Sleep>>>,
    /// What it has taken since then, in bytes.
    taken: usize,
    is_shut: bool,
    patience: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(crate) fn new(inner: TcpStream, unread: Unread, stall: Duration) -> Self {
        Self { inner, unread, stall, stalled: None, taken: 0, is_shut: false, patience: None }
    }

    /// Bounds the time that the client may take over an answer: a byte now and then buys no more of it.
    fn watch(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) if self.stalled.is_some() => {
                self.taken += count;
                if self.taken >= LEAST {
                    self.rest();
                    return written;
                }
            }
            Poll::Ready(_) => return written,
            Poll::Pending => {}
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall)));
        if stalled.as_mut().poll(context).is_ready() { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { written }
    }

    /// The client has taken enough.
    fn rest(&mut self) {
        self.stalled = None;
        self.taken = 0;
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(context, bytes);
        this.watch(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(context, buffers);
        this.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // HTTP flushes when all of an answer is written.
        this.rest();
        Pin::new(&mut this.inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.is_shut {
            ready!(Pin::new(&mut this.inner).poll_shutdown(context))?;
            this.is_shut = true;
        }
        if !this.unread.0.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let patience = this.patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        let mut scrap = [0; 16 << 10];
        loop {
            let mut buffer = ReadBuf::new(&mut scrap);
            if patience.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            match ready!(Pin::new(&mut this.inner).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}
