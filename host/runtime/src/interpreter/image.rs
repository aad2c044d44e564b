//! The memory of an interpreter that has done its imports, kept in a file: a script that starts from it need not do them again.
//!
//! An image holds memory alone. That is all there is to keep between two calls of a module whose other globals do not change and whose stack is empty then; descriptors of files are the
//! host's, so that a script must be given the folders that the image was made with, under the same names and in the same order.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use wasmtime::{AsContextMut, Memory, StoreContextMut};

/// What an image begins with; the number is that of the format.
const MAGIC: [u8; 16] = *b"sprag-memory\0\0\0\x01";

/// What is looked at together: bytes that are all zero are left out, since new memory is zero.
const PIECE: usize = 1 << 14;

/// The pages of WebAssembly.
const PAGE: u64 = 1 << 16;

/// Writes the memory to a file, whole or not at all.
pub(super) fn write(memory: &[u8], path: &Path) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let mut file = BufWriter::with_capacity(1 << 20, tempfile::Builder::new().prefix(".writing-").tempfile_in(dir)?);
    file.write_all(&MAGIC)?;
    file.write_all(&(memory.len() as u64).to_le_bytes())?;
    for (index, piece) in memory.chunks(PIECE).enumerate() {
        // Zeros are kept out of new memory alone; a page that a module begins with may be another.
        if piece.iter().any(|byte| *byte != 0) {
            file.write_all(&((index * PIECE) as u64).to_le_bytes())?;
            file.write_all(piece)?;
        }
    }
    file.write_all(&u64::MAX.to_le_bytes())?;
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Puts the memory of a new instance into the state of the image. `false`: it may not have that much memory.
pub(super) fn read<T>(mut store: StoreContextMut<'_, T>, memory: Memory, path: &Path) -> std::io::Result<bool> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let broken = || std::io::Error::other(format!("`{}` is no whole image of a memory", path.display()));
    if array::<16>(&mut file)? != MAGIC {
        return Err(broken());
    }
    let length = u64::from_le_bytes(array(&mut file)?);
    let present = memory.data_size(&store);
    if let Some(more) = (length / PAGE).checked_sub(memory.size(&store))
        && memory.grow(store.as_context_mut(), more).is_err()
    {
        return Ok(false);
    }
    let bytes = memory.data_mut(&mut store);
    let mut next = 0;
    loop {
        let offset = u64::from_le_bytes(array(&mut file)?);
        let at = if offset == u64::MAX { bytes.len() } else { usize::try_from(offset).map_err(|_| broken())? };
        // What the module itself put where the image has zeros.
        bytes.get_mut(next..at.min(present).max(next)).ok_or_else(broken)?.fill(0);
        if offset == u64::MAX {
            return Ok(true);
        }
        next = at.checked_add(PIECE).ok_or_else(broken)?;
        file.read_exact(bytes.get_mut(at..next).ok_or_else(broken)?)?;
    }
}

fn array<const LENGTH: usize>(file: &mut impl Read) -> std::io::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
