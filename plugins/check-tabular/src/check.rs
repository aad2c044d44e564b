//! The whole check.

use sprag_sdk::{Column, Failure, Severity, Source, Watch, batch_rows};

use crate::{Params, Profile, duplicates::Duplicates, judge::judge, schema, tally::Tally};

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The findings: columns first, then rows, then values.
    pub found: Vec<Found>,
    /// Metrics: name, value, and what it was measured on (`data`, or a column).
    pub measured: Vec<(&'static str, f64, String)>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// A stable code, such as `null-values`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was expected and what was found.
    pub message: String,
    /// The column.
    pub subject: Option<String>,
}

impl Found {
    pub(crate) fn new(code: &'static str, severity: Severity, message: String, subject: Option<&str>) -> Self {
        Self { code, severity, message, subject: subject.map(str::to_owned) }
    }
}

/// Checks a table in one walk. Bad data is a finding, not an error.
///
/// # Errors
///
/// [`Failure::BadParams`] when a parameter names a column that nobody expects, [`Failure::Cancelled`] when the watch says so, and whatever the source meets.
pub fn check(data: &impl Source, profile: Option<&Profile>, params: &Params, watch: &impl Watch) -> Result<Report, Failure> {
    let expected = schema::expected(params, profile);
    params.check(&expected.iter().map(|column| column.name.as_str()).collect::<Vec<_>>())?;
    let (actual, rows) = (data.schema(), data.row_count());
    let mut report = Report { found: schema::compare_names(&expected, &actual, params), measured: Vec::new() };
    report.measured.push(("rows", rows as f64, "data".to_owned()));
    report.found.extend(row_count(rows, profile, params));
    if rows == 0 {
        return Ok(report);
    }
    let of_profile = |name: &str| profile.and_then(|profile| profile.column(name));
    let mut tallies: Vec<Option<Tally>> = actual
        .iter()
        .map(|field| {
            let wanted = expected.iter().find(|column| column.name == field.name).map_or(field.dtype, |column| column.dtype);
            let ignored = params.ignore.contains(&field.name);
            (!ignored).then(|| Tally::new(&field.name, wanted, field.dtype, of_profile(&field.name), params))
        })
        .collect();
    let names: Vec<_> = actual.iter().map(|field| field.name.clone()).collect();
    let (mut duplicates, mut done) = (Duplicates::default(), 0);
    for batch in data.batches(&names, batch_rows(names.len()))? {
        let batch = batch?;
        for (column, tally) in batch.iter().zip(&mut tallies) {
            if let Some(tally) = tally {
                tally.add(column);
            }
        }
        duplicates.add(&batch);
        done += batch.first().map_or(0, Column::len) as u64;
        watch.advance(done, rows)?;
    }
    report.found.extend(repeated(&duplicates, profile, params));
    report.measured.push(("duplicate_share", duplicates.share(), "data".to_owned()));
    for tally in tallies.iter().flatten() {
        let before = profile.and_then(|profile| Some((profile.column(&tally.name)?, profile.rows)));
        report.found.extend(judge(tally, before, params, &mut report.measured));
    }
    Ok(report)
}

fn row_count(rows: u64, profile: Option<&Profile>, params: &Params) -> Option<Found> {
    let of_profile = profile.map_or(0, |profile| (params.min_rows_of_profile * profile.rows as f64).ceil() as u64);
    let (least, most) = (params.min_rows.max(of_profile), params.max_rows.unwrap_or(u64::MAX));
    let message = if rows < least {
        format!("expected at least {least} rows, found {rows}")
    } else if rows > most {
        format!("expected at most {most} rows, found {rows}")
    } else {
        return None;
    };
    Some(Found::new("row-count", Severity::Error, message, None))
}

fn repeated(duplicates: &Duplicates, profile: Option<&Profile>, params: &Params) -> Option<Found> {
    let usual = profile.map(|profile| profile.duplicate_rows as f64 / profile.rows.max(1) as f64 + 0.05);
    let (share, limit) = (duplicates.share(), params.max_duplicate_share.or(usual)?);
    let percent = |share: f64| (share * 10_000.0).round() / 100.0;
    let message =
        format!("expected at most {} % of the rows to repeat an earlier one, found {} %", percent(limit), percent(share));
    (share > limit).then(|| Found::new("duplicate-rows", Severity::Error, message, None))
}
