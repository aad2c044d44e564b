//! Layers of an image: tar archives that are the same bytes for the same files.
//!
//! They are not compressed. A compressor's next version would make other bytes of the same files, and so another digest; a registry and its clients
//! compress on the wire where they want to; and a model can be read from its layer in place.

use std::io::{self, Read, Write};

use tar::{EntryType, Header};

use crate::files::Part;

/// Writes one archive, entry by entry.
pub struct Layer<'a> {
    file: &'a mut dyn Write,
    /// The time of every entry, in seconds since 1970.
    time: u64,
}

/// The size of a tar block.
const BLOCK: u64 = 512;

impl<'a> Layer<'a> {
    /// An archive whose entries all have this time, in seconds since 1970.
    pub fn new(file: &'a mut dyn Write, time: u64) -> Self {
        Self { file, time }
    }

    /// Adds a folder.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn folder(&mut self, path: &str, mode: u32) -> io::Result<()> {
        self.header(path, EntryType::Directory, mode, 0)
    }

    /// Adds a file.
    ///
    /// # Errors
    ///
    /// It cannot be written, or the part has another length than it says.
    pub fn add(&mut self, path: &str, mode: u32, part: Part<'_>) -> io::Result<()> {
        self.header(path, EntryType::Regular, mode, part.length)?;
        let copied = io::copy(&mut part.bytes.take(part.length), self.file)?;
        if copied < part.length {
            let message = format!("expected {} bytes for `{path}`, found {copied}", part.length);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        let padding = [0; BLOCK as usize];
        self.file.write_all(&padding[..((BLOCK - part.length % BLOCK) % BLOCK) as usize])
    }

    /// Ends the archive.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn finish(self) -> io::Result<()> {
        self.file.write_all(&[0; 2 * BLOCK as usize])
    }

    fn header(&mut self, path: &str, kind: EntryType, mode: u32, size: u64) -> io::Result<()> {
        // GNU's form holds sizes beyond 8 GiB, and every reader knows it.
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_path(path)?;
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(self.time);
        header.set_uid(0);
        header.set_gid(0);
        header.set_cksum();
        self.file.write_all(header.as_bytes())
    }
}
