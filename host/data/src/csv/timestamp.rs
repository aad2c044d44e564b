//! Timestamps as ISO 8601 writes them, to and from microseconds since 1970-01-01T00:00:00Z.
//!
//! Read are `2026-01-31`, and with a `T` or a space `2026-01-31T23:59`, seconds, a fraction, and `Z` or an offset such as `+01:00` after
//! that. A time without an offset is taken as UTC. Digits below the microsecond must be zeros. Leap seconds, week dates and ordinal
//! dates are not read. The calendar is the proleptic Gregorian one, years 0000 to 9999.

use std::io::{self, Write};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The microseconds of a timestamp, or none where the text is not one.
pub(super) fn parse(text: &[u8]) -> Option<i64> {
    // The commonest thing that is no timestamp is a number; this settles it at once.
    if text.len() < 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (date, rest) = text.split_at(10);
    let midnight = days(number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?)? * DAY;
    let Some((b'T' | b't' | b' ', time)) = rest.split_first() else { return rest.is_empty().then_some(midnight) };
    let (micros, offset) = time_of_day(time)?;
    Some(midnight + micros - offset_minutes(offset)? * 60 * SECOND)
}

/// The microseconds since midnight, and what follows the time.
fn time_of_day(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hours, rest) = (number(text.get(..2)?)?, text[2..].strip_prefix(b":")?);
    let (minutes, rest) = (number(rest.get(..2)?)?, &rest[2..]);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let midnight_to_minute = (hours * 60 + minutes) * 60 * SECOND;
    let Some(rest) = rest.strip_prefix(b":") else { return Some((midnight_to_minute, rest)) };
    let (seconds, rest) = (number(rest.get(..2)?)?, &rest[2..]);
    if seconds > 59 {
        return None;
    }
    let micros = midnight_to_minute + seconds * SECOND;
    let Some(rest) = rest.strip_prefix(b".") else { return Some((micros, rest)) };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = rest.split_at(digits);
    if digits == 0 || digits > 18 || fraction.iter().skip(6).any(|digit| *digit != b'0') {
        return None;
    }
    let kept = &fraction[..digits.min(6)];
    Some((micros + number(kept)? * 10_i64.pow(6 - kept.len() as u32), rest))
}

/// The minutes by which a time with this offset is ahead of UTC.
fn offset_minutes(text: &[u8]) -> Option<i64> {
    let (sign, rest) = match text.split_first() {
        None | Some((b'Z' | b'z', [])) => return Some(0),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.len() {
        2 => (number(rest)?, 0),
        4 => (number(&rest[..2])?, number(&rest[2..])?),
        5 if rest[2] == b':' => (number(&rest[..2])?, number(&rest[3..])?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

/// Days since 1970-01-01. Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    let year = if month > 2 { year } else { year - 1 };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

/// Writes a timestamp as `2026-01-31T23:59:00.000000Z`, without the fraction where it is zero.
pub(super) fn write(out: &mut impl Write, micros: i64) -> io::Result<()> {
    let (days, of_day) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    // The inverse of `days`, `civil_from_days` in the same source.
    let z = days + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, fraction) = (of_day / SECOND, of_day % SECOND);
    write!(out, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
    if fraction != 0 {
        write!(out, ".{fraction:06}")?;
    }
    out.write_all(b"Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(micros: i64) -> String {
        let mut out = Vec::new();
        write(&mut out, micros).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn forms_of_one_moment_agree() {
        let moment = Some(1_769_903_999_500_000);
        for form in [
            "2026-01-31T23:59:59.5",
            "2026-01-31 23:59:59.500000Z",
            "2026-01-31T23:59:59.500000000z",
            "2026-02-01T00:59:59.5+01:00",
            "2026-02-01T00:59:59.5+0100",
            "2026-01-31t13:59:59.5-10",
        ] {
            assert_eq!(parse(form.as_bytes()), moment, "{form}");
        }
        assert_eq!(parse(b"1970-01-01"), Some(0));
        assert_eq!(parse(b"1969-12-31T23:59"), Some(-60 * SECOND));
    }

    #[test]
    fn what_is_no_timestamp() {
        for bad in [
            "",
            "2026",
            "2026-1-1",
            "2026-13-01",
            "2026-02-29",
            "2025-02-30",
            "2026-00-10",
            "2026-01-00",
            "2026-01-01T",
            "2026-01-01T24:00",
            "2026-01-01T10",
            "2026-01-01T10:60",
            "2026-01-01T10:00:60",
            "2026-01-01T10:00:00.",
            "2026-01-01T10:00:00.0000001",
            "2026-01-01T10:00+1",
            "2026-01-01T10:00+24:00",
            "2026-01-01X",
            "2026-01-01T10:00Zx",
            "20260101xx",
            "-026-01-01",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
        assert!(parse(b"2024-02-29").is_some() && parse(b"2000-02-29").is_some() && parse(b"1900-02-29").is_none());
    }

    #[test]
    fn written_days_read_back_and_never_skip() {
        let (first, last) = (parse(b"0000-01-01").unwrap() / DAY, parse(b"9999-12-31").unwrap() / DAY);
        assert_eq!(last - first + 1, 3_652_425);
        for day in (first..=last).step_by(97).chain(-800..800) {
            assert_eq!(parse(text(day * DAY).as_bytes()), Some(day * DAY));
        }
        assert_eq!(text(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(text(1_769_903_999_000_000), "2026-01-31T23:59:59Z");
    }
}
