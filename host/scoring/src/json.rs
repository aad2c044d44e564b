//! Reads JSON (RFC 8259) value by value, straight into columns: no tree of values is made, and each error knows its place.

use std::borrow::Cow;

use crate::columns::{Column, Values};
use crate::problem::Problem;
use crate::signature::Field;

/// How deep a value that is skipped may be nested.
const MOST_DEPTH: u32 = 32;

/// What many a JSON writer makes of numbers that are not finite, though JSON has no word for them.
const NOT_FINITE: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// The longest piece of a request that an error repeats, in characters.
const MOST_SHOWN: usize = 40;

/// A place in a JSON text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// Why a value was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The text is not JSON.
    Malformed(Problem),
    /// It is JSON, of another kind than expected, or a number that no column holds.
    Unfit { code: &'static str, expected: &'static str, found: String },
}

impl Unread {
    /// The problem with a whole request.
    pub(crate) fn whole(self, what: &str) -> Problem {
        match self {
            Self::Malformed(problem) => problem,
            Self::Unfit { code, expected, found } => {
                Problem::new(422, code, format!("expected {expected} {what}, found {found}"))
            }
        }
    }

    /// The problem with one value.
    pub(crate) fn value(self, row: u64, field: &str) -> Problem {
        match self {
            Self::Malformed(problem) => problem.at_row(row).at_field(field),
            Self::Unfit { code, expected, found } => {
                let message = format!("expected {expected} for `{field}` in row {row}, found {found}");
                Problem::new(422, code, message).at_row(row).at_field(field)
            }
        }
    }
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of a body.
    pub(crate) fn new(body: &'a [u8]) -> Result<Self, Problem> {
        match std::str::from_utf8(body) {
            Ok(text) => Ok(Self { text, at: 0 }),
            Err(error) => {
                let message = format!("expected JSON in UTF-8, found another byte at offset {}", error.valid_up_to());
                Err(Problem::new(400, "not-json", message))
            }
        }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The first byte of what comes next, white space left out.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes().get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Steps over a byte where it comes next.
    pub(crate) fn accept(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// The text that was not read yet.
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The text is not JSON here.
    pub(crate) fn malformed(&mut self, expected: &str) -> Problem {
        let found = self.describe();
        let before = &self.bytes()[..self.at.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        Problem::new(400, "not-json", format!("expected {expected}, found {found} at line {line}, column {column}"))
    }

    /// What comes next, for an error.
    pub(crate) fn describe(&mut self) -> String {
        let Some(first) = self.peek() else { return "the end of the body".to_owned() };
        match first {
            b'{' => return "an object".to_owned(),
            b'[' => return "an array".to_owned(),
            _ => {}
        }
        let mut ahead = *self;
        if first == b'"' {
            return match ahead.string() {
                Ok(text) => format!("the string \"{}\"", shown(&text)),
                Err(_) => "a string without its end".to_owned(),
            };
        }
        let rest = self.rest();
        let word = match rest.find(|c: char| matches!(c, ',' | ':' | ']' | '}' | '"') || c.is_whitespace()) {
            // One that JSON gives no meaning here, of however many bytes.
            Some(0) => &rest[..rest.chars().next().map_or(0, char::len_utf8)],
            Some(end) => &rest[..end],
            None => rest,
        };
        match word {
            "true" | "false" | "null" => word.to_owned(),
            _ => format!("`{}`", shown(word)),
        }
    }

    /// Reads a string.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Unread> {
        if !self.accept(b'"') {
            return Err(self.unfit("a string"));
        }
        let start = self.at;
        let mut owned = String::new();
        let mut plain = start;
        loop {
            match self.bytes().get(self.at) {
                Some(b'"') => {
                    let piece = &self.text[plain..self.at];
                    self.at += 1;
                    return Ok(if plain == start { Cow::Borrowed(piece) } else { Cow::Owned(owned + piece) });
                }
                Some(b'\\') => {
                    owned.push_str(&self.text[plain..self.at]);
                    self.at += 1;
                    owned.push(self.escape()?);
                    plain = self.at;
                }
                Some(0..0x20) => return Err(Unread::Malformed(self.malformed("a string without bare control characters"))),
                Some(_) => self.at += 1,
                None => return Err(Unread::Malformed(self.malformed("the end of a string"))),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Unread> {
        let escape = self.bytes().get(self.at).copied();
        self.at += 1;
        let simple = match escape {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => {
                self.at -= 1;
                return Err(Unread::Malformed(self.malformed("an escape of JSON")));
            }
        };
        Ok(simple)
    }

    fn unicode_escape(&mut self) -> Result<char, Unread> {
        let high = self.four_digits()?;
        if !(0xd800..0xe000).contains(&high) {
            return char::from_u32(high).ok_or_else(|| Unread::Malformed(self.malformed("a character")));
        }
        let is_pair = high < 0xdc00 && self.rest().starts_with("\\u");
        if is_pair {
            self.at += 2;
            let low = self.four_digits()?;
            if (0xdc00..0xe000).contains(&low)
                && let Some(character) = char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
            {
                return Ok(character);
            }
        }
        Err(Unread::Malformed(self.malformed("both halves of a character beyond U+FFFF")))
    }

    fn four_digits(&mut self) -> Result<u32, Unread> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => Err(Unread::Malformed(self.malformed("four hexadecimal digits"))),
        }
    }

    /// Reads the text of a number.
    pub(crate) fn number(&mut self, expected: &'static str) -> Result<&'a str, Unread> {
        let first = self.peek();
        let rest = self.rest();
        if let Some(name) = NOT_FINITE.into_iter().find(|name| rest.starts_with(name)) {
            return Err(Unread::Unfit {
                code: "not-finite",
                expected: "a finite number",
                found: format!("{name}, which JSON has not"),
            });
        }
        if !matches!(first, Some(b'-' | b'0'..=b'9')) {
            return Err(self.unfit(expected));
        }
        let start = self.at;
        self.at += usize::from(first == Some(b'-'));
        let whole = self.digits();
        let leading_zero = whole > 1 && self.bytes().get(self.at - whole) == Some(&b'0');
        let mut good = whole > 0 && !leading_zero;
        if good && self.bytes().get(self.at) == Some(&b'.') {
            self.at += 1;
            good = self.digits() > 0;
        }
        if good && matches!(self.bytes().get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes().get(self.at), Some(b'+' | b'-')));
            good = self.digits() > 0;
        }
        if !good {
            self.at = start;
            return Err(Unread::Malformed(self.malformed("a number as JSON writes it")));
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.bytes().get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - start
    }

    /// Reads a finite number.
    pub(crate) fn float(&mut self) -> Result<f64, Unread> {
        let text = self.number("a number")?;
        let value: f64 = text.parse().map_err(|_| Unread::Malformed(self.malformed("a number")))?;
        if value.is_finite() {
            return Ok(value);
        }
        let found = format!("{}, which is beyond 64 bits", shown(text));
        Err(Unread::Unfit { code: "not-finite", expected: "a finite number", found })
    }

    /// Reads a whole number, which may be written as `3.0` or `3e2`.
    pub(crate) fn integer(&mut self, expected: &'static str) -> Result<i64, Unread> {
        let text = self.number(expected)?;
        if let Ok(value) = text.parse::<i64>() {
            return Ok(value);
        }
        // Above 2^53 a number with a point or an exponent names more than one whole number.
        let value = text.parse::<f64>().unwrap_or(f64::NAN);
        let is_written_as_float = text.contains(['.', 'e', 'E']);
        if is_written_as_float && value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
            return Ok(value as i64);
        }
        Err(Unread::Unfit { code: "bad-type", expected: "a whole number of 64 bits", found: shown(text) })
    }

    /// Reads `true` or `false`.
    pub(crate) fn boolean(&mut self) -> Result<bool, Unread> {
        if self.word("true") {
            Ok(true)
        } else if self.word("false") {
            Ok(false)
        } else {
            Err(self.unfit("true or false"))
        }
    }

    /// Steps over a word where it comes next.
    pub(crate) fn word(&mut self, word: &str) -> bool {
        self.peek();
        let rest = self.rest();
        let ends = rest.strip_prefix(word).is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()));
        self.at += if ends { word.len() } else { 0 };
        ends
    }

