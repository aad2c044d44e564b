//! The diabetes data against its own profile: good data passes whatever row is missing, and each kind of bad data fails with a finding that says what is wrong.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{fs, path::Path};

use check_tabular::{Category, ColumnProfile, Kind, Params, Profile, Report, check};
use sprag_sdk::{Column, Dtype, Frame, Severity, Source, Values};

fn diabetes() -> Frame {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/diabetes/data/diabetes.csv");
    Frame::from_csv(&fs::read_to_string(path).unwrap()).with_target("Y")
}

/// What `sprag profile` writes, for columns of numbers and of text.
fn profile(data: &Frame) -> Profile {
    let columns = data.schema().into_iter().map(|field| {
        let column = data.column(&field.name).unwrap();
        let mut sorted: Vec<f64> = column.numbers().map(|values| values.to_vec()).unwrap_or_default();
        sorted.sort_by(f64::total_cmp);
        let mut categories = Vec::<Category>::new();
        for value in (0..column.len()).filter_map(|row| column.text(row)) {
            match categories.iter_mut().find(|category| category.value == value) {
                Some(category) => category.count += 1,
                None => categories.push(Category { value: value.into_owned(), count: 1 }),
            }
        }
        ColumnProfile {
            name: field.name,
            dtype: if field.dtype == Dtype::Text { Kind::Text } else { Kind::Float },
            nulls: column.null_count() as u64,
            non_finite: 0,
            min: sorted.first().copied(),
            max: sorted.last().copied(),
            quantiles: if sorted.is_empty() {
                vec![]
            } else {
                (0..=100).map(|k| quantile(&sorted, f64::from(k) / 100.0)).collect()
            },
            categories,
            other_count: 0,
        }
    });
    Profile { format: "sprag-profile/1".into(), rows: data.row_count(), columns: columns.collect(), duplicate_rows: 0 }
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = q * (sorted.len() - 1) as f64;
    let (below, share) = (rank.floor() as usize, rank.fract());
    sorted[below] + share * (sorted[(below + 1).min(sorted.len() - 1)] - sorted[below])
}

fn run(data: &Frame, params: &Params) -> Report {
    check(data, Some(&profile(&diabetes())), params, &()).unwrap()
}

/// The codes and messages of what is wrong.
fn errors(report: &Report) -> Vec<(&'static str, &str)> {
    report
        .found
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| (found.code, found.message.as_str()))
        .collect()
}

/// Changes the good data and expects errors of just these codes, the first with this message.
fn check_bad(change: impl FnOnce(&mut Frame), codes: &[&str], message: &str) {
    let mut data = diabetes();
    change(&mut data);
    let report = run(&data, &Params::default());
    let errors = errors(&report);
    assert_eq!(errors.iter().map(|(code, _)| *code).collect::<Vec<_>>(), codes, "{errors:#?}");
    assert_eq!(errors[0].1, message);
}

fn edit(data: &mut Frame, name: &str, change: impl FnOnce(&mut Vec<f64>)) {
    match &mut data.column_mut(name).unwrap().values {
        Values::Floats(values) => change(values),
        other => unreachable!("{other:?} is not a column of the diabetes data"),
    }
}

fn renamed(data: &Frame, from: &str, to: &str) -> Frame {
    let columns = data.schema().into_iter().zip(data.columns());
    Frame::new(columns.map(|(field, column)| (if field.name == from { to.to_owned() } else { field.name }, column.clone())))
}

#[test]
fn good_data_passes_whatever_row_is_missing() {
    let (all, profile) = (diabetes(), profile(&diabetes()));
    for missing in 0..442 {
        let rows: Vec<usize> = (0..442).filter(|&row| row != missing).collect();
        let report = check(&all.take(&rows), Some(&profile), &Params::default(), &()).unwrap();
        assert_eq!(report.found, [], "without row {missing}");
    }
    let report = check(&all, Some(&profile), &Params::default(), &()).unwrap();
    assert_eq!(report.found, []);
    assert_eq!(report.measured.iter().filter(|(name, ..)| *name == "psi").count(), 11);
}

#[test]
fn random_fifths_pass() {
    let (all, profile) = (diabetes(), profile(&diabetes()));
    for start in 0..5 {
        let rows: Vec<usize> = (0..442).filter(|row| row % 5 == start).collect();
        let report = check(&all.take(&rows), Some(&profile), &Params::default(), &()).unwrap();
        assert_eq!(errors(&report), [], "fifth {start}");
    }
}

#[test]
fn a_column_in_another_unit_fails() {
    let change = |data: &mut Frame| edit(data, "BMI", |values| values.iter_mut().for_each(|value| *value *= 3.9));
    let message =
        "expected numbers from -0.220691 to 0.30097 in column `BMI`, found 77 outside, the first -0.32685285147537607 in row 10";
    check_bad(change, &["out-of-range", "drift"], message);
    let mut data = diabetes();
    change(&mut data);
    let generous = Params { range_margin: 100.0, ..Params::default() };
    let report = run(&data, &generous);
    assert!(
        errors(&report)[0].1.starts_with("expected the values of column `BMI` to be distributed as in the profile"),
        "drift alone finds it"
    );
}

