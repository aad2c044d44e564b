//! Finds the records and fields of a piece of text.
//!
//! Counts lines as it goes, for messages. Reads no values.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::fault::{Fault, What};

/// A field as it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Raw<'a> {
    /// A field without quotes around it.
    Plain(&'a str),
    /// What stands between the quotes of a field; any quote in it is written twice.
    Quoted(&'a str),
}

impl<'a> Raw<'a> {
    /// What the field says.
    pub(super) fn text(self) -> Cow<'a, str> {
        match self {
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Quoted(text) if text.contains('"') => Cow::Owned(text.replace("\"\"", "\"")),
            Self::Quoted(text) => Cow::Borrowed(text),
        }
    }
}

/// A walk over the fields of a text that ends where a record ends.
pub(super) struct Records<'a> {
    text: &'a str,
    delimiter: u8,
    at: usize,
    start: usize,
    /// How many line ends have been passed.
    pub(super) line: u64,
    /// How many line ends come before the current record.
    pub(super) record_line: u64,
}

impl<'a> Records<'a> {
    pub(super) const fn new(text: &'a str, delimiter: u8) -> Self {
        Self { text, delimiter, at: 0, start: 0, line: 0, record_line: 0 }
    }

    /// Goes on to the next record, past empty lines; false at the end. All fields of the record before must have been taken.
    pub(super) fn advance(&mut self) -> bool {
        loop {
            match &self.text.as_bytes()[self.at.min(self.text.len())..] {
                [] | [b'\r'] => return false,
                [b'\n', ..] => self.at += 1,
                [b'\r', b'\n', ..] => self.at += 2,
                _ => {
                    (self.start, self.record_line) = (self.at, self.line);
                    return true;
                }
            }
            self.line += 1;
        }
    }

    /// The next field of the current record, and whether it is the last.
    #[inline]
    pub(super) fn field(&mut self) -> Result<(Raw<'a>, bool), Fault> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) == Some(&b'"') {
            return self.quoted();
        }
        let rest = bytes.get(self.at..).unwrap_or_default();
        let stop = memchr2(self.delimiter, b'\n', rest).map_or(bytes.len(), |stop| self.at + stop);
        let field = &self.text[self.at.min(stop)..stop];
        self.at = stop + 1;
        if bytes.get(stop) == Some(&self.delimiter) {
            return Ok((Raw::Plain(field), false));
        }
        self.line += 1;
        Ok((Raw::Plain(field.strip_suffix('\r').unwrap_or(field)), true))
    }

    /// The next field of the current record as a number, and whether it is the last. `read` says what number the bytes begin with and how
    /// long its text is. Where that is not the whole field, none, and the field is still to be taken.
    #[inline]
    pub(super) fn number<T>(&mut self, read: impl Fn(&[u8]) -> Option<(T, usize)>) -> Option<(T, bool)> {
        let bytes = self.text.as_bytes();
        let (value, length) = read(bytes.get(self.at..)?)?;
        let end = self.at + length;
        let (last, next) = match *bytes.get(end)? {
            byte if byte == self.delimiter => (false, end + 1),
            b'\n' => (true, end + 1),
            b'\r' if bytes.get(end + 1) == Some(&b'\n') => (true, end + 2),
            _ => return None,
        };
        self.at = next;
        self.line += u64::from(last);
        Some((value, last))
    }

    /// The length of the current record so far, in bytes.
    pub(super) fn length(&self) -> usize {
        self.at.min(self.text.len()) - self.start
    }

    /// Where the current record begins.
    pub(super) const fn record_start(&self) -> usize {
        self.start
    }

    /// Where the next field or record begins.
    pub(super) fn position(&self) -> usize {
        self.at.min(self.text.len())
    }

    #[cold]
    fn quoted(&mut self) -> Result<(Raw<'a>, bool), Fault> {
        let bytes = self.text.as_bytes();
        let begins = self.line;
        let fault = |expected, found| What::Quote { expected, found }.on_line(begins);
        let start = self.at + 1;
        let mut at = start;
        let end = loop {
            let Some(quote) = memchr(b'"', &bytes[at..]) else { return Err(fault("a closing quote", "the end of the file")) };
            at += quote + 1;
            match bytes.get(at) {
                Some(b'"') => at += 1,
                _ => break at - 1,
            }
        };
        let field = Raw::Quoted(&self.text[start..end]);
        self.line += super::pieces::lines(&bytes[start..end]);
        let (length, last) = match &bytes[at..] {
            [byte, ..] if *byte == self.delimiter => (1, false),
            [] | [b'\n', ..] | [b'\r'] => (1, true),
            [b'\r', b'\n', ..] => (2, true),
            _ => return Err(fault("a delimiter or a line end after the closing quote", "more text")),
        };
        self.at = at + length;
        self.line += u64::from(last);
        Ok((field, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<Vec<String>> {
        let mut records = Records::new(text, b',');
        let mut all = Vec::new();
        while records.advance() {
            let mut fields = Vec::new();
            loop {
                let (field, last) = records.field().unwrap();
                fields.push(field.text().into_owned());
                if last {
                    break;
                }
            }
            all.push(fields);
        }
        all
    }

    #[test]
    fn fields_of_every_form() {
        assert_eq!(records("a,b\r\n,\n\n\r\n\"x,\ny\",\"\"\"\"\n"), [["a", "b"], ["", ""], ["x,\ny", "\""]]);
        assert_eq!(records("a,"), [["a", ""]]);
        assert_eq!(records("\"a\",\"\""), [["a", ""]]);
        assert_eq!(records("é,5\" pipe\n"), [["é", "5\" pipe"]]);
        assert_eq!(records("\n\n"), Vec::<Vec<String>>::new());
    }

    #[test]
    fn lines_are_counted_through_quotes_and_empty_lines() {
        let mut records = Records::new("a\n\n\"x\ny\"\nb\n", b',');
        let mut lines = Vec::new();
        while records.advance() {
            records.field().unwrap();
            lines.push(records.record_line);
        }
        assert_eq!((lines, records.line), (vec![0, 2, 4], 5));
    }

    #[test]
    fn text_after_a_closing_quote_is_a_fault() {
        let mut records = Records::new("\"a\"b,c\n", b',');
        assert!(records.advance());
        assert!(matches!(records.field().unwrap_err().what, What::Quote { found: "more text", .. }));
    }
}
