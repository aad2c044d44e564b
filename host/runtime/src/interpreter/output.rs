//! What a script writes: the end of it is kept, and each line is told as it comes.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::{Output, Watch};
use crate::inert_wasi::Captured;

/// A longer line is told in pieces.
const LONGEST: usize = 8 << 10;

/// One of the two streams of a script.
#[derive(Clone)]
pub(super) struct Told {
    captured: Captured,
    from: Output,
    watch: Arc<dyn Watch>,
    begun: Arc<Mutex<Vec<u8>>>,
}

impl Told {
    pub(super) fn new(from: Output, kept: u64, watch: Arc<dyn Watch>) -> Self {
        Self { captured: Captured::new(kept), from, watch, begun: Arc::default() }
    }

    /// Tells the last line, where it has no end, and gives what was kept.
    pub(super) fn end(&self) -> String {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if !begun.is_empty() {
            let line = std::mem::take(&mut *begun);
            self.tell(&line);
        }
        self.captured.text()
    }

    fn push(&self, bytes: &[u8]) {
        self.captured.push(bytes);
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            begun.extend_from_slice(piece);
            if begun.ends_with(b"\n") {
                begun.pop();
            } else if begun.len() < LONGEST {
                continue;
            }
            let line = std::mem::take(&mut *begun);
            self.tell(&line);
        }
    }

    fn tell(&self, line: &[u8]) {
        if line.is_empty() {
            self.watch.told(self.from, "");
        }
        for piece in line.chunks(LONGEST) {
            self.watch.told(self.from, &String::from_utf8_lossy(piece));
        }
    }
}

impl IsTerminal for Told {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Told {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this form.
        Box::new(tokio::io::empty())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Told {
    async fn ready(&mut self) {}
}

impl OutputStream for Told {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(1 << 20)
    }
}