#[test]
fn an_age_of_100_fails_in_any_row_and_in_all() {
    let range = "expected numbers from -0.216202 to 0.219703 in column `AGE`";
    let profile = profile(&diabetes());
    for row in 0..442 {
        let mut data = diabetes();
        edit(&mut data, "AGE", |values| values[row] = 100.0);
        let report = check(&data, Some(&profile), &Params::default(), &()).unwrap();
        assert_eq!(errors(&report), [("out-of-range", format!("{range}, found 1 outside, the first 100 in row {row}").as_str())]);
    }
    let all = format!("{range}, found 442 outside, the first 100 in row 0");
    check_bad(|data| edit(data, "AGE", |values| values.fill(100.0)), &["out-of-range", "drift"], &all);
}

#[test]
fn missing_and_renamed_columns_fail() {
    check_bad(|data| *data = data.without("BMI"), &["missing-column"], "expected a column `BMI`, found none");
    let message = "expected a column `BMI`, found none; the unexpected column `bmi` may be its new name";
    check_bad(|data| *data = renamed(data, "BMI", "bmi"), &["missing-column", "unexpected-column"], message);
    let message = "expected a column `BMI`, found none; the unexpected column `weight` may be its new name";
    check_bad(|data| *data = renamed(data, "BMI", "weight"), &["missing-column", "unexpected-column"], message);
    let lenient = Params { allow_unexpected: true, ignore: vec!["BMI".to_owned()], ..Params::default() };
    assert_eq!(errors(&run(&renamed(&diabetes(), "BMI", "weight"), &lenient)), []);
}

#[test]
fn text_among_numbers_fails_with_the_value() {
    let change = |data: &mut Frame| {
        let column = data.column("S3").unwrap();
        let texts: Vec<String> =
            (0..442).map(|row| if row == 17 { "n/a".to_owned() } else { column.display(row).unwrap().into_owned() }).collect();
        let columns = data.schema().into_iter().zip(data.columns());
        *data = Frame::new(columns.map(|(field, column)| {
            let column = if field.name == "S3" { Column::texts(&texts) } else { column.clone() };
            (field.name, column)
        }));
    };
    check_bad(change, &["wrong-type"], "expected float in column `S3`, found text: `n/a` in row 17");
}

#[test]
fn blanks_and_infinities_fail() {
    let blanks = |data: &mut Frame| {
        let mut validity = vec![0xff; 56];
        validity[0] = 0b1111_0001;
        data.column_mut("BP").unwrap().validity = Some(validity);
    };
    let message = "expected a value in column `BP`, found 3 of 442 rows without, the first row 1 (no value)";
    check_bad(blanks, &["null-values"], message);
    let mut data = diabetes();
    blanks(&mut data);
    assert_eq!(errors(&run(&data, &Params { null_tolerance: 0.01, ..Params::default() })), []);
    let message = "expected finite numbers in column `Y`, found 1 of 442 rows without, the first row 5 (inf)";
    check_bad(|data| edit(data, "Y", |values| values[5] = f64::INFINITY), &["non-finite-values"], message);
}

#[test]
fn too_few_rows_and_too_many_copies_fail() {
    check_bad(|data| *data = data.take(&[]), &["row-count"], "expected at least 1 rows, found 0");
    let half: Vec<usize> = (0..221).chain(0..221).collect();
    check_bad(
        |data| *data = data.take(&half),
        &["duplicate-rows"],
        "expected at most 5 % of the rows to repeat an earlier one, found 50 %",
    );
    let report = run(&diabetes(), &Params { min_rows_of_profile: 2.0, max_rows: Some(10), ..Params::default() });
    assert_eq!(errors(&report), [("row-count", "expected at least 884 rows, found 442")]);
}

#[test]
fn parameters_stand_alone_and_are_checked() {
    let params: Params =
        serde_json::from_str(r#"{"columns": {"AGE": "integer"}, "allow_unexpected": true, "ranges": {"AGE": {"max": 0.1}}}"#)
            .unwrap();
    let report = check(&diabetes(), None, &params, &()).unwrap();
    let codes: Vec<_> = errors(&report).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["wrong-type", "out-of-range"]);
    let unknown = Params { ignore: vec!["age".to_owned()], ..params };
    let failure = check(&diabetes(), None, &unknown, &()).unwrap_err();
    assert_eq!(failure.message(), "`ignore`: unknown column `age`, expected one of `AGE`");
    assert_eq!(check(&diabetes(), None, &Params::default(), &()).unwrap().found, [], "without rules all is well");
}

#[test]
fn categories_drift_and_appear() {
    let frame = |count: usize, other: &str| {
        Frame::new([("kind", Column::texts((0..200).map(|row| if row < count { "a" } else { other })))])
    };
    let of_good = profile(&frame(100, "b"));
    let copies = Params { max_duplicate_share: Some(1.0), ..Params::default() };
    let run = |data: &Frame| check(data, Some(&of_good), &copies, &()).unwrap();
    assert_eq!(run(&frame(110, "b")).found, []);
    let drifted = run(&frame(190, "b"));
    assert_eq!(errors(&drifted)[0].0, "drift");
    let report = check(&frame(199, "c"), Some(&profile(&frame(199, "b"))), &copies, &()).unwrap();
    assert_eq!(errors(&report), []);
    assert_eq!(
        report.found[0].message,
        "expected only values of the profile in column `kind`, found 1 others, the first `c` in row 199"
    );
}
