//! The sanity check of the diabetes example stops bad data before it is trained on, and lets good data through.

use insta::assert_snapshot;
use sprag_schemas::exit_code;

use crate::context::{Csv, Outcome, Project};

fn run(data: &str) -> (Project, Outcome) {
    let project = Project::diabetes();
    project.write("data/diabetes.csv", data);
    let run = project.run(&["run"]);
    (project, run)
}

/// The lines of what the check found.
fn blocked(data: &Csv) -> String {
    let (_project, run) = run(&data.text());
    let told = run.exits(exit_code::BLOCKED).told();
    assert!(told.contains("\nskipped   train "), "{told}");
    told.lines()
        .filter(|line| line.contains("error[") || line.contains("warning["))
        .map(|line| format!("{}\n", line.trim()))
        .collect()
}

#[test]
fn good_data_without_any_one_row_passes() {
    // The check's own tests leave out every row; this is the way there.
    for row in [0, 123, 256, 441] {
        let mut data = Csv::diabetes();
        data.rows.remove(row);
        let _ = run(&data.text()).1.ok();
    }
}

#[test]
fn a_column_in_another_unit_is_found() {
    let data = Csv::diabetes().map("BMI", |_, value| (value.parse::<f64>().unwrap() * 3.9).to_string());
    assert_snapshot!(blocked(&data), @r"
    error[out-of-range]: expected numbers from -0.220691 to 0.30097 in column `BMI`, found 77 outside, the first -0.32685285147537607 in row 10
    error[drift]: expected the values of column `BMI` to be distributed as in the profile, found a population stability index of 1.451 (limit 0.348) and a Kolmogorov-Smirnov distance of 0.374 (limit 0.131)
    ");
}

#[test]
fn one_impossible_value_is_found() {
    let data = Csv::diabetes().map("AGE", |row, value| if row == 7 { "100".to_owned() } else { value.to_owned() });
    assert_snapshot!(blocked(&data), @"error[out-of-range]: expected numbers from -0.216202 to 0.219703 in column `AGE`, found 1 outside, the first 100 in row 7");
}

#[test]
fn a_dropped_column_is_found() {
    assert_snapshot!(blocked(&Csv::diabetes().without("AGE")), @"error[missing-column]: expected a column `AGE`, found none");
}

#[test]
fn a_renamed_column_is_found() {
    assert_snapshot!(blocked(&Csv::diabetes().renamed("AGE", "age")), @r"
    error[missing-column]: expected a column `AGE`, found none; the unexpected column `age` may be its new name
    error[unexpected-column]: expected no column `age`, found one of type float
    ");
}

#[test]
fn text_in_a_number_column_is_found() {
    let data = Csv::diabetes().map("BMI", |row, value| if row == 7 { "high".to_owned() } else { value.to_owned() });
    assert_snapshot!(blocked(&data), @"error[wrong-type]: expected float in column `BMI`, found text: `high` in row 7");
}

#[test]
fn blanks_are_found() {
    let data = Csv::diabetes().map("BP", |row, value| if row < 3 { String::new() } else { value.to_owned() });
    assert_snapshot!(blocked(&data), @"error[null-values]: expected a value in column `BP`, found 3 of 442 rows without, the first row 0 (no value)");
}

#[test]
fn a_header_without_rows_is_found() {
    let data = Csv { rows: vec![], ..Csv::diabetes() };
    assert_snapshot!(blocked(&data), @"error[row-count]: expected at least 1 rows, found 0");
}

#[test]
fn an_empty_file_is_refused_before_the_check() {
    let (_project, run) = run("");
    assert_snapshot!(run.exits(exit_code::BAD_PROJECT).told(), @r"
    exit code 2

    failed: data: expected a header line in `[TEMP]/diabetes/data/diabetes.csv`, found an empty file
      run         [RUN]
    --- standard error
    error: data: expected a header line in `[TEMP]/diabetes/data/diabetes.csv`, found an empty file
    ");
}

#[test]
fn words_that_would_act_on_a_terminal_are_shown_and_do_nothing() {
    let project = Project::diabetes();
    project.write("data/diabetes.csv", Csv::diabetes().renamed("AGE", "AGE\u{1b}[2K\u{1b}]0;all is well\u{7}").text());
    let run = project.run(&["run", "--color", "always"]).exits(exit_code::BLOCKED);
    assert!(run.stdout.contains("column `AGE\\u{1b}[2K\\u{1b}]0;all is well\\u{7}`"), "{:?}", run.stdout);
    assert!(!run.stdout.contains("\u{1b}[2K") && !run.stdout.contains('\u{7}'), "{:?}", run.stdout);
}
