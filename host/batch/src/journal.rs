//! The journal of a job, beside its output: what the job is, and how far it has come.
//!
//! One line of JSON for the job, and one for each block, written after the block's bytes. Each line holds the digest of all output up to
//! its end: a line that is there while the bytes are not, as after a power cut, is found out and not believed.

use std::io::Write;

use serde::{Deserialize, Serialize};
use sprag_core::digest::Digest;
use sprag_data::Position;

/// The format of this file. Its number is raised where the same job would be done in other blocks or to other bytes.
const FORMAT: &str = "sprag-batch/1";

/// What makes two jobs the same, so that one goes on with the work of the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    format: String,
    /// The release that writes: another may encode otherwise.
    sprag: String,
    pub(crate) input: Digest,
    pub(crate) model: Digest,
    /// All options that bear on the bytes, as text.
    pub(crate) options: String,
}

impl Identity {
    pub(crate) fn new(input: Digest, model: Digest, options: String) -> Self {
        Self { format: FORMAT.to_owned(), sprag: env!("CARGO_PKG_VERSION").to_owned(), input, model, options }
    }

    /// What is different in another job; none where it is the same.
    pub(crate) fn difference(&self, other: &Self) -> Option<&'static str> {
        match other {
            other if other == self => None,
            other if other.input != self.input => Some("the input changed"),
            other if other.model != self.model => Some("the model changed"),
            other if other.options != self.options => Some("the options changed"),
            _ => Some("another release of sprag began it"),
        }
    }
}

/// How far a job has come with a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Where the block ends in the input.
    pub(crate) end: Position,
    /// How many rows were refused so far.
    pub(crate) refused: u64,
    /// How many rows were written so far.
    pub(crate) written: u64,
    /// How many bytes of output there are, and their digest.
    pub(crate) output: (u64, Digest),
    /// The same for the file of refused rows.
    pub(crate) rejects: (u64, Digest),
    /// The note of the block's part, in hexadecimal digits.
    note: String,
}

impl Entry {
    pub(crate) fn new(
        end: Position,
        refused: u64,
        written: u64,
        output: (u64, Digest),
        rejects: (u64, Digest),
        note: &[u8],
    ) -> Self {
        Self { end, refused, written, output, rejects, note: hex(note) }
    }

    /// The note of the block's part.
    pub(crate) fn note(&self) -> Option<Vec<u8>> {
        let digit = |c: u8| char::from(c).to_digit(16).map(|digit| digit as u8);
        let byte = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
        self.note.as_bytes().chunks(2).map(byte).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Writes one line.
pub(crate) fn write_line(mut out: impl Write, value: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    out.write_all(&line)
}

/// Reads a journal: the job, and the blocks up to the first line that is not whole. None where there is no job in it.
pub(crate) fn read(text: &[u8]) -> Option<(Identity, Vec<Entry>)> {
    let whole = text.iter().rposition(|byte| *byte == b'\n')?;
    let mut lines = text[..whole].split(|byte| *byte == b'\n');
    let identity = serde_json::from_slice(lines.next()?).ok()?;
    Some((identity, lines.map_while(|line| serde_json::from_slice(line).ok()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(rows: u64) -> Entry {
        let digest = Digest::of(&rows.to_le_bytes());
        Entry::new(Position { rows, bytes: 5, lines: 2 }, 1, rows - 1, (100, digest), (0, digest), b"\0\x7f\xff note")
    }

    #[test]
    fn a_journal_reads_back_up_to_what_is_not_whole() {
        let identity = Identity::new(Digest::of(b"input"), Digest::of(b"model"), "all".to_owned());
        let mut text = Vec::new();
        write_line(&mut text, &identity).unwrap();
        write_line(&mut text, &entry(7)).unwrap();
        let two = text.len();
        write_line(&mut text, &entry(9)).unwrap();
        assert_eq!(read(&text), Some((identity.clone(), vec![entry(7), entry(9)])));
        for end in two..text.len() {
            assert_eq!(read(&text[..end]), Some((identity.clone(), vec![entry(7)])), "{end}");
        }
        assert_eq!(entry(7).note().unwrap(), b"\0\x7f\xff note");
        assert_eq!(read(b""), None);
        assert_eq!(read(b"{}\n"), None);
    }

    #[test]
    fn what_differs_is_told() {
        let job = Identity::new(Digest::of(b"input"), Digest::of(b"model"), "all".to_owned());
        assert_eq!(job.difference(&job.clone()), None);
        let others = [
            (Identity { input: Digest::of(b"x"), ..job.clone() }, "the input changed"),
            (Identity { model: Digest::of(b"x"), ..job.clone() }, "the model changed"),
            (Identity { options: "none".to_owned(), ..job.clone() }, "the options changed"),
            (Identity { sprag: "0".to_owned(), ..job.clone() }, "another release of sprag began it"),
        ];
        for (other, expected) in others {
            assert_eq!(job.difference(&other), Some(expected));
        }
    }
}
