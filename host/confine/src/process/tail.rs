//! The end of what a process wrote, in bounded memory, and its lines as they come.

use std::collections::VecDeque;

/// A line that is longer is told in pieces.
const LINE: usize = 4096;

/// The end of what a process wrote to one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tail {
    kept: VecDeque<u8>,
    bound: usize,
    written: u64,
}

impl Tail {
    pub(crate) fn new(bound: usize) -> Self {
        Self { kept: VecDeque::new(), bound, written: 0 }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.written += bytes.len() as u64;
        let bytes = &bytes[bytes.len().saturating_sub(self.bound)..];
        let excess = (self.kept.len() + bytes.len()).saturating_sub(self.bound);
        self.kept.drain(..excess);
        self.kept.extend(bytes);
    }

    /// How many bytes were written in all.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Whether there was more than is kept.
    pub fn is_cut(&self) -> bool {
        self.written > self.kept.len() as u64
    }

    /// What is kept, as text: bytes that are none, and control characters but line feed and tab, are escaped as `\x1b`.
    pub fn text(&self) -> String {
        let (first, second) = self.kept.as_slices();
        let mut bytes = [first, second].concat();
        if self.is_cut() {
            // The cut may have gone through a character: what is left of it is no error of the process.
            let partial = bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
            bytes.drain(..partial);
        }
        escaped(&bytes)
    }
}

/// Lines of a stream, until so many bytes of them were told.
#[derive(Debug)]
pub(crate) struct Lines {
    open: Vec<u8>,
    left: u64,
}

impl Lines {
    pub(crate) fn new(told: u64) -> Self {
        Self { open: vec![], left: told }
    }

    /// Tells the lines that are whole. False once, when there are more than may be told.
    pub(crate) fn push(&mut self, bytes: &[u8], tell: &mut dyn FnMut(String)) -> bool {
        let mut rest = bytes;
        while self.left > 0 && !rest.is_empty() {
            let room = LINE - self.open.len();
            let end = rest.iter().take(room).position(|byte| *byte == b'\n');
            let taken = end.map_or(room.min(rest.len()), |end| end + 1);
            self.open.extend_from_slice(&rest[..taken]);
            rest = &rest[taken..];
            if end.is_some() || self.open.len() == LINE {
                self.left = self.left.saturating_sub(self.open.len() as u64);
                self.tell(tell);
                if self.left == 0 {
                    return false;
                }
            }
        }
        true
    }

    /// Tells what stands after the last line feed.
    pub(crate) fn finish(&mut self, tell: &mut dyn FnMut(String)) {
        if !self.open.is_empty() {
            self.tell(tell);
        }
    }

    fn tell(&mut self, tell: &mut dyn FnMut(String)) {
        let line = self.open.strip_suffix(b"\n").unwrap_or(&self.open);
        tell(escaped(line.strip_suffix(b"\r").unwrap_or(line)));
        self.open.clear();
    }
}

/// Bytes as text that can be shown: a terminal must obey nothing that a script wrote.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for found in chunk.valid().chars() {
            match found {
                '\n' | '\t' => text.push(found),
                _ if found.is_control() || is_direction(found) => text.extend(found.escape_default()),
                _ => text.push(found),
            }
        }
        for byte in chunk.invalid() {
            text.extend(std::ascii::escape_default(*byte).map(char::from));
        }
    }
    text
}

/// The characters that turn the direction of text around, and with it what a line seems to say.
fn is_direction(found: char) -> bool {
    matches!(found, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let mut tail = Tail::new(4);
        tail.push(b"ab");
        assert_eq!((tail.text().as_str(), tail.is_cut()), ("ab", false));
        tail.push(b"cde");
        assert_eq!((tail.text().as_str(), tail.is_cut(), tail.written()), ("bcde", true, 5));
        tail.push("0123456é".as_bytes());
        assert_eq!(tail.text(), "56é");
        tail.push("xyz".as_bytes());
        assert_eq!(tail.text(), "xyz", "half of a character is not shown");
    }

    #[test]
    fn what_is_no_text_is_escaped() {
        let check = |bytes: &[u8], expected: &str| assert_eq!(escaped(bytes), expected);
        check(b"plain\ttext\n", "plain\ttext\n");
        check(b"\x00\xff\xfe", "\\u{0}\\xff\\xfe");
        check(b"\x1b[31mred", "\\u{1b}[31mred");
        check("é\u{202e}".as_bytes(), "é\\u{202e}");
    }

    #[test]
    fn lines_are_told_until_there_are_too_many() {
        let mut told = vec![];
        let mut lines = Lines::new(10);
        assert!(lines.push(b"one\r\ntw", &mut |line| told.push(line)));
        assert!(!lines.push(b"o\nthree\nfour\n", &mut |line| told.push(line)));
        assert!(lines.push(b"five\n", &mut |line| told.push(line)));
        lines.finish(&mut |line| told.push(line));
        assert_eq!(told, ["one", "two", "three"]);

        let (mut told, mut lines) = (vec![], Lines::new(1 << 20));
        lines.push(&vec![b'a'; 5000], &mut |line| told.push(line.len()));
        lines.finish(&mut |line| told.push(line.len()));
        assert_eq!(told, [4096, 904]);
    }
}
