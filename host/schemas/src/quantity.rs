//! Amounts with a unit, as people write them in a project file: `512MiB`, `30s`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not an amount of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct ParseQuantityError {
    expected: &'static str,
    found: String,
}

/// A number of bytes, written as a whole number with `B`, `KiB`, `MiB` or `GiB` (powers of 1024).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// A span of time, written as a whole number with `ms`, `s`, `m` or `h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeSpan(pub Duration);

const BYTE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const TIME_UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Splits `text` into digits and a unit of `units`, and multiplies.
fn parse(text: &str, units: &[(&str, u64)], expected: &'static str) -> Result<u64, ParseQuantityError> {
    let error = || ParseQuantityError { expected, found: text.to_owned() };
    let end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(error)?;
    let number: u64 = text[..end].parse().map_err(|_| error())?;
    let unit = text[end..].trim_start();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
    number.checked_mul(*factor).ok_or_else(error)
}

/// Writes `amount` in the largest unit that divides it.
fn format(amount: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let exact = units.iter().find(|(_, factor)| amount != 0 && amount.is_multiple_of(*factor));
    let (name, factor) = exact.unwrap_or(&units[units.len() - 1]);
    write!(f, "{}{name}", amount / factor)
}

impl FromStr for ByteSize {
    type Err = ParseQuantityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, &BYTE_UNITS, "a size such as `64KiB`, `512MiB` or `2GiB`").map(Self)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        format(self.0, &BYTE_UNITS, f)
    }
}

impl FromStr for TimeSpan {
    type Err = ParseQuantityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let millis = parse(text, &TIME_UNITS, "a time such as `500ms`, `30s`, `10m` or `1h`")?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        format(self.0.as_millis().try_into().unwrap_or(u64::MAX), &TIME_UNITS, f)
    }
}

macro_rules! text_form {
    ($type:ident, $pattern:literal, $example:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    };
}

text_form!(ByteSize, "^[0-9]+ *(B|KiB|MiB|GiB)$", "512MiB");
text_form!(TimeSpan, "^[0-9]+ *(ms|s|m|h)$", "30s");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_round_trip() {
        for text in ["0B", "1B", "1KiB", "512MiB", "4GiB", "1500B"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
        for text in ["0ms", "20ms", "30s", "5m", "1h", "1500ms"] {
            assert_eq!(text.parse::<TimeSpan>().unwrap().to_string(), text);
        }
        assert_eq!("64 MiB".parse(), Ok(ByteSize(64 << 20)));
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in ["", "12", "MiB", "1.5GiB", "-1s", "99999999999GiB", "5MB"] {
            let error = text.parse::<ByteSize>().unwrap_err().to_string();
            assert_eq!(error, format!("expected a size such as `64KiB`, `512MiB` or `2GiB`, found `{text}`"));
        }
        assert!("30 seconds".parse::<TimeSpan>().is_err());
    }
}
