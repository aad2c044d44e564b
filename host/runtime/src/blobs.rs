//! Bytes that come and go: what the host must be able to do for a stage, and the handles that a stage holds.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use sprag_core::digest::{Digest, Hasher};

use crate::budget::Budget;
use crate::failure::LimitHit;

/// Keeps bytes under their digest.
pub trait Blobs: Send + Sync {
    /// Starts to write a blob.
    ///
    /// # Errors
    /// Storage failed.
    fn create(&self) -> io::Result<Box<dyn BlobSink>>;

    /// Opens a blob.
    ///
    /// # Errors
    /// Storage failed, or no blob has this digest.
    fn open(&self, digest: &Digest) -> io::Result<Arc<dyn ReadAt>>;
}

/// A blob that is being written. Dropped before its end, it leaves nothing.
pub trait BlobSink: Send {
    /// Appends bytes.
    ///
    /// # Errors
    /// Storage failed.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Ends the writing: the digest and the number of bytes.
    ///
    /// # Errors
    /// Storage failed.
    fn finish(self: Box<Self>) -> io::Result<(Digest, u64)>;
}

/// Bytes to read at any offset.
pub trait ReadAt: Send + Sync {
    /// The number of bytes.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buffer` from `offset`, which the caller has checked against [`ReadAt::len`].
    ///
    /// # Errors
    /// Storage failed.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(self.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A blob that is open for reading: the handle behind `sprag:run/blobs.reader`.
#[derive(Clone)]
pub struct ReaderHandle {
    /// The bytes.
    pub bytes: Arc<dyn ReadAt>,
    /// The media type.
    pub media_type: String,
}

/// A blob that is being written: the handle behind `sprag:run/blobs.writer`.
#[derive(Clone)]
pub struct WriterHandle(Arc<Mutex<Writer>>);

struct Writer {
    sink: Option<Box<dyn BlobSink>>,
    media_type: String,
    budgets: Vec<Budget>,
}

/// Why bytes could not be written.
pub(crate) enum WriteError {
    Limit(LimitHit),
    Finished,
    Io(io::Error),
}

impl WriterHandle {
    pub(crate) fn new(sink: Box<dyn BlobSink>, media_type: String, budgets: Vec<Budget>) -> Self {
        Self(Arc::new(Mutex::new(Writer { sink: Some(sink), media_type, budgets })))
    }

    pub(crate) fn set_media_type(&self, media_type: String) {
        self.lock().media_type = media_type;
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), WriteError> {
        let mut writer = self.lock();
        let Writer { sink, budgets, .. } = &mut *writer;
        let sink = sink.as_mut().ok_or(WriteError::Finished)?;
        budgets.iter().try_for_each(|budget| budget.spend(bytes.len() as u64)).map_err(WriteError::Limit)?;
        sink.write(bytes).map_err(WriteError::Io)
    }

    /// Ends the writing: digest, number of bytes, media type. None where it was ended before.
    pub(crate) fn finish(&self) -> io::Result<Option<(Digest, u64, String)>> {
        let mut writer = self.lock();
        let Some(sink) = writer.sink.take() else { return Ok(None) };
        let (digest, bytes) = sink.finish()?;
        Ok(Some((digest, bytes, writer.media_type.clone())))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Writer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A blob that is kept in memory only: what a unit test writes and reads.
pub(crate) struct MemorySink(pub(crate) Vec<u8>, pub(crate) MemorySlot);

/// Where the bytes of a [`MemorySink`] are found once it is finished.
pub(crate) type MemorySlot = Arc<Mutex<Option<Arc<Vec<u8>>>>>;

impl BlobSink for MemorySink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<(Digest, u64)> {
        let digest = Digest::of(&self.0);
        let length = self.0.len() as u64;
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(self.0));
        Ok((digest, length))
    }
}

/// A blob that nobody will read: what the trainer under test leaves beside its model.
#[derive(Default)]
pub(crate) struct NoSink {
    hasher: Hasher,
    bytes: u64,
}

impl BlobSink for NoSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<(Digest, u64)> {
        Ok((self.hasher.finish(), self.bytes))
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Arc<T> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, buffer)
    }
}
