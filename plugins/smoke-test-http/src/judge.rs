//! Answers against the predictions that they should be.

use serde_json::Value;
use sprag_sdk::http::Response;
use sprag_sdk::{Dtype, Field, Finding, Severity};

use crate::grid::json_type;

/// The most rows of one column that are told one by one.
const MOST: usize = 10;

/// The most characters of a value that are shown.
const SHOWN: usize = 60;

/// A finding for which the test fails.
pub(crate) fn error(code: &str, message: String, subject: Option<&str>) -> Finding {
    Finding { code: code.to_owned(), severity: Severity::Error, message, subject: subject.map(str::to_owned) }
}

/// How far a prediction may lie from the expected one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    pub(crate) absolute: f64,
    pub(crate) relative: f64,
}

impl Tolerance {
    /// The most that a value may differ: the sum of both, as NumPy's `isclose` has it.
    fn around(self, expected: f64) -> f64 {
        self.absolute + self.relative * expected.abs()
    }
}

/// What an answer is held against.
pub(crate) struct Expected<'a> {
    /// The columns of the predictions; the first is `result`.
    pub(crate) fields: &'a [Field],
    /// The rows that were asked about.
    pub(crate) rows: &'a [Vec<Value>],
    /// The place of each among all rows, for a person.
    pub(crate) places: &'a [usize],
    /// How far a number may differ.
    pub(crate) tolerance: Tolerance,
}

/// What differs in an answer to `what`.
pub(crate) fn judge(what: &str, answer: &Response, expected: &Expected<'_>) -> Vec<Finding> {
    if answer.status != 200 {
        let message = format!("expected the status 200 of {what}, found {}: {}", answer.status, answer.excerpt());
        return vec![error("wrong-status", message, None)];
    }
    let body: Value = match serde_json::from_slice(&answer.body) {
        Ok(body) => body,
        Err(reason) => {
            let message = format!("expected JSON in the answer to {what}, found `{}`: {reason}", answer.excerpt());
            return vec![error("not-json", message, None)];
        }
    };
    let mut findings = vec![];
    for (at, field) in expected.fields.iter().enumerate() {
        // Only the first column has a place of its own; a request for one column has no other.
        let (key, values) = if at == 0 {
            ("result".to_owned(), body.get("result"))
        } else {
            (format!("outputs.{}", field.name), body.get("outputs").and_then(|outputs| outputs.get(&field.name)))
        };
        match values {
            Some(Value::Array(values)) if values.len() == expected.rows.len() => {
                findings.extend(judge_column(at, field, values, expected));
            }
            Some(Value::Array(values)) => {
                let message = format!(
                    "expected {} predictions under `{key}` in the answer to {what}, found {}",
                    expected.rows.len(),
                    values.len()
                );
                findings.push(error("wrong-count", message, Some(&field.name)));
            }
            _ => {
                let message = format!(
                    "expected an array of predictions under `{key}` in the answer to {what}, found `{}`",
                    answer.excerpt()
                );
                findings.push(error("wrong-shape", message, Some(&field.name)));
            }
        }
    }
    findings
}

fn judge_column(at: usize, field: &Field, found: &[Value], expected: &Expected<'_>) -> Vec<Finding> {
    let pairs = expected.places.iter().zip(expected.rows).zip(found);
    let mut findings: Vec<_> =
        pairs.filter_map(|((place, row), found)| judge_value(*place, field, row.get(at)?, found, expected.tolerance)).collect();
    let more = findings.len().saturating_sub(MOST);
    if more > 0 {
        findings.truncate(MOST);
        let message = format!("column `{}`: {more} more rows of {} are not as expected", field.name, expected.rows.len());
        findings.push(error("wrong-value", message, Some(&field.name)));
    }
    findings
}

