//! Cuts a stream of bytes into pieces that end where records end, so that pieces can be parsed apart from each other.
//!
//! Holds one block and the record that it cuts through, and no more than the limit of a record's length. Knows quotes only as far as it
//! takes to tell a line end inside a field from one after a record; a block without quotes is searched for its last line end alone.

use std::io::Read;

use memchr::{memchr, memchr2, memrchr};

use super::fault::{Fault, What};

/// How much is read at a time: enough to hide the cost of a hand-over, little enough to stay in a core's cache.
const BLOCK: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whole records of a file.
#[derive(Debug)]
pub(super) struct Piece {
    /// All bytes of the file from the piece before, so that they can be digested.
    pub(super) bytes: Vec<u8>,
    /// How many of them come before the records: a byte order mark.
    pub(super) skip: usize,
}

/// The pieces of a stream.
pub(super) struct Pieces<R> {
    input: R,
    block: usize,
    limit: u64,
    pending: Piece,
    scanner: Scanner,
    /// How many bytes of the file come before what is read next. Blocks end where a multiple of the block's size does, so that the pieces
    /// of a file are the same wherever its reading begins.
    position: u64,
    started: bool,
    ended: bool,
}

impl<R: Read> Pieces<R> {
    /// The pieces of a stream whose fields are parted by `delimiter` and whose records have at most `limit` bytes.
    pub(super) const fn new(input: R, delimiter: u8, limit: u64) -> Self {
        Self::with_block(input, delimiter, limit, BLOCK)
    }

    pub(super) const fn with_block(input: R, delimiter: u8, limit: u64, block: usize) -> Self {
        let pending = Piece { bytes: Vec::new(), skip: 0 };
        Self { input, block, limit, pending, scanner: Scanner::new(delimiter), position: 0, started: false, ended: false }
    }

    /// The pieces of a stream that begins at a record somewhere in a file, with `position` bytes before it.
    pub(super) fn from(input: R, delimiter: u8, limit: u64, block: usize, position: u64) -> Self {
        Self { position, started: position > 0, ..Self::with_block(input, delimiter, limit, block) }
    }

    /// Whether the piece that was taken last is the last one.
    pub(super) const fn ended(&self) -> bool {
        self.ended
    }

    /// The next piece; none after the last. The line of a fault counts from the end of the piece before.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, Fault> {
        while !self.ended {
            let new = self.fill()?;
            let end = self.scanner.scan(&self.pending.bytes, new);
            if self.ended {
                return self.last();
            }
            if let Some(end) = end {
                return Ok(Some(self.cut(end)));
            }
            if self.pending.bytes.len() as u64 > self.limit {
                return Err(self.too_long());
            }
        }
        Ok(None)
    }

    /// Reads one block on to what is pending and says where it begins.
    fn fill(&mut self) -> Result<usize, Fault> {
        let bytes = &mut self.pending.bytes;
        let before = bytes.len();
        bytes.reserve(self.block);
        let wanted = self.block as u64 - self.position % self.block as u64;
        let read = self.input.by_ref().take(wanted).read_to_end(bytes);
        let read = read.map_err(|error| What::Io(error).on_line(0))? as u64;
        self.position += read;
        self.ended = read < wanted;
        if self.started {
            return Ok(before);
        }
        self.started = true;
        if let Some(found) = foreign(bytes) {
            return Err(What::NotText(found).on_line(0));
        }
        self.pending.skip = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Ok(self.pending.skip)
    }

    fn cut(&mut self, end: usize) -> Piece {
        let bytes = &mut self.pending.bytes;
        let mut rest = Vec::with_capacity(bytes.len() - end + self.block);
        rest.extend_from_slice(&bytes[end..]);
        bytes.truncate(end);
        self.scanner.opened = self.scanner.opened.saturating_sub(end);
        std::mem::replace(&mut self.pending, Piece { bytes: rest, skip: 0 })
    }

    fn last(&mut self) -> Result<Option<Piece>, Fault> {
        let piece = std::mem::replace(&mut self.pending, Piece { bytes: Vec::new(), skip: 0 });
        if self.scanner.state == State::Quoted {
            let line = lines(&piece.bytes[..self.scanner.opened]);
            return Err(What::Quote { expected: "a closing quote", found: "the end of the file" }.on_line(line));
        }
        Ok(Some(piece).filter(|piece| !piece.bytes.is_empty()))
    }

    fn too_long(&self) -> Fault {
        match memchr(0, &self.pending.bytes) {
            Some(at) => What::NotText("a NUL byte").on_line(lines(&self.pending.bytes[..at])),
            None => What::LineTooLong.on_line(0),
        }
    }
}

