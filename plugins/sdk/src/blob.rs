//! Whole blobs in one call, chunk by chunk underneath, so that no single call carries more than the host's limit.

use crate::{BlobError, Failure, Reader, Writer, artifacts};

/// The bytes that one call moves: 1 MiB.
pub const CHUNK: u32 = 1 << 20;

/// Reads a blob to its end.
///
/// # Errors
///
/// When the host cannot read it.
pub fn read_all(reader: &Reader) -> Result<Vec<u8>, BlobError> {
    let mut bytes = Vec::new();
    loop {
        let chunk = reader.read(bytes.len() as u64, CHUNK)?;
        if chunk.is_empty() {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// Appends all of `bytes`, at most `chunk` at a time.
///
/// # Errors
///
/// When the host cannot take them.
pub fn write_all(writer: &Writer, bytes: &[u8], chunk: u32) -> Result<(), BlobError> {
    bytes.chunks(chunk.max(1) as usize).try_for_each(|chunk| writer.write(chunk))
}

/// Leaves a file with the run.
///
/// # Errors
///
/// When the host cannot take it.
pub fn write_artifact(name: &str, media_type: &str, bytes: &[u8]) -> Result<(), Failure> {
    Ok(write_all(&artifacts::create(name, media_type)?, bytes, CHUNK)?)
}
