//! What is read and what is written, as bytes in order: handles of the host in a component, memory in a native test.

use std::fmt::Write as _;
use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use crate::documents::Descriptor;

/// A part to read.
pub struct Part<'a> {
    /// Its bytes.
    pub bytes: Box<dyn Read + 'a>,
    /// How many there are.
    pub length: u64,
}

/// A part of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The component that scores.
    Scorer,
    /// The model's state.
    State,
    /// `model.json`.
    Card,
    /// The profile of the training data.
    Profile,
    /// The program that serves.
    Server,
    /// What the program is made of.
    ServerBill,
    /// The model as one component.
    Component,
    /// The scorer's machine code, for the server.
    Compiled,
}

/// Where the parts come from.
pub trait Parts {
    /// Opens a part from its beginning; none where the package has no such part.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    fn open(&self, name: Name) -> io::Result<Option<Part<'_>>>;
}

/// Where the files of the package go.
pub trait Files {
    /// Starts a file. It is whole when the writer is dropped.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    fn create(&self, name: &str, media_type: &str) -> io::Result<Box<dyn Write + '_>>;
}

/// Writes a file of the package and gives its descriptor.
///
/// # Errors
///
/// It cannot be written.
pub fn write(
    files: &dyn Files,
    name: &str,
    media_type: &str,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<Descriptor> {
    let mut file = Hashing { inner: files.create(name, media_type)?, hasher: Sha256::new(), size: 0 };
    fill(&mut file)?;
    file.flush()?;
    let digest = text_of(&file.hasher.finalize());
    Ok(Descriptor { media_type: media_type.to_owned(), digest, size: file.size, platform: None })
}

/// Writes a document of the package and gives its descriptor.
///
/// # Errors
///
/// It cannot be written.
pub fn write_json(files: &dyn Files, name: &str, media_type: &str, document: &impl serde::Serialize) -> io::Result<Descriptor> {
    write(files, name, media_type, |file| Ok(serde_json::to_writer(file, document)?))
}

/// The digest of a part, read to its end.
///
/// # Errors
///
/// It cannot be read.
pub fn digest(part: Part<'_>) -> io::Result<String> {
    let mut hashing = Hashing { inner: io::sink(), hasher: Sha256::new(), size: 0 };
    io::copy(&mut { part.bytes }, &mut hashing)?;
    Ok(text_of(&hashing.hasher.finalize()))
}

fn text_of(digest: &[u8]) -> String {
    digest.iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Hashes and counts what it passes on, in large pieces: each write is a call to the host.
struct Hashing<W: Write> {
    inner: W,
    hasher: Sha256,
    size: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
