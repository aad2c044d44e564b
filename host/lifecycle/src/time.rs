//! The wall clock, in the form that records have.

use chrono::{SecondsFormat, Utc};

/// The time now, as RFC 3339 in UTC with milliseconds.
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The time so long after now, in the same form.
pub fn after(span: std::time::Duration) -> String {
    let span = chrono::TimeDelta::from_std(span).unwrap_or(chrono::TimeDelta::MAX);
    let at = Utc::now().checked_add_signed(span).unwrap_or(chrono::DateTime::<Utc>::MAX_UTC);
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The time so long before now, in the same form.
pub(crate) fn before(span: std::time::Duration) -> String {
    let span = chrono::TimeDelta::from_std(span).unwrap_or_default();
    let at = Utc::now().checked_sub_signed(span).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The day (UTC) that was so many days before today, such as `2026-11-25`.
pub(crate) fn day_before(days: u32) -> String {
    let days = chrono::Days::new(days.into());
    let day = Utc::now().checked_sub_days(days).unwrap_or_default();
    day.format("%Y-%m-%d").to_string()
}

/// A new id of a run or a release: the UTC time and four characters drawn from the process, so that two of one second differ.
pub fn new_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = RandomState::new().hash_one(std::process::id());
    let mut suffix = String::new();
    for _ in 0..4 {
        suffix.push(char::from(ALPHABET[(random % 32) as usize]));
        random /= 32;
    }
    format!("{}-{suffix}", Utc::now().format("%Y%m%d-%H%M%S"))
}
