//! What an earlier attempt at the same job has left, checked before it is believed.

use std::fs::File;
use std::io::Read;

use sprag_core::digest::{Digest, Hasher};

use crate::error::BatchError;
use crate::files::{Files, open_part};
use crate::journal::{self, Entry, Identity};

/// What an earlier attempt has left.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    /// The blocks that are done.
    pub(crate) entries: Vec<Entry>,
    /// Why a journal that is there is of no use.
    pub(crate) discarded: Option<&'static str>,
}

/// Reads a journal and holds the files against it: the blocks whose bytes are all there as they were written.
pub(crate) fn earlier(files: &Files, text: &[u8], identity: &Identity) -> Result<Earlier, BatchError> {
    let Some((found, mut entries)) = journal::read(text) else { return Ok(Earlier::default()) };
    if let Some(difference) = identity.difference(&found) {
        return Ok(Earlier { entries: vec![], discarded: Some(difference) });
    }
    let began = !entries.is_empty();
    let ends = |of: fn(&Entry) -> (u64, Digest), entries: &[Entry]| entries.iter().map(of).collect::<Vec<_>>();
    for (path, of) in [
        (files.output_part(), (|entry| entry.output) as fn(&Entry) -> (u64, Digest)),
        (files.rejects_part(), |entry| entry.rejects),
    ] {
        let file = open_part(&path)?;
        let good = believed(file, &ends(of, &entries)).map_err(|error| BatchError::io("read", &path, error))?;
        entries.truncate(good);
    }
    let good = entries.iter().take_while(|entry| entry.note().is_some()).count();
    entries.truncate(good);
    let discarded = (began && entries.is_empty()).then_some("what it had written is not there any more");
    Ok(Earlier { entries, discarded })
}

/// How many of these ends a file has with the digest that it should have up to there.
fn believed(mut file: impl Read, ends: &[(u64, Digest)]) -> std::io::Result<usize> {
    let (mut hasher, mut at) = (Hasher::new(), 0);
    let mut buffer = vec![0; 256 << 10];
    for (i, (end, digest)) in ends.iter().enumerate() {
        while at < *end {
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
            let read = file.read(&mut buffer[..wanted])?;
            if read == 0 {
                return Ok(i);
            }
            hasher.update(&buffer[..read]);
            at += read as u64;
        }
        if at != *end || hasher.clone().finish() != *digest {
            return Ok(i);
        }
    }
    Ok(ends.len())
}

/// A file and what was written of it: the hasher goes on with what follows.
pub(crate) struct Part {
    pub(crate) file: File,
    pub(crate) hasher: Hasher,
    pub(crate) bytes: u64,
}

impl Part {
    /// Opens a file that has this many good bytes, and drops what lies beyond them.
    pub(crate) fn open(path: &std::path::Path, bytes: u64) -> Result<Self, BatchError> {
        use std::io::Seek;
        let mut file = open_part(path)?;
        let mut hasher = Hasher::new();
        let mut prepare = |file: &mut File| -> std::io::Result<()> {
            file.set_len(bytes)?;
            let mut buffer = vec![0; 256 << 10];
            loop {
                match file.read(&mut buffer)? {
                    0 => break,
                    read => hasher.update(&buffer[..read]),
                }
            }
            file.seek(std::io::SeekFrom::End(0)).map(|_| ())
        };
        prepare(&mut file).map_err(|error| BatchError::io("write", path, error))?;
        Ok(Self { file, hasher, bytes })
    }

    /// How many bytes there are, and their digest.
    pub(crate) fn state(&self) -> (u64, Digest) {
        (self.bytes, self.hasher.clone().finish())
    }

    pub(crate) fn write(&mut self, path: &std::path::Path, bytes: &[u8]) -> Result<(), BatchError> {
        use std::io::Write;
        self.file.write_all(bytes).map_err(|error| BatchError::io("write", path, error))?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bytes_as_they_were_written_are_believed() {
        let text = b"head, block one, block two";
        let ends: Vec<(u64, Digest)> = [5, 16, 26].map(|end| (end as u64, Digest::of(&text[..end]))).to_vec();
        assert_eq!(believed(&text[..], &ends).unwrap(), 3);
        assert_eq!(believed(&b"head, block one, block two and more"[..], &ends).unwrap(), 3);
        assert_eq!(believed(&text[..20], &ends).unwrap(), 2);
        assert_eq!(believed(&b"head, block 0ne, block two"[..], &ends).unwrap(), 1);
        assert_eq!(believed(&b""[..], &ends).unwrap(), 0);
        assert_eq!(believed(&b""[..], &[(0, Digest::of(b""))]).unwrap(), 1);
    }
}
