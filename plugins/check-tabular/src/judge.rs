//! From the counts of a column to findings.

use sprag_sdk::Severity::{Error, Warning};

use crate::{
    ColumnProfile, Found, Params,
    drift::{ks_limit, psi, psi_limit},
    schema,
    tally::{Offences, Tally},
};

/// What one column's counts say. `measured` gets the column's drift.
pub(crate) fn judge(
    tally: &Tally,
    profile: Option<(&ColumnProfile, u64)>,
    params: &Params,
    measured: &mut Vec<(&'static str, f64, String)>,
) -> Vec<Found> {
    let name = &tally.name;
    let mut found = Vec::new();
    let mut error = |code, message| found.push(Found::new(code, Error, message, Some(name)));
    if !schema::fits(tally.expected, tally.actual) {
        let (expected, actual) = (tally.expected.name(), tally.actual.name());
        if let Some((row, value)) = &tally.wrong_type.first {
            error("wrong-type", format!("expected {expected} in column `{name}`, found {actual}: `{value}` in row {row}"));
        }
    }
    if let Some((row, value)) = &tally.fractions.first {
        let count = tally.fractions.count;
        error(
            "wrong-type",
            format!("expected whole numbers in column `{name}`, found {count} others, the first {value} in row {row}"),
        );
    }
    let shares = [
        ("null-values", "a value", &tally.nulls, profile.map(|(column, _)| column.nulls)),
        ("non-finite-values", "finite numbers", &tally.non_finite, profile.map(|(column, _)| column.non_finite)),
    ];
    for (code, expected, offences, before) in shares {
        let rows_before = profile.map_or(1, |(_, rows)| rows.max(1));
        let usual = before.unwrap_or(0) as f64 / rows_before as f64;
        if let Some(message) = too_many(offences, tally.rows, usual + params.null_tolerance, expected, name) {
            error(code, message);
        }
    }
    if let (Some((low, high)), Some((row, value))) = (tally.range, &tally.outside.first) {
        let (count, low, high) = (tally.outside.count, short(low), short(high));
        let range = match (low.is_finite(), high.is_finite()) {
            (true, false) => format!("from {low} on"),
            (false, true) => format!("up to {high}"),
            _ => format!("from {low} to {high}"),
        };
        error(
            "out-of-range",
            format!("expected numbers {range} in column `{name}`, found {count} outside, the first {value} in row {row}"),
        );
    }
    found.extend(profile.and_then(|(column, rows)| drift(tally, column, rows, params, measured)));
    found
}

/// A message when more rows than usual offend.
fn too_many(offences: &Offences, rows: u64, allowed: f64, expected: &str, name: &str) -> Option<String> {
    let (row, value) = offences.first.as_ref()?;
    let (count, share) = (offences.count, offences.count as f64 / rows as f64);
    let usual = if allowed > 0.0 { format!(" in all but {} % of the rows", round(allowed * 100.0)) } else { String::new() };
    let message = format!(
        "expected {expected}{usual} in column `{name}`, found {count} of {rows} rows without, the first row {row} ({value})"
    );
    // Half a row more, so that a share that does not come out even is not broken by rounding.
    (share > allowed + 0.5 / rows as f64).then_some(message)
}

fn drift(
    tally: &Tally,
    profile: &ColumnProfile,
    rows: u64,
    params: &Params,
    measured: &mut Vec<(&'static str, f64, String)>,
) -> Option<Found> {
    let name = &tally.name;
    if let Some(histogram) = tally.histogram.as_ref().filter(|histogram| histogram.total() > 0) {
        let (old, new) = (rows.saturating_sub(profile.nulls + profile.non_finite).max(1) as f64, histogram.total() as f64);
        let ((psi, bins), ks) = (histogram.psi(old), histogram.ks());
        let (psi_max, ks_max) =
            (psi_limit(params.drift.max_psi, bins, old, new), ks_limit(params.drift.max_ks, params.drift.alpha, old, new));
        measured.extend([("psi", psi, name.clone()), ("ks", ks, name.clone())]);
        let severity = match (psi > psi_max, ks > ks_max) {
            (true, true) => Error,
            (false, false) => return None,
            _ => Warning,
        };
        let message = format!(
            "expected the values of column `{name}` to be distributed as in the profile, found a population stability index of {} (limit {}) \
             and a Kolmogorov-Smirnov distance of {} (limit {})",
            round(psi),
            round(psi_max),
            round(ks),
            round(ks_max)
        );
        return Some(Found::new("drift", severity, message, Some(name)));
    }
    // Where most values are not listed, they are names or keys, which differ in any data.
    let listed: u64 = profile.categories.iter().map(|category| category.count).sum();
    let categories = tally.categories.as_ref().filter(|_| profile.other_count <= listed)?;
    let mut old: Vec<f64> = profile.categories.iter().map(|category| category.count as f64).collect();
    let mut new: Vec<f64> =
        profile.categories.iter().map(|category| categories.get(&category.value).map_or(0.0, |&count| count as f64)).collect();
    old.push(profile.other_count as f64);
    new.push(tally.others.count as f64);
    let (old_rows, new_rows) = (old.iter().sum::<f64>(), new.iter().sum::<f64>());
    if old_rows == 0.0 || new_rows == 0.0 {
        return None;
    }
    let (psi, limit) = (psi(&old, &new), psi_limit(params.drift.max_psi, old.len(), old_rows, new_rows));
    measured.push(("psi", psi, name.clone()));
    if psi > limit {
        let message = format!(
            "expected the values of column `{name}` to be distributed as in the profile, found a population stability index of {} (limit {})",
            round(psi),
            round(limit)
        );
        return Some(Found::new("drift", Error, message, Some(name)));
    }
    let (row, value) = tally.others.first.as_ref().filter(|_| profile.other_count == 0)?;
    let message = format!(
        "expected only values of the profile in column `{name}`, found {} others, the first `{value}` in row {row}",
        tally.others.count
    );
    Some(Found::new("new-category", Warning, message, Some(name)))
}

/// A limit for a sentence: six significant digits.
fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// A share or a measure for a sentence.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