/// How many line ends there are.
pub(super) fn lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// What a file is, if its first bytes say that it is no text.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 4] =
        [(b"PAR1", "a Parquet file"), (b"\x1f\x8b", "gzip data"), (b"\xff\xfe", "UTF-16 text"), (b"\xfe\xff", "UTF-16 text")];
    known.into_iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, found)| found)
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Before the first byte of a field.
    Start,
    /// In a field without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// After a quote that ends a field, or is the first of two.
    Closed,
}

/// Follows fields and quotes from block to block.
struct Scanner {
    delimiter: u8,
    state: State,
    /// Where the last quoted field began.
    opened: usize,
}

impl Scanner {
    const fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::Start, opened: 0 }
    }

    /// Follows `bytes[from..]` and returns the end of the last record that ends there.
    fn scan(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let (Some(&last), false) = (bytes[from..].last(), self.state == State::Quoted) else {
            return self.follow(bytes, from);
        };
        if memchr(b'"', &bytes[from..]).is_some() {
            return self.follow(bytes, from);
        }
        self.state = if last == self.delimiter || last == b'\n' { State::Start } else { State::Plain };
        memrchr(b'\n', &bytes[from..]).map(|at| from + at + 1)
    }

    fn follow(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let (mut at, mut end) = (from, None);
        while let Some(&byte) = bytes.get(at) {
            match self.state {
                State::Start if byte == b'"' => {
                    (self.state, self.opened) = (State::Quoted, at);
                    at += 1;
                }
                State::Closed if byte == b'"' => {
                    self.state = State::Quoted;
                    at += 1;
                }
                State::Quoted => {
                    at += memchr(b'"', &bytes[at..])? + 1;
                    self.state = State::Closed;
                }
                State::Start | State::Closed | State::Plain => {
                    self.state = State::Plain;
                    let Some(stop) = memchr2(self.delimiter, b'\n', &bytes[at..]) else { return end };
                    self.state = State::Start;
                    at += stop + 1;
                    if bytes[at - 1] == b'\n' {
                        end = Some(at);
                    }
                }
            }
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &[u8], block: usize) -> Result<Vec<Vec<u8>>, Fault> {
        let mut pieces = Pieces::with_block(text, b',', 1000, block);
        let mut all = Vec::new();
        while let Some(piece) = pieces.next()? {
            all.push(piece.bytes);
        }
        Ok(all)
    }

    #[test]
    fn pieces_end_where_records_end_whatever_the_block() {
        let text = "a,b\n1,\"x\ny\"\n2,\"\"\"\n\"\"\"\n3,5\" pipe\n\n4,\"\"\n5,z";
        // The offsets after the line ends that end records.
        let ends = [4, 12, 22, 32, 33, 38];
        for block in 1..text.len() + 5 {
            let pieces = pieces(text.as_bytes(), block).unwrap();
            assert_eq!(pieces.concat(), text.as_bytes(), "{block}");
            let mut at = 0;
            for piece in &pieces[..pieces.len() - 1] {
                at += piece.len();
                assert!(ends.contains(&at), "a piece ends at {at} with blocks of {block}");
            }
        }
        assert_eq!(pieces(b"", 8).unwrap(), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn an_open_quote_is_found_where_it_began() {
        for block in 1..30 {
            let fault = pieces(b"a,b\n1,2\n3,\"x\ny\nz\n", block).unwrap_err();
            assert!(matches!(fault.what, What::Quote { .. }), "{block}: {fault:?}");
        }
        assert_eq!(pieces(b"a,b\n1,2\n3,\"x\ny\nz\n", 100).unwrap_err().line, 2);
    }

    #[test]
    fn a_record_without_end_stops_the_reading() {
        let endless = std::io::repeat(b'x');
        let fault = Pieces::with_block(endless, b',', 1000, 64).next().unwrap_err();
        assert!(matches!(fault.what, What::LineTooLong));
        let fault = Pieces::with_block(std::io::repeat(0), b',', 1000, 64).next().unwrap_err();
        assert!(matches!(fault.what, What::NotText("a NUL byte")));
    }

    #[test]
    fn a_byte_order_mark_does_not_hide_a_quote() {
        let mut pieces = Pieces::with_block(&b"\xef\xbb\xbf\"a\nb\",c\n1,2\n"[..], b',', 100, 11);
        let piece = pieces.next().unwrap().unwrap();
        assert_eq!((piece.skip, piece.bytes.len()), (3, 11));
    }
}
