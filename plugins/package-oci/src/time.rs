//! Times as tar wants them.

/// The seconds since 1970 of a time as RFC 3339 in UTC, such as `2026-11-25T04:45:25.123Z`; none where it is another text.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let fits = separators.iter().all(|(at, byte)| text.as_bytes().get(*at) == Some(byte)) && text.ends_with('Z');
    if !fits {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // The year begins in March, so that the leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:34:56Z", Some(951_827_696)),
            ("2026-11-25T04:45:25.123Z", Some(1_795_581_925)),
            ("2026-11-25 04:45:25Z", None),
            ("2026-13-25T04:45:25Z", None),
            ("2026-11-25T04:45:25+01:00", None),
            ("", None),
            ("äöü", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