    /// Reads a value of a column's type and adds it to the column.
    pub(crate) fn value(&mut self, field: &Field, column: &mut Column) -> Result<(), Unread> {
        if self.peek() == Some(b'n') && self.word("null") {
            if !field.nullable {
                return Err(Unread::Unfit { code: "missing-value", expected: field.dtype.expected(), found: "null".to_owned() });
            }
            column.push_null();
            return Ok(());
        }
        match (&mut column.values, field.dtype) {
            (Values::Floats(values), _) => values.push(self.float()?),
            (Values::Integers(values), dtype) => values.push(self.integer(dtype.expected())?),
            (Values::Booleans(values), _) => values.push(u8::from(self.boolean()?)),
            (texts @ Values::Texts { .. }, _) => {
                let text = self.string()?;
                if !texts.push_text(text.as_bytes()) {
                    return Err(Unread::Unfit { code: "too-large", expected: "at most 4 GiB of text", found: "more".to_owned() });
                }
            }
        }
        column.mark_present();
        Ok(())
    }

    /// Steps over a value, whatever it is, and gives its text.
    pub(crate) fn skip(&mut self) -> Result<&'a str, Unread> {
        self.peek();
        let start = self.at;
        self.skip_nested(0)?;
        Ok(&self.text[start..self.at])
    }

    fn skip_nested(&mut self, depth: u32) -> Result<(), Unread> {
        if depth > MOST_DEPTH {
            return Err(Unread::Malformed(self.malformed("a value that is nested less deeply")));
        }
        match self.peek() {
            Some(b'{') => {
                let mut members = Members::open(self, "an object")?;
                while members.next_key(self)?.is_some() {
                    self.skip_nested(depth + 1)?;
                }
                Ok(())
            }
            Some(b'[') => {
                let mut elements = Elements::open(self, "an array")?;
                while elements.next(self)? {
                    self.skip_nested(depth + 1)?;
                }
                Ok(())
            }
            Some(b'"') => self.string().map(|_| ()),
            Some(b't' | b'f') => self.boolean().map(|_| ()),
            Some(b'n') if self.word("null") => Ok(()),
            _ => {
                // Left to whoever reads the value in earnest, and can say which row and column it is.
                let name = NOT_FINITE.into_iter().find(|name| self.rest().starts_with(name));
                self.at += name.map_or(0, str::len);
                if name.is_none() { self.number("a value").map(|_| ()) } else { Ok(()) }
            }
        }
    }

    /// Makes sure that nothing follows.
    pub(crate) fn end(&mut self) -> Result<(), Problem> {
        if self.peek().is_none() { Ok(()) } else { Err(self.malformed("the end of the body")) }
    }

    /// Something else than expected comes next: JSON of another kind, or no JSON at all.
    pub(crate) fn unfit(&mut self, expected: &'static str) -> Unread {
        let is_json = match self.peek() {
            Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9') => true,
            Some(b't' | b'f' | b'n') => {
                let mut ahead = *self;
                ["true", "false", "null"].into_iter().any(|word| ahead.word(word))
            }
            _ => false,
        };
        if is_json {
            Unread::Unfit { code: "bad-type", expected, found: self.describe() }
        } else {
            Unread::Malformed(self.malformed(expected))
        }
    }
}

