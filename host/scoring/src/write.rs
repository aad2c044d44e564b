//! JSON text: numbers with as few digits as bring the same number back, strings with their escapes.

use std::io::Write;

use crate::columns::Values;

/// Writes a number. One that is not finite becomes `null`, which a scorer's checked answer never holds.
pub(crate) fn float(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        write!(out, "{value:?}").expect("a vector takes all bytes");
    } else {
        out.extend_from_slice(b"null");
    }
}

/// Writes a string with its quotes.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => write!(out, "\\u{control:04x}").expect("a vector takes all bytes"),
        }
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

/// Writes a column as an array.
pub(crate) fn values(out: &mut Vec<u8>, values: &Values) {
    out.push(b'[');
    for row in 0..values.len() {
        if row > 0 {
            out.push(b',');
        }
        match values {
            Values::Floats(values) => float(out, values[row]),
            Values::Integers(values) => write!(out, "{}", values[row]).expect("a vector takes all bytes"),
            Values::Booleans(values) => out.extend_from_slice(if values[row] == 0 { b"false" } else { b"true" }),
            Values::Texts { .. } => string(out, &String::from_utf8_lossy(values.text(row).unwrap_or_default())),
        }
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = vec![];
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_come_back_as_they_were() {
        for value in [0.1, -0.0, 1e21, 5e-324, f64::MAX, 1.0 / 3.0, 206.116_677_254_510_67, 150.0] {
            let text = of(|out| float(out, value));
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{text}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap().as_f64().unwrap(), value, "{text}");
        }
        assert_eq!(of(|out| float(out, 150.0)), "150.0");
    }

    #[test]
    fn strings_are_escaped() {
        let text = "a\"b\\c\n\u{1}é\u{1f600}";
        assert_eq!(serde_json::from_str::<String>(&of(|out| string(out, text))).unwrap(), text);
    }
}
