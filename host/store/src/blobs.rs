//! Content in files named by the SHA-256 of their bytes.
//!
//! Content is written to a temporary name, flushed, and renamed: under its final name it is whole from the first moment. It is never
//! changed afterwards, and its file is read-only. Reading through [`Store::read_blob`] checks the bytes against the name.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sprag_core::digest::{Digest, Hasher};
use tempfile::NamedTempFile;

use crate::layout::{Layout, sync_folder};
use crate::{Store, StoreError};

/// Writes content that comes in pieces. Dropped before [`BlobWriter::finish`], it leaves nothing.
pub struct BlobWriter {
    file: BufWriter<NamedTempFile>,
    hasher: Hasher,
    bytes: u64,
    layout: Layout,
}

impl std::fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobWriter").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl BlobWriter {
    /// Adds all of `bytes`. The same as `write_all`, with the store's own error.
    ///
    /// # Errors
    ///
    /// The disk is full or the file cannot be written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.write_all(bytes).map_err(|source| StoreError::io("write", self.file.get_ref().path(), source))
    }

    /// The number of bytes so far.
    pub const fn len(&self) -> u64 {
        self.bytes
    }

    /// Whether nothing was written yet.
    pub const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Puts the content in its place, flushed to disk, and gives its address and its size in bytes.
    ///
    /// # Errors
    ///
    /// The disk is full or the file cannot be written or renamed.
    pub fn finish(self) -> Result<(Digest, u64), StoreError> {
        let tmp = self.file.get_ref().path().to_owned();
        let file = self.file.into_inner().map_err(|error| StoreError::io("write", &tmp, error.into_error()))?;
        let digest = self.hasher.finish();
        let target = self.layout.blob(&digest);
        place(file, &target)?;
        Ok((digest, self.bytes))
    }
}

/// Flushes the file and gives it its name. What was there under that name is replaced: it has the same bytes, or it is damaged.
fn place(file: NamedTempFile, target: &Path) -> Result<(), StoreError> {
    file.as_file().sync_all().map_err(|source| StoreError::io("flush", file.path(), source))?;
    let folder = target.parent().expect("content lies two folders below the root");
    match fs::create_dir(folder) {
        Ok(()) => sync_folder(folder.parent().expect("content lies two folders below the root"))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(StoreError::io("create", folder, source)),
    }
    file.persist(target).map_err(|error| StoreError::io("write", target, error.error))?;
    sync_folder(folder)
}

/// Removes what unfinished writers left behind, and leaves what a living writer, in whatever process, has locked.
pub(crate) fn clear_tmp(layout: &Layout) -> Result<(), StoreError> {
    let tmp = layout.tmp();
    let entries = fs::read_dir(&tmp).map_err(|source| StoreError::io("read", &tmp, source))?;
    for entry in entries {
        let path = entry.map_err(|source| StoreError::io("read", &tmp, source))?.path();
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_ok() {
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::io("remove", &path, source));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// A temporary file that [`clear_tmp`] leaves alone.
fn locked_tmp(layout: &Layout) -> Result<NamedTempFile, StoreError> {
    let tmp = layout.tmp();
    loop {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o444));
        let file = builder.tempfile_in(&tmp).map_err(|source| StoreError::io("write a file in", &tmp, source))?;
        // Between its creation and its lock `clear_tmp` may have removed it: then another.
        if file.as_file().try_lock().is_ok() && file.path().exists() {
            return Ok(file);
        }
    }
}

impl Store {
    /// Keeps these bytes and gives their address, flushed to disk. Costs no flush where the store has them already.
    ///
    /// # Errors
    ///
    /// The disk is full or a file cannot be written.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        let path = self.blob_path(&digest);
        // Read rather than trusted, so that putting content heals a damaged file.
        let present = fs::metadata(&path).is_ok_and(|metadata| metadata.len() == bytes.len() as u64)
            && fs::read(&path).is_ok_and(|found| found == bytes);
        if !present {
            let mut file = locked_tmp(&self.layout)?;
            file.write_all(bytes).map_err(|source| StoreError::io("write", file.path(), source))?;
            place(file, &path)?;
        }
        Ok(digest)
    }

    /// A writer for content that comes in pieces.
    ///
    /// # Errors
    ///
    /// The temporary file cannot be made.
    pub fn writer(&self) -> Result<BlobWriter, StoreError> {
        Ok(BlobWriter {
            file: BufWriter::with_capacity(64 << 10, locked_tmp(&self.layout)?),
            hasher: Hasher::new(),
            bytes: 0,
            layout: self.layout.clone(),
        })
    }

    /// Opens content for reading. The bytes are not checked.
    ///
    /// # Errors
    ///
    /// The store does not have it, or the file cannot be opened.
    pub fn open_blob(&self, digest: &Digest) -> Result<File, StoreError> {
        let path = self.blob_path(digest);
        File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::MissingBlob { digest: *digest, path },
            _ => StoreError::io("open", &path, source),
        })
    }

    /// Reads all of some content and checks it against its address.
    ///
    /// # Errors
    ///
    /// The store does not have it, its bytes are damaged, or the file cannot be read.
    pub fn read_blob(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        let path = self.blob_path(digest);
        io::Read::read_to_end(&mut self.open_blob(digest)?, &mut bytes)
            .map_err(|source| StoreError::io("read", &path, source))?;
        let found = Digest::of(&bytes);
        if found == *digest { Ok(bytes) } else { Err(StoreError::DamagedBlob { expected: *digest, found, path }) }
    }

    /// Whether the store has this content. Its bytes are not checked.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.blob_path(digest).is_file()
    }

    /// Where this content is, or would be.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.layout.blob(digest)
    }
}
