//! Reads one field as a null, a number or a boolean.
//!
//! Floats are read by the standard library, which rounds correctly. Most never come here: [`super::decimal`] reads plain numbers first.

use super::timestamp;

/// The fields that stand for no value.
#[derive(Debug)]
pub(super) struct Nulls {
    values: Vec<String>,
    empty: bool,
    /// Whether some null value begins with this byte: most fields are settled by it.
    first: [bool; 256],
}

impl Nulls {
    pub(super) fn new(values: &[String]) -> Self {
        let mut first = [false; 256];
        for value in values.iter().filter_map(|value| value.as_bytes().first()) {
            first[usize::from(*value)] = true;
        }
        Self { values: values.to_vec(), empty: values.iter().any(String::is_empty), first }
    }

    /// Whether some null value could be a number.
    pub(super) fn are_numbers(&self) -> bool {
        self.values.iter().any(|value| value.contains(|c: char| c.is_ascii_digit()))
    }

    pub(super) fn contains(&self, field: &str) -> bool {
        match field.as_bytes().first() {
            None => self.empty,
            Some(byte) => self.first[usize::from(*byte)] && self.values.iter().any(|value| value == field),
        }
    }
}

/// The field without spaces and tabs around it.
pub(super) fn trim(field: &str) -> &str {
    field.trim_matches([' ', '\t'])
}

/// The integer, or none where the field is no integer of 64 bits.
pub(super) fn integer(field: &str) -> Option<i64> {
    field.parse().ok()
}

/// The integer, or none where the field says more than an integer holds: the sign of `-0`.
pub(super) fn exact_integer(field: &str) -> Option<i64> {
    integer(field).filter(|value| *value != 0 || !field.starts_with('-'))
}

/// The nearest float, or none where the field is no number.
#[inline]
pub(super) fn float(field: &str) -> Option<f64> {
    field.parse().ok()
}

/// `true` or `false`, in lower case, upper case or capitalised.
pub(super) fn boolean(field: &str) -> Option<bool> {
    match field {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A boolean, or a digit that stands for one where the column is declared as such.
pub(super) fn declared_boolean(field: &str) -> Option<bool> {
    boolean(field).or(match field {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    })
}

/// The microseconds of an ISO 8601 timestamp.
pub(super) fn timestamp(field: &str) -> Option<i64> {
    timestamp::parse(field.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_keep_what_the_field_says() {
        assert_eq!(exact_integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(exact_integer("9223372036854775808"), None);
        assert_eq!(
            [exact_integer("+7"), exact_integer("007"), exact_integer("-0"), exact_integer("0")],
            [Some(7), Some(7), None, Some(0)]
        );
        assert_eq!([exact_integer(""), exact_integer("1.0"), exact_integer("1e3"), exact_integer("-")], [None; 4]);
    }

    #[test]
    fn floats_are_rounded_correctly() {
        assert_eq!(float("0.1257302210933933").map(f64::to_bits), Some(0.125_730_221_093_393_3_f64.to_bits()));
        // Halfway cases: an even mantissa stays, an odd one goes up; a digit far out breaks the tie.
        assert_eq!(float("9007199254740993"), Some(9_007_199_254_740_992.0));
        assert_eq!(float("9007199254740993.00000000000000000000000000001"), Some(9_007_199_254_740_994.0));
        assert_eq!(float("2.2250738585072011e-308").map(f64::to_bits), Some(0x000f_ffff_ffff_ffff));
        assert_eq!(
            [float("-inf"), float("Infinity"), float("1e999")],
            [Some(f64::NEG_INFINITY), Some(f64::INFINITY), Some(f64::INFINITY)]
        );
        assert_eq!([float(""), float("1,5"), float("0x10"), float("1_000"), float(" 1")], [None; 5]);
    }

    #[test]
    fn nulls_are_whole_fields() {
        let nulls = Nulls::new(&["NA".to_owned(), "-".to_owned()]);
        assert!(nulls.contains("NA") && nulls.contains("-"));
        assert!(!nulls.contains("") && !nulls.contains("-1") && !nulls.contains("NAN"));
    }
}