fn judge_value(row: usize, field: &Field, expected: &Value, found: &Value, tolerance: Tolerance) -> Option<Finding> {
    let name = &field.name;
    let told = |code, message: String| Some(error(code, format!("row {row}, column `{name}`: {message}"), Some(name)));
    if field.dtype == Dtype::Float
        && let Some(expected) = expected.as_f64()
    {
        let Some(found) = found.as_f64() else {
            return told("wrong-type", format!("expected a number, found {}", shown(found)));
        };
        let (distance, most) = ((found - expected).abs(), tolerance.around(expected));
        if distance <= most {
            return None;
        }
        return told(
            "wrong-value",
            format!("expected {expected}, found {found}: {distance:.3e} apart, where {most:.3e} is allowed"),
        );
    }
    if expected == found {
        return None;
    }
    let of_type = match field.dtype {
        Dtype::Float => found.is_number(),
        Dtype::Integer | Dtype::Timestamp => found.is_i64(),
        Dtype::Boolean => found.is_boolean(),
        Dtype::Text => found.is_string(),
    };
    if of_type {
        told("wrong-value", format!("expected {}, found {}", shown(expected), shown(found)))
    } else {
        told("wrong-type", format!("expected a value of the type {}, found {}", json_type(field.dtype), shown(found)))
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sprag_sdk::field;

    use super::*;

    const TOLERANCE: Tolerance = Tolerance { absolute: 1e-9, relative: 1e-6 };

    fn check(dtype: Dtype, expected: &[Value], answer: (u16, &str), told: &[&str]) {
        let rows: Vec<_> = expected.iter().map(|value| vec![value.clone()]).collect();
        let places: Vec<_> = (0..rows.len()).collect();
        let fields = [field("prediction", dtype)];
        let expected = Expected { fields: &fields, rows: &rows, places: &places, tolerance: TOLERANCE };
        let response = Response { status: answer.0, headers: vec![], body: answer.1.as_bytes().to_vec() };
        let found: Vec<_> = judge("POST u", &response, &expected);
        let found: Vec<_> = found.iter().map(|finding| format!("{}: {}", finding.code, finding.message)).collect();
        assert_eq!(found, told, "{answer:?}");
    }

    #[test]
    fn numbers_may_differ_within_the_tolerance() {
        let expected = [json!(100.0), json!(0.0)];
        check(Dtype::Float, &expected, (200, r#"{"result":[100.00009, 1e-10]}"#), &[]);
        check(Dtype::Float, &expected, (200, r#"{"result":[100, 0]}"#), &[]);
        check(
            Dtype::Float,
            &expected,
            (200, r#"{"result":[100.5, 1e-8]}"#),
            &[
                "wrong-value: row 0, column `prediction`: expected 100, found 100.5: 5.000e-1 apart, where 1.000e-4 is allowed",
                "wrong-value: row 1, column `prediction`: expected 0, found 0.00000001: 1.000e-8 apart, where 1.000e-9 is allowed",
            ],
        );
    }

    #[test]
    fn other_types_are_exact() {
        check(Dtype::Text, &[json!("yes")], (200, r#"{"result":["yes"]}"#), &[]);
        let told = "wrong-value: row 0, column `prediction`: expected `\"yes\"`, found `\"no\"`";
        check(Dtype::Text, &[json!("yes")], (200, r#"{"result":["no"]}"#), &[told]);
        let told = "wrong-type: row 0, column `prediction`: expected a value of the type boolean, found `1`";
        check(Dtype::Boolean, &[json!(true)], (200, r#"{"result":[1]}"#), &[told]);
        let told = "wrong-value: row 0, column `prediction`: expected `9007199254740993`, found `9007199254740992`";
        check(Dtype::Integer, &[json!(9_007_199_254_740_993_i64)], (200, r#"{"result":[9007199254740992]}"#), &[told]);
    }

    #[test]
    fn nonsense_is_told_as_what_it_is() {
        let one = [json!(1.0)];
        check(Dtype::Float, &one, (401, "no key"), &["wrong-status: expected the status 200 of POST u, found 401: no key"]);
        check(
            Dtype::Float,
            &one,
            (200, "<html>"),
            &["not-json: expected JSON in the answer to POST u, found `<html>`: expected value at line 1 column 1"],
        );
        for body in [r#"{"error":"out of memory"}"#, r#"{"result":"1.0"}"#, r#""{\"result\": [1.0]}""#, "[1.0]"] {
            let told =
                format!("wrong-shape: expected an array of predictions under `result` in the answer to POST u, found `{body}`");
            check(Dtype::Float, &one, (200, body), &[&told]);
        }
        check(
            Dtype::Float,
            &one,
            (200, r#"{"result":[]}"#),
            &["wrong-count: expected 1 predictions under `result` in the answer to POST u, found 0"],
        );
        for (body, shown) in [("null", "null"), (r#""1.0""#, "\"1.0\""), ("[1.0]", "[1.0]")] {
            let told = format!("wrong-type: row 0, column `prediction`: expected a number, found `{shown}`");
            check(Dtype::Float, &one, (200, &format!("{{\"result\":[{body}]}}")), &[&told]);
        }
    }

    #[test]
    fn many_wrong_rows_are_told_in_few_words() {
        let expected: Vec<_> = (0..30).map(|_| json!(1.0)).collect();
        let body = format!("{{\"result\":[{}]}}", ["2.0"; 30].join(","));
        let rows: Vec<_> = expected.iter().map(|value| vec![value.clone()]).collect();
        let places: Vec<_> = (0..30).collect();
        let fields = [field("p", Dtype::Float)];
        let expected = Expected { fields: &fields, rows: &rows, places: &places, tolerance: TOLERANCE };
        let found = judge("POST u", &Response { status: 200, headers: vec![], body: body.into_bytes() }, &expected);
        assert_eq!(found.len(), 11);
        assert_eq!(found[10].message, "column `p`: 20 more rows of 30 are not as expected");
    }
}
