//! The store, as the runtime sees it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use sprag_core::digest::Digest;
use sprag_runtime::blobs::{BlobSink, Blobs, ReadAt};
use sprag_store::{BlobWriter, Store, StoreError};

/// The blobs of a store.
pub(crate) struct StoreBlobs(pub(crate) Arc<Store>);

impl Blobs for StoreBlobs {
    fn create(&self) -> io::Result<Box<dyn BlobSink>> {
        Ok(Box::new(Sink(self.0.writer().map_err(io_error)?)))
    }

    fn open(&self, digest: &Digest) -> io::Result<Arc<dyn ReadAt>> {
        let file = self.0.open_blob(digest).map_err(io_error)?;
        let length = file.metadata()?.len();
        Ok(Arc::new(OpenFile { file, length }))
    }
}

struct Sink(BlobWriter);

impl BlobSink for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes).map_err(io_error)
    }

    fn finish(self: Box<Self>) -> io::Result<(Digest, u64)> {
        self.0.finish().map_err(io_error)
    }
}

/// A file that is read in place.
pub(crate) struct OpenFile {
    file: File,
    length: u64,
}

impl OpenFile {
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }
}

impl ReadAt for OpenFile {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

fn io_error(error: StoreError) -> io::Error {
    io::Error::other(error)
}
