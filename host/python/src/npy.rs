//! numpy's own file format, one array of one dimension in each file.
//!
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, version 1.0.

use std::io::{self, Write};

/// What an array holds, little-endian where that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Integer,
    Boolean,
    Byte,
    /// Microseconds since 1970.
    Timestamp,
}

impl Kind {
    const fn descr(self) -> &'static str {
        match self {
            Self::Float => "<f8",
            Self::Integer => "<i8",
            Self::Boolean => "|b1",
            Self::Byte => "|u1",
            Self::Timestamp => "<M8[us]",
        }
    }
}

/// Writes what stands before the values of an array of this length.
pub(crate) fn header(out: &mut impl Write, kind: Kind, length: u64) -> io::Result<()> {
    let mut text = format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({length},), }}", kind.descr());
    // Magic, version and length are 10 bytes; the values begin at a multiple of 64, so that they can be mapped.
    let padded = (10 + text.len() + 1).next_multiple_of(64) - 10;
    text.extend(std::iter::repeat_n(' ', padded - text.len() - 1));
    text.push('\n');
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&u16::try_from(text.len()).expect("a header has some 128 bytes").to_le_bytes())?;
    out.write_all(text.as_bytes())
}

/// Writes values of eight bytes each.
pub(crate) fn words<T: Copy>(out: &mut impl Write, values: &[T], bytes: impl Fn(T) -> [u8; 8]) -> io::Result<()> {
    let mut block = [0; 8 << 10];
    for values in values.chunks(block.len() / 8) {
        for (place, value) in block.chunks_exact_mut(8).zip(values) {
            place.copy_from_slice(&bytes(*value));
        }
        out.write_all(&block[..values.len() * 8])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_begin_at_a_multiple_of_64() {
        for (kind, length) in [(Kind::Float, 0), (Kind::Timestamp, u64::MAX), (Kind::Byte, 12)] {
            let mut bytes = vec![];
            header(&mut bytes, kind, length).unwrap();
            assert_eq!(bytes.len() % 64, 0);
            assert_eq!(usize::from(u16::from_le_bytes([bytes[8], bytes[9]])) + 10, bytes.len());
            assert!(bytes.ends_with(b"\n"));
        }
    }

    #[test]
    fn words_are_little_endian_however_many_there_are() {
        let values: Vec<i64> = (0..3000).collect();
        let mut bytes = vec![];
        words(&mut bytes, &values, i64::to_le_bytes).unwrap();
        let read: Vec<_> = bytes.chunks(8).map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap())).collect();
        assert_eq!(read, values);
    }
}
