//! Blobs in memory: what plugins write is thrown away with the kit.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use sprag_core::digest::Digest;
use sprag_runtime::blobs::{BlobSink, Blobs, ReadAt};

/// Blobs by their digest.
#[derive(Default, Clone)]
pub(crate) struct Memory(Arc<Mutex<BTreeMap<Digest, Arc<Vec<u8>>>>>);

impl Memory {
    /// The bytes of a blob.
    pub(crate) fn bytes(&self, digest: &Digest) -> Option<Arc<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }
}

impl Blobs for Memory {
    fn create(&self) -> io::Result<Box<dyn BlobSink>> {
        Ok(Box::new(Sink { bytes: vec![], to: self.clone() }))
    }

    fn open(&self, digest: &Digest) -> io::Result<Arc<dyn ReadAt>> {
        self.bytes(digest).map(|bytes| bytes as Arc<dyn ReadAt>).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

struct Sink {
    bytes: Vec<u8>,
    to: Memory,
}

impl BlobSink for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<(Digest, u64)> {
        let (digest, length) = (Digest::of(&self.bytes), self.bytes.len() as u64);
        let _before = self.to.0.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, Arc::new(self.bytes));
        Ok((digest, length))
    }
}
