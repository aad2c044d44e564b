//! The program that serves, as it goes into an image: a static executable without what only a debugger reads.
//!
//! The layout is that of ELF for 64 bits, little-endian: <https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html>.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Why a program cannot serve in an image.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The file cannot be read.
    #[error("failed to read the program `{}`: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no executable for Linux.
    #[error("expected an executable for Linux (ELF, 64 bits) for the image, found another file: `{}`", .path.display())]
    NotElf {
        /// The file.
        path: PathBuf,
    },
    /// It needs libraries that an image from scratch does not have.
    #[error("expected a static executable for the image, found one that needs the system's libraries: `{}`", .path.display())]
    Dynamic {
        /// The file.
        path: PathBuf,
    },
}

impl ServerError {
    /// What to do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read { .. } => None,
            Self::NotElf { .. } => {
                Some("name one with `--server FILE`, or package without an image: `image = false` for the packager")
            }
            Self::Dynamic { .. } => Some(
                "build sprag where the C library's static archives are installed (`libc6-dev`, `glibc-static`), name a static one with `--server FILE`, or package without an image: `image = false` for the packager",
            ),
        }
    }
}

/// A static executable, read in place up to the end of what is loaded: section headers, symbols and debug information are left out.
#[derive(Debug)]
pub struct Server {
    file: File,
    header: [u8; HEADER],
    length: u64,
}

/// The size of the header.
const HEADER: usize = 64;
/// The size of a program header.
const PROGRAM_HEADER: usize = 56;
/// A segment that is loaded.
const PT_LOAD: u32 = 1;
/// The name of the dynamic linker.
const PT_INTERP: u32 = 3;

impl Server {
    /// Opens an executable.
    ///
    /// # Errors
    ///
    /// It cannot be read, is no executable for Linux, or is not static.
    pub fn open(path: &Path) -> Result<Self, ServerError> {
        let read = |source| ServerError::Read { path: path.to_owned(), source };
        let not_elf = || ServerError::NotElf { path: path.to_owned() };
        let file = File::open(path).map_err(read)?;
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0).map_err(|_| not_elf())?;
        // Magic number, 64 bits, little-endian.
        if header[..6] != *b"\x7fELF\x02\x01" {
            return Err(not_elf());
        }
        let (at, count) = (long(&header, 32), usize::from(short(&header, 56)));
        if usize::from(short(&header, 54)) != PROGRAM_HEADER || count == 0 {
            return Err(not_elf());
        }
        let mut table = vec![0; count * PROGRAM_HEADER];
        file.read_exact_at(&mut table, at).map_err(|_| not_elf())?;
        let mut length = at.saturating_add(table.len() as u64);
        for segment in table.chunks_exact(PROGRAM_HEADER) {
            match word(segment, 0) {
                PT_INTERP => return Err(ServerError::Dynamic { path: path.to_owned() }),
                PT_LOAD => length = length.max(long(segment, 8).saturating_add(long(segment, 32))),
                _ => {}
            }
        }
        if file.metadata().map_err(read)?.len() < length {
            return Err(not_elf());
        }
        // No section headers: where they begin, how many there are, and which of them has the names.
        header[40..48].fill(0);
        header[58..HEADER].fill(0);
        Ok(Self { file, header, length })
    }

    /// Whether it is for this machine's kind of processor (ELF: `e_machine`).
    pub fn is_native(&self) -> bool {
        let own = if cfg!(target_arch = "aarch64") { 0xb7 } else { 0x3e };
        short(&self.header, 18) == own
    }

    /// How many bytes there are.
    pub const fn len(&self) -> u64 {
        self.length
    }

    /// Whether there are none; never so.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Fills a buffer with the bytes from `offset`.
    ///
    /// # Errors
    ///
    /// The file cannot be read or the range goes past the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset.saturating_add(buffer.len() as u64) > self.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.read_exact_at(buffer, offset)?;
        if let Some(from) = usize::try_from(offset).ok().filter(|from| *from < HEADER) {
            let count = buffer.len().min(HEADER - from);
            buffer[..count].copy_from_slice(&self.header[from..from + count]);
        }
        Ok(())
    }
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from(short(bytes, at)) | u32::from(short(bytes, at + 2)) << 16
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An executable with one loaded segment of 200 bytes, perhaps a dynamic linker, and 100 bytes of what nobody loads.
    fn program(second: u32) -> Vec<u8> {
        let mut bytes = vec![7; 300];
        bytes[..HEADER].fill(0);
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32] = 64;
        bytes[40..48].fill(9);
        bytes[54] = 56;
        bytes[56] = 2;
        bytes[58..64].fill(9);
        bytes[64..176].fill(0);
        bytes[64] = 1;
        bytes[64 + 32] = 200;
        bytes[120..124].copy_from_slice(&second.to_le_bytes());
        bytes
    }

    fn open(bytes: &[u8]) -> Result<Server, ServerError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Server::open(file.path())
    }

    #[test]
    fn what_is_loaded_stays_and_the_rest_goes() {
        let server = open(&program(0)).unwrap();
        assert_eq!(server.len(), 200);
        let mut all = vec![0; 200];
        server.read_at(0, &mut all).unwrap();
        assert_eq!(
            (&all[..6], &all[40..48], &all[58..64], &all[176..]),
            (&b"\x7fELF\x02\x01"[..], &[0; 8][..], &[0; 6][..], &[7; 24][..])
        );
        let mut piece = vec![0; 50];
        server.read_at(50, &mut piece).unwrap();
        assert_eq!(piece, all[50..100]);
        assert!(server.read_at(190, &mut piece).is_err());
    }

    #[test]
    fn other_files_are_refused() {
        assert!(matches!(open(&program(3)), Err(ServerError::Dynamic { .. })));
        let mut script = program(0);
        script[0] = b'#';
        for bytes in [&b""[..], b"#!/bin/sh\n", &script, &program(0)[..150]] {
            assert!(matches!(open(bytes), Err(ServerError::NotElf { .. })));
        }
    }
}
