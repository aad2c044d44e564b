//! Storage in memory.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

use sprag_core::digest::Digest;
use sprag_runtime::blobs::{BlobSink, Blobs, ReadAt};

/// Keeps blobs in memory, all of them or as many bytes as a full disk would.
#[derive(Clone, Default)]
pub(crate) struct MemoryBlobs {
    kept: Arc<Mutex<HashMap<Digest, Arc<Vec<u8>>>>>,
    /// Bytes that one blob may have; none for no bound.
    room: Option<usize>,
}

impl MemoryBlobs {
    /// Storage in which a blob finds room for so many bytes.
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self { room: Some(bytes), ..Self::default() }
    }

    /// The bytes under a digest, written as in a report.
    pub(crate) fn get(&self, digest: &str) -> Vec<u8> {
        self.kept.lock().unwrap()[&digest.parse().unwrap()].to_vec()
    }

    /// How many blobs are kept.
    pub(crate) fn len(&self) -> usize {
        self.kept.lock().unwrap().len()
    }
}

impl Blobs for MemoryBlobs {
    fn create(&self) -> io::Result<Box<dyn BlobSink>> {
        Ok(Box::new(Sink { blobs: self.clone(), bytes: vec![] }))
    }

    fn open(&self, digest: &Digest) -> io::Result<Arc<dyn ReadAt>> {
        match self.kept.lock().unwrap().get(digest) {
            Some(bytes) => Ok(bytes.clone()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

struct Sink {
    blobs: MemoryBlobs,
    bytes: Vec<u8>,
}

impl BlobSink for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.blobs.room.is_some_and(|room| self.bytes.len() + bytes.len() > room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<(Digest, u64)> {
        let (digest, length) = (Digest::of(&self.bytes), self.bytes.len() as u64);
        self.blobs.kept.lock().unwrap().insert(digest, Arc::new(self.bytes));
        Ok((digest, length))
    }
}
