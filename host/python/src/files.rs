//! A file that is read in place.

use std::any::Any;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use sprag_core::digest::{Digest, Hasher};
use sprag_runtime::blobs::ReadAt;

/// Bytes that are hashed at a time.
const CHUNK: usize = 1 << 18;

/// A file that a process left. It lasts as long as anyone holds it, since the folder of the process does.
pub(crate) struct LeftFile {
    file: File,
    length: u64,
    _folder: Arc<dyn Any + Send + Sync>,
}

impl LeftFile {
    pub(crate) fn open(path: &Path, length: u64, folder: Arc<dyn Any + Send + Sync>) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, length, _folder: folder })
    }
}

impl ReadAt for LeftFile {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

/// The digest of bytes that are read in place.
pub(crate) fn digest(bytes: &dyn ReadAt) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    copy(bytes, |chunk| {
        hasher.update(chunk);
        Ok(())
    })?;
    Ok(hasher.finish())
}

/// Reads bytes from the first to the last, a chunk at a time.
pub(crate) fn copy(bytes: &dyn ReadAt, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    while offset < bytes.len() {
        let part = usize::try_from(bytes.len() - offset).map_or(CHUNK, |left| left.min(CHUNK));
        bytes.read_at(offset, &mut buffer[..part])?;
        take(&buffer[..part])?;
        offset += part as u64;
    }
    Ok(())
}
