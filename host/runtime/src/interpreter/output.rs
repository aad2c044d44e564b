//! What a script writes: the end of it is kept, and each line is told as it comes.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Output, Watch};
use crate::inert_wasi::{Captured, Written};

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

    /// The stream that a script writes to.
    pub(super) fn stream(&self) -> Written {
        let told = self.clone();
        Written::to(move |bytes| told.push(bytes))
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