/// The members of an object, one after the other.
pub(crate) struct Members {
    first: bool,
}

impl Members {
    pub(crate) fn open(reader: &mut Reader<'_>, expected: &'static str) -> Result<Self, Unread> {
        if reader.accept(b'{') { Ok(Self { first: true }) } else { Err(reader.unfit(expected)) }
    }

    /// The next key; its value comes next then. None at the object's end.
    pub(crate) fn next_key<'a>(&mut self, reader: &mut Reader<'a>) -> Result<Option<Cow<'a, str>>, Unread> {
        let first = std::mem::take(&mut self.first);
        if reader.accept(b'}') {
            return Ok(None);
        }
        if !first {
            if !reader.accept(b',') {
                return Err(Unread::Malformed(reader.malformed("`,` or `}`")));
            }
            if reader.peek() != Some(b'"') {
                return Err(Unread::Malformed(reader.malformed("a key")));
            }
        }
        if reader.peek() != Some(b'"') {
            return Err(Unread::Malformed(reader.malformed("a key or `}`")));
        }
        let key = reader.string()?;
        if !reader.accept(b':') {
            return Err(Unread::Malformed(reader.malformed("`:`")));
        }
        Ok(Some(key))
    }
}

/// The elements of an array, one after the other.
pub(crate) struct Elements {
    first: bool,
}

