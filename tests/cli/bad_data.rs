//! Data that cannot be used gets an error that names the file, the line and what to do.

use std::io::Write;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use sprag_schemas::exit_code::{self, ExitCode};

use crate::context::Project;

const GOOD: &str = "a,b,y\n1,2,3\n2,1,4\n3,5,8\n4,1,6\n5,9,14\n";

/// What a run says of a data file.
fn told(bytes: impl AsRef<[u8]>, code: ExitCode) -> String {
    let project = Project::small("");
    project.write("data.csv", bytes);
    let run = project.run(&["run"]).exits(code);
    if run.stdout.is_empty() { run.error() } else { run.told() }
}

#[test]
fn a_missing_file() {
    let project = Project::small(GOOD);
    std::fs::remove_file(project.path("data.csv")).unwrap();
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: data: no file at `[TEMP]/project/data.csv`
    ");
    assert_snapshot!(project.run(&["check"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: data: no file at `[TEMP]/project/data.csv`
    ");
}

#[test]
fn a_folder_in_place_of_a_file() {
    let project = Project::small(GOOD);
    project.edit("data.csv", "home");
    std::fs::create_dir(project.path("home")).unwrap();
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: data: expected a file at `[TEMP]/project/home`, found a directory
    ");
}

#[test]
fn an_empty_file() {
    assert_snapshot!(told("", exit_code::BAD_PROJECT), @r"
    exit code 2

    failed: data: expected a header line in `[TEMP]/project/data.csv`, found an empty file
      run         [RUN]
    --- standard error
    error: data: expected a header line in `[TEMP]/project/data.csv`, found an empty file
    ");
}

#[test]
fn a_header_only() {
    assert_snapshot!(told("a,b,y\n", exit_code::PLUGIN_FAILED), @r"
    exit code 5
    failed    train         train-ridge 0.1.0 [TIME]  bad input: expected at least one row, found none
    skipped   evaluate      evaluate-regression 0.1.0               `train` failed

    failed: `train` failed: bad input: expected at least one row, found none
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
}

#[test]
fn a_truncated_file() {
    assert_snapshot!(told(&GOOD[..GOOD.len() - 4], exit_code::BAD_PROJECT), @r"
    exit code 2

    failed: data: expected 3 fields on line 6 of `[TEMP]/project/data.csv`, found 2
      run         [RUN]
    --- standard error
    error: data: expected 3 fields on line 6 of `[TEMP]/project/data.csv`, found 2

    hint: is the file truncated? otherwise check the `delimiter`
    ");
}

#[test]
fn a_binary_file() {
    assert_snapshot!(told(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", exit_code::BAD_PROJECT), @r"
    exit code 2

    failed: data: expected UTF-8 text in `[TEMP]/project/data.csv`, found invalid UTF-8 on line 1
      run         [RUN]
    --- standard error
    error: data: expected UTF-8 text in `[TEMP]/project/data.csv`, found invalid UTF-8 on line 1

    hint: save the file as UTF-8 text
    ");
}

#[test]
fn a_parquet_file_that_is_called_csv_and_one_that_is_cut_short() {
    assert_snapshot!(told(b"PAR1\x15\x04\x15\x10PAR1", exit_code::BAD_PROJECT), @r"
    exit code 2

    failed: data: expected UTF-8 text in `[TEMP]/project/data.csv`, found a Parquet file on line 1
      run         [RUN]
    --- standard error
    error: data: expected UTF-8 text in `[TEMP]/project/data.csv`, found a Parquet file on line 1

    hint: give the data's `format` as `parquet`
    ");
    let project = Project::small("");
    project.edit("data.csv", "data.parquet");
    project.write("data.parquet", b"PAR1\x15\x04\x15\x10");
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BAD_PROJECT).told(), @r"
    exit code 2

    failed: data: expected a Parquet file at `[TEMP]/project/data.parquet`: the file does not end with `PAR1`: is it truncated?
      run         [RUN]
    --- standard error
    error: data: expected a Parquet file at `[TEMP]/project/data.parquet`: the file does not end with `PAR1`: is it truncated?
    ");
}

#[test]
fn a_single_line_of_100_megabytes_fails_fast() {
    let project = Project::small("");
    let mut file = std::fs::File::create(project.path("data.csv")).unwrap();
    file.write_all(b"a,b,y\n").unwrap();
    let piece = vec![b'1'; 1 << 20];
    (0..100).for_each(|_| file.write_all(&piece).unwrap());
    let started = Instant::now();
    let run = project.run(&["run"]).exits(exit_code::BAD_PROJECT);
    assert!(started.elapsed() < Duration::from_secs(10), "took {:?}", started.elapsed());
    assert_snapshot!(run.told(), @r"
    exit code 2

    failed: data: line 2 of `[TEMP]/project/data.csv` is longer than the limit of 16777216 bytes (`max-line`)
      run         [RUN]
    --- standard error
    error: data: line 2 of `[TEMP]/project/data.csv` is longer than the limit of 16777216 bytes (`max-line`)

    hint: raise `max-line` if the file is right, or look for a missing line end or closing quote
    ");
}

#[test]
fn two_columns_of_one_name() {
    assert_snapshot!(told("a,a,y\n1,2,3\n", exit_code::BAD_PROJECT), @r"
    exit code 2

    failed: data: two columns of `[TEMP]/project/data.csv` are named `a`: columns 1 and 2
      run         [RUN]
    --- standard error
    error: data: two columns of `[TEMP]/project/data.csv` are named `a`: columns 1 and 2
    ");
}

#[test]
fn values_that_are_no_numbers_among_the_features() {
    for value in ["NaN", "", "inf", "-inf"] {
        let told = told(GOOD.replace("2,1,4", &format!("{value},1,4")), exit_code::PLUGIN_FAILED);
        assert!(told.contains("failed    train ") && told.contains("column `a`"), "{told}");
    }
    assert_snapshot!(told(GOOD.replace("2,1,4", "NaN,1,4"), exit_code::PLUGIN_FAILED), @r"
    exit code 5
    failed    train         train-ridge 0.1.0 [TIME]  bad input: expected a number in column `a`, row 1, found no value
    skipped   evaluate      evaluate-regression 0.1.0               `train` failed

    failed: `train` failed: bad input: expected a number in column `a`, row 1, found no value
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
    assert_snapshot!(told(GOOD.replace("2,1,4", "inf,1,4"), exit_code::PLUGIN_FAILED), @r"
    exit code 5
    failed    train         train-ridge 0.1.0 [TIME]  bad input: expected a finite number in column `a`, row 1, found inf
    skipped   evaluate      evaluate-regression 0.1.0               `train` failed

    failed: `train` failed: bad input: expected a finite number in column `a`, row 1, found inf
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
}

#[test]
fn values_that_are_no_numbers_in_the_target() {
    assert_snapshot!(told(GOOD.replace("2,1,4", "2,1,NaN"), exit_code::PLUGIN_FAILED), @r"
    exit code 5
    failed    train         train-ridge 0.1.0 [TIME]  bad input: expected a number in column `y`, row 1, found no value
    skipped   evaluate      evaluate-regression 0.1.0               `train` failed

    failed: `train` failed: bad input: expected a number in column `y`, row 1, found no value
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
    assert_snapshot!(told(GOOD.replace("2,1,4", "2,1,inf"), exit_code::PLUGIN_FAILED), @r"
    exit code 5
    failed    train         train-ridge 0.1.0 [TIME]  bad input: expected a finite number in column `y`, row 1, found inf
    skipped   evaluate      evaluate-regression 0.1.0               `train` failed

    failed: `train` failed: bad input: expected a finite number in column `y`, row 1, found inf
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
}

#[test]
fn values_that_are_no_numbers_in_the_hold_out() {
    // The third row of five is the hold-out.
    assert_snapshot!(told(GOOD.replace("3,5,8", "NaN,5,8"), exit_code::PLUGIN_FAILED), @r"
    exit code 5
    passed    train         train-ridge 0.1.0 [TIME]  a model of [SIZE] (application/onnx)
    failed    evaluate      evaluate-regression 0.1.0 [TIME]  bad input: the scorer of the candidate: expected a number in column `a`, row 0 of the batch, found no value

    failed: `evaluate` failed: bad input: the scorer of the candidate: expected a number in column `a`, row 0 of the batch, found no value
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
    assert_snapshot!(told(GOOD.replace("3,5,8", "inf,5,8"), exit_code::PLUGIN_FAILED), @r"
    exit code 5
    passed    train         train-ridge 0.1.0 [TIME]  a model of [SIZE] (application/onnx)
    failed    evaluate      evaluate-regression 0.1.0 [TIME]  the scorer of the candidate: expected 1 rows of float for the output `prediction`, found inf in row 0

    failed: `evaluate` failed: the scorer of the candidate: expected 1 rows of float for the output `prediction`, found inf in row 0
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
    assert_snapshot!(told(GOOD.replace("3,5,8", "3,5,NaN"), exit_code::PLUGIN_FAILED), @r"
    exit code 5
    passed    train         train-ridge 0.1.0 [TIME]  a model of [SIZE] (application/onnx)
    failed    evaluate      evaluate-regression 0.1.0 [TIME]  bad input: expected a finite number as the target in row 0, found no value

    failed: `evaluate` failed: bad input: expected a finite number as the target in row 0, found no value
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
    assert_snapshot!(told(GOOD.replace("3,5,8", "3,5,inf"), exit_code::PLUGIN_FAILED), @r"
    exit code 5
    passed    train         train-ridge 0.1.0 [TIME]  a model of [SIZE] (application/onnx)
    failed    evaluate      evaluate-regression 0.1.0 [TIME]  bad input: expected a finite number as the target in row 0, found inf

    failed: `evaluate` failed: bad input: expected a finite number as the target in row 0, found inf
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
}

#[test]
fn the_check_names_what_is_no_number() {
    let project = Project::small(&GOOD.replace("3,5,8", "inf,5,NaN"));
    project.append("\n[stages.sanity-check]\nplugin = \"check-tabular\"\n");
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BLOCKED).told(), @r"
    exit code 3
    blocked   sanity-check  check-tabular 0.1.0 [TIME]  2 findings: expected finite numbers in column `a`, found 1 of 5 rows without, the first row 2 (inf)
      error[non-finite-values]: expected finite numbers in column `a`, found 1 of 5 rows without, the first row 2 (inf)
      error[null-values]: expected a value in column `y`, found 1 of 5 rows without, the first row 2 (no value)
    skipped   train         train-ridge 0.1.0                       `sanity-check` blocked the run
    skipped   evaluate      evaluate-regression 0.1.0               `sanity-check` blocked the run

    blocked: `sanity-check` blocked the run: 2 findings: expected finite numbers in column `a`, found 1 of 5 rows without, the first row 2 (inf)
      run         [RUN]
    ");
}

#[test]
fn a_target_that_is_not_there() {
    let project = Project::small(GOOD);
    project.edit("target = \"y\"", "target = \"z\"");
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BAD_PROJECT).told(), @r"
    exit code 2

    failed: data: no column `z`; known columns are `a`, `b`, `y`
      run         [RUN]
    --- standard error
    error: data: no column `z`; known columns are `a`, `b`, `y`
    ");
}

#[test]
fn a_target_of_text_for_a_regression() {
    assert_snapshot!(told(GOOD.replace(",3\n", ",low\n"), exit_code::PLUGIN_FAILED), @r"
    exit code 5
    failed    train         train-ridge 0.1.0 [TIME]  bad input: expected numbers in column `y`, found text
    skipped   evaluate      evaluate-regression 0.1.0               `train` failed

    failed: `train` failed: bad input: expected numbers in column `y`, found text
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
}

#[test]
fn a_feature_of_text_for_a_regression() {
    assert_snapshot!(told(GOOD.replace("\n1,", "\nlow,"), exit_code::PLUGIN_FAILED), @r"
    exit code 5
    failed    train         train-ridge 0.1.0 [TIME]  bad input: expected numbers in column `a`, found text
    skipped   evaluate      evaluate-regression 0.1.0               `train` failed

    failed: `train` failed: bad input: expected numbers in column `a`, found text
      trained     train-ridge 0.1.0 on `data.csv`, target `y`
      run         [RUN]
    ");
}

#[test]
fn a_value_that_is_not_of_its_declared_type() {
    let project = Project::small(&GOOD.replace("3,5,8", "3,five,8"));
    project.edit("target = \"y\"", "target = \"y\"\ncolumns = { b = \"float\" }");
    assert_snapshot!(project.run(&["run"]).exits(exit_code::BAD_PROJECT).told(), @r"
    exit code 2

    failed: data: expected float in column `b` on line 4 of `[TEMP]/project/data.csv`, found `five`
      run         [RUN]
    --- standard error
    error: data: expected float in column `b` on line 4 of `[TEMP]/project/data.csv`, found `five`

    hint: correct the value, add it to `null-values`, or declare `b` as `text`
    ");
}

#[test]
fn too_few_rows_for_a_hold_out() {
    assert_snapshot!(told("a,b,y\n1,2,3\n", exit_code::BAD_PROJECT), @r"
    exit code 2

    failed: data: with 1 rows and `test-size` 0.2 the training part would be empty
      run         [RUN]
    --- standard error
    error: data: with 1 rows and `test-size` 0.2 the training part would be empty

    hint: change `test-size`, or give more rows
    ");
}
