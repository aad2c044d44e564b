//! Parts and files as handles of the host.

use std::io::{self, BufReader, BufWriter, Read, Write};

use sprag_sdk::{BlobError, CHUNK, Failure, Reader, Writer, artifacts, parts};

use crate::files::{Files, Name, Part, Parts};

/// The host that runs this plugin.
pub(crate) struct Host;

impl Parts for Host {
    fn open(&self, name: Name) -> io::Result<Option<Part<'_>>> {
        let part = match name {
            Name::Scorer => parts::Part::Scorer,
            Name::State => parts::Part::State,
            Name::Card => parts::Part::Card,
            Name::Profile => parts::Part::Profile,
            Name::Server => parts::Part::Server,
            Name::ServerBill => parts::Part::ServerBill,
            Name::Component => parts::Part::Component,
            Name::Compiled => parts::Part::Compiled,
        };
        let Some(reader) = parts::open(part).map_err(|failure| io::Error::other(Told(failure)))? else { return Ok(None) };
        let length = reader.len();
        let bytes = BufReader::with_capacity(CHUNK as usize, Reading { reader, offset: 0 });
        Ok(Some(Part { bytes: Box::new(bytes), length }))
    }
}

impl Files for Host {
    fn create(&self, name: &str, media_type: &str) -> io::Result<Box<dyn Write + '_>> {
        let writer = artifacts::create(name, media_type).map_err(blob_error)?;
        Ok(Box::new(BufWriter::with_capacity(CHUNK as usize, Writing(writer))))
    }
}

/// A handle that is read from its beginning.
struct Reading {
    reader: Reader,
    offset: u64,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX).min(CHUNK);
        let bytes = self.reader.read(self.offset, length).map_err(blob_error)?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }
}

/// A handle that is written in order.
struct Writing(Writer);

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(CHUNK as usize)];
        self.0.write(bytes).map_err(blob_error)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A failure on its way through an error of input and output.
#[derive(Debug)]
struct Told(Failure);

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.message())
    }
}

impl std::error::Error for Told {}

fn blob_error(error: BlobError) -> io::Error {
    io::Error::other(Told(error.into()))
}

/// What an error is to the host: its own failure again, or bad input.
pub(crate) fn failure(error: &io::Error) -> Failure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Told>()) {
        Some(Told(failure)) => failure.clone(),
        None => Failure::bad_input(error.to_string()),
    }
}