impl Elements {
    pub(crate) fn open(reader: &mut Reader<'_>, expected: &'static str) -> Result<Self, Unread> {
        if reader.accept(b'[') { Ok(Self { first: true }) } else { Err(reader.unfit(expected)) }
    }

    /// Whether an element comes next; false at the array's end.
    pub(crate) fn next(&mut self, reader: &mut Reader<'_>) -> Result<bool, Unread> {
        let first = std::mem::take(&mut self.first);
        if reader.accept(b']') {
            return Ok(false);
        }
        if !first {
            if !reader.accept(b',') {
                return Err(Unread::Malformed(reader.malformed("`,` or `]`")));
            }
            if reader.peek() == Some(b']') {
                return Err(Unread::Malformed(reader.malformed("a value")));
            }
        }
        Ok(true)
    }
}

/// A piece of the request as an error repeats it.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", text[..end].escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(text: &str) -> Reader<'_> {
        Reader { text, at: 0 }
    }

    #[test]
    fn strings_are_read_as_serde_reads_them() {
        for text in [r#""plain""#, r#""a\"b\\c\/\b\f\n\r\t""#, r#""\u00e9\ud83d\ude00é""#, r#""""#] {
            let expected: String = serde_json::from_str(text).unwrap();
            assert_eq!(reader(text).string().unwrap(), expected);
        }
        for text in [r#""open"#, r#""\x""#, r#""\u12""#, r#""\ud83d""#, r#""\ud83dx""#, r#""\ude00""#, "\"\n\"", r#""\"#] {
            assert!(matches!(reader(text).string(), Err(Unread::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn numbers_are_read_to_the_last_bit() {
        for text in ["0", "-0.0", "1.5", "1e3", "206.11667725451067", "2.2250738585072014e-308", "-1E-2"] {
            assert_eq!(reader(text).float().unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits());
        }
        for text in ["01", "1.", ".5", "-", "1e", "+1", "0x10", "--1"] {
            let is_bad = reader(text).float().is_err() || !reader(text).skip().is_ok_and(|read| read.len() == text.len());
            assert!(is_bad, "{text}");
        }
        assert_eq!(reader("3.0").integer("x").unwrap(), 3);
        assert_eq!(reader("-9223372036854775808").integer("x").unwrap(), i64::MIN);
        for text in ["9223372036854775808", "1.5", "1e300"] {
            assert!(matches!(reader(text).integer("x"), Err(Unread::Unfit { .. })), "{text}");
        }
    }

    #[test]
    fn any_value_can_be_stepped_over_to_a_depth() {
        let text = r#" {"a":[1,{"b":null},"x"],"c":true,"d":{}} "#;
        assert_eq!(reader(text).skip().unwrap(), text.trim());
        let deep = "[".repeat(100_000);
        assert!(matches!(reader(&deep).skip(), Err(Unread::Malformed(_))));
        for text in ["[1,]", "[1 2]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "tru", "nul"] {
            assert!(reader(text).skip().is_err(), "{text}");
        }
    }

    #[test]
    fn errors_have_a_place() {
        let mut reader = reader("{\n  \"a\": oops}");
        assert!(Members::open(&mut reader, "an object").unwrap().next_key(&mut reader).unwrap().is_some());
        assert_eq!(reader.malformed("a value").message, "expected a value, found `oops` at line 2, column 8");
    }
}
