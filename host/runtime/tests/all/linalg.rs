//! What the host computes for a stage: results, refusals, and the limits that hold for it too.

use std::time::Duration;

use sprag_data::{Column, DType, Field, Table, Values};
use sprag_runtime::{StageFailure, Verdict};

use crate::support::{Call, every_type, logs, numbers, programs};

fn act(act: &str, columns: &[&str]) -> Call {
    Call::new(programs::linalg(), &format!(r#"{{"act":"{act}","columns":{columns:?}}}"#))
}

/// What the program says, up to its last words.
fn told(call: &Call, table: &Table) -> Vec<String> {
    let finished = call.check(table);
    assert_eq!(finished.result, Ok(Verdict::Pass), "{:?}", finished.report);
    let lines = logs(&finished.report);
    lines[..lines.len() - 1].iter().map(|&line| line.to_owned()).collect()
}

/// Numbers of each type that counts as one.
fn mixed() -> Table {
    let columns = [
        ("f", DType::Float, Values::Floats(vec![0.5, 1.5, 4.0])),
        ("i", DType::Integer, Values::Integers(vec![1, 2, 3])),
        ("b", DType::Boolean, Values::Booleans(vec![1, 0, 1])),
    ];
    let fields = columns.iter().map(|(name, dtype, _)| Field { name: (*name).to_owned(), dtype: *dtype, nullable: false });
    let fields = fields.collect();
    let columns = columns.into_iter().map(|(_, _, values)| Column { values, validity: None }).collect();
    Table::from_columns(fields, columns).unwrap()
}

#[test]
fn columns_are_computed_with_where_they_lie() {
    assert_eq!(
        told(&act("table", &["f", "i", "f"]), &mixed()),
        [
            "(3, 2.0, 6.5, 0.5, 4.0)",
            "(3, 2.0, 2.0, 1.0, 3.0)",
            "(3, 2.0, 6.5, 0.5, 4.0)",
            "[6.5, 3.5, 6.5, 3.5, 2.0, 3.5, 6.5, 3.5, 6.5]",
            "[6.5, 3.5, 6.5, 3.5, 2.0, 3.5, 6.5, 3.5, 6.5]",
            "[6.0, 6.0, 6.0]",
            "[2.0, 5.0, 11.0]",
            "[0.5, 1.5, 4.0, 1.0, 2.0, 3.0, 0.5, 1.5, 4.0]",
        ]
    );
    assert_eq!(told(&act("table", &["b"]), &mixed())[4..], ["[1.0, 0.0, 1.0]", "[1.0, 0.0, 1.0]"]);
    assert_eq!(told(&act("table", &[]), &mixed()), ["[]", "[]", "[]", "[]", "[]"]);
}

#[test]
fn matrices_are_computed_with_by_handle() {
    assert_eq!(
        told(&act("matrix", &[]), &numbers(1)),
        [
            "(2, 2, [9.0])",
            "[16.0, 162.0]",
            "[1.0, 2.0]",
            "([1.0, 1.0], 1)",
            "([1.0, 0.0, 0.0, 1.0], [4.0, 0.0, 0.0, 9.0])",
            "([4.0, 9.0], [1.0, 0.0, 0.0, 1.0])",
        ]
    );
}

#[test]
fn columns_that_are_no_numbers_are_refused_by_name_and_row() {
    let refused = |column: &str, expected: &str| {
        let expected = format!("Some(LinalgError::{expected})");
        let lines = told(&act("refused-columns", &["b2", column]), &with_holes());
        assert_eq!(lines, [expected.as_str(); 3]);
    };
    refused("z", r#"NoSuchColumn("z")"#);
    refused("t", r#"BadValue("expected numbers in column `t`, found text")"#);
    refused("s", r#"BadValue("expected numbers in column `s`, found timestamp")"#);
    refused("f", r#"BadValue("expected a number in column `f`, row 3, found no value")"#);
    refused("i", r#"BadValue("expected a number in column `i`, row 3, found no value")"#);
    refused("nan", r#"BadValue("expected a finite number in column `nan`, row 8, found NaN")"#);
    refused("inf", r#"BadValue("expected a finite number in column `inf`, row 0, found -inf")"#);
}

/// [`every_type`], and columns beside it.
fn with_holes() -> Table {
    let table = every_type();
    let mut fields = table.schema().to_vec();
    let mut columns: Vec<_> = fields.iter().map(|field| table.read(&field.name, 0, 9).unwrap()).collect();
    for (name, row, value) in [("b2", 0, 1.0), ("nan", 8, f64::NAN), ("inf", 0, f64::NEG_INFINITY)] {
        let mut values = vec![1.0; 9];
        values[row] = value;
        fields.push(Field { name: name.to_owned(), dtype: DType::Float, nullable: false });
        columns.push(Column { values: Values::Floats(values), validity: None });
    }
    Table::from_columns(fields, columns).unwrap()
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let refusals = [
        r#"BadShape("expected 1 values in shift, found 0")"#,
        r#"BadValue("expected finite numbers in the shift, found NaN")"#,
        r#"BadShape("expected 3 x 1 in the weights, found 2 x 1")"#,
        r#"BadShape("expected at most 8192 columns, found 9000")"#,
        r#"BadShape("expected 3 rows in the right side, found 2")"#,
        r#"BadShape("expected 1 rows in the matrix on the right, found 2")"#,
        r#"BadShape("expected 18446744073709551615 x 2 values in a matrix, found 1")"#,
        r#"BadValue("expected a finite number in column 1, row 0, found inf")"#,
        r#"BadShape("expected values within 0..2 in a read, found 1..3")"#,
        r#"BadShape("expected 1 rows in the matrix on the right, found 2")"#,
        r#"BadShape("expected a square matrix, found 2 x 1")"#,
        r#"BadShape("expected a square matrix, found 2 x 1")"#,
        r#"NotPositiveDefinite("expected a positive definite matrix, found the pivot -1e0 in column 0, whose diagonal entry is -1e0")"#,
        r#"BadShape("expected 2 rows in the right side, found 1")"#,
        r#"BadValue("expected a cutoff from 0 to 1, found NaN")"#,
        r#"NoResult("expected values whose product is finite, found larger ones")"#,
    ];
    let mut lines = told(&act("refused-shapes", &[]), &numbers(3));
    assert_eq!(lines.pop().as_deref(), Some("[]"), "an empty matrix is one");
    assert_eq!(lines, refusals.map(|refusal| format!("Some(LinalgError::{refusal})")));
}

#[test]
fn an_empty_table_has_sums_and_no_description() {
    let lines = told(&act("refused-columns", &["x"]), &numbers(0));
    assert_eq!(lines, [r#"Some(LinalgError::BadShape("expected at least one row, found none"))"#, "None", "None"]);
}

fn hits(call: &Call, table: &Table, limit: &str) {
    let finished = call.check(table);
    assert_eq!(finished.result.unwrap_err().to_string(), limit);
    assert!(logs(&finished.report).is_empty(), "{:?}", finished.report);
}

#[test]
fn matrices_hit_the_memory() {
    for act_name in ["huge", "wide", "hoard"] {
        hits(&act(act_name, &[]), &numbers(3), "passed its limit `memory` of 64MiB");
    }
    let dropped = act("drop", &[]).check(&numbers(3));
    assert_eq!(dropped.result, Ok(Verdict::Pass), "what is dropped counts no more");
}

#[test]
fn matrices_hit_handles_and_call() {
    hits(&act("handles", &[]), &numbers(3), "passed its limit `handles` of 100");
    hits(&act("read", &[]), &numbers(3), "passed its limit `call` of 4MiB");
}

#[test]
fn computations_hit_the_time() {
    let limited = |name| act(name, &[]).limit(|limits| (limits.time, limits.memory) = (Duration::from_millis(300), 1 << 30));
    hits(&limited("loop"), &numbers(3), "passed its limit `time` of 300ms");
    hits(&limited("long"), &numbers(300_000), "passed its limit `time` of 300ms");
}

#[test]
fn a_computation_ends_when_the_run_is_cancelled() {
    let call = act("long", &[]).limit(|limits| limits.memory = 1 << 30);
    call.stage.cancel.request();
    assert_eq!(call.check(&numbers(3_000_000)).result, Err(StageFailure::Cancelled));
}

#[test]
fn the_same_columns_give_the_same_bits() {
    let run = || {
        let finished = act("table", &["x", "y"]).limit(|limits| limits.logs = 1 << 30).check(&numbers(50_000));
        (finished.result, finished.report)
    };
    assert_eq!(run(), run());
}
