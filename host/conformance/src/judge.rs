//! Whether what a plugin did is what a case asks for. Pure: it decides from values alone.

use serde::Serialize;
use sprag_data::{Table, Values};

use crate::case::{Expect, Figure};
use crate::observed::{Observed, Outcome};

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "status", content = "found")]
pub enum Status {
    /// The plugin does what it must.
    Passed,
    /// It does not: what was found.
    Failed(String),
    /// The case says nothing about this plugin: why.
    Skipped(String),
}

/// One case of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CaseReport {
    /// The case's name.
    pub case: String,
    /// What the plugin must do.
    pub must: String,
    /// How it ended.
    #[serde(flatten)]
    pub status: Status,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
}

/// Holds a call against what a case expects.
pub(crate) fn judge(expect: &Expect, observed: &Observed) -> Status {
    match problem(expect, observed) {
        None => Status::Passed,
        Some(found) => Status::Failed(found),
    }
}

fn problem(expect: &Expect, observed: &Observed) -> Option<String> {
    let allowed = if expect.outcomes.is_empty() { &[Outcome::Ok][..] } else { &expect.outcomes };
    if !allowed.contains(&observed.outcome) {
        let names: Vec<_> = allowed.iter().map(|outcome| format!("`{}`", outcome.name())).collect();
        return Some(format!("expected {}, found `{}`: {}", names.join(" or "), observed.outcome.name(), observed.told()));
    }
    if observed.outcome.is_said() && !has_words(&observed.message) {
        return Some(format!("expected a failure that says what is wrong, found `{}` without words", observed.outcome.name()));
    }
    if let Some(message) = expect.message.as_ref().filter(|message| !observed.message.contains(*message)) {
        return Some(format!("expected a failure with the words `{message}`, found: {}", observed.told()));
    }
    if expect.answer.is_some() && expect.answer != observed.answer {
        let name = |answer: &Option<String>| answer.as_ref().map_or_else(|| "none".to_owned(), |answer| format!("`{answer}`"));
        return Some(format!("expected the answer {}, found {}", name(&expect.answer), name(&observed.answer)));
    }
    if let Some(codes) = &expect.findings {
        let found: Vec<_> = observed.report.findings.iter().map(|finding| finding.code.clone()).collect();
        if *codes != found {
            return Some(format!("expected the findings {codes:?}, found {found:?}"));
        }
    }
    expect.metrics.iter().find_map(|(name, figure)| metric_problem(name, *figure, observed))
}

/// A message of the runtime begins with the failure's kind and a colon.
fn has_words(message: &str) -> bool {
    message.split_once(": ").is_none_or(|(_, words)| !words.trim().is_empty())
}

fn metric_problem(name: &str, Figure { value, within }: Figure, observed: &Observed) -> Option<String> {
    let metrics = &observed.report.metrics;
    let Some(found) = metrics.iter().rev().find(|metric| metric.name == name) else {
        let names: Vec<_> = metrics.iter().map(|metric| format!("`{}`", metric.name)).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Some(format!("expected the metric `{name}`, found {names}"));
    };
    let is_near = (found.value - value).abs() <= within;
    (!is_near).then(|| format!("expected `{name}` to be {value} within {within}, found {}", found.value))
}

/// Holds predictions against those that were expected, by the names of the columns.
pub(crate) fn prediction_problem(expected: &Table, found: &Table, within: f64) -> Option<String> {
    if expected.row_count() != found.row_count() {
        return Some(format!("expected {} predictions, found {}", expected.row_count(), found.row_count()));
    }
    expected.schema().iter().find_map(|field| {
        let name = &field.name;
        let Ok(ours) = found.column_f64(name) else {
            return Some(format!("expected numbers in the model's column `{name}`, found none"));
        };
        let theirs = match expected.column_f64(name) {
            Ok(theirs) => theirs,
            Err(error) => return Some(error.to_string()),
        };
        let far = theirs.iter().zip(ours.iter()).position(|(a, b)| (a - b).abs() > within || a.is_nan() != b.is_nan())?;
        let (theirs, ours) = (theirs[far], ours[far]);
        Some(format!("row {}: expected `{name}` to be {theirs} within {within}, found {ours}", far + 1))
    })
}

/// The first row in which two tables differ by a bit, with the column; none where they are the same.
pub(crate) fn difference(whole: &Table, pieces: &Table) -> Option<String> {
    if whole.row_count() != pieces.row_count() {
        return Some(format!("{} predictions at once and {} in pieces", whole.row_count(), pieces.row_count()));
    }
    let rows = u32::try_from(whole.row_count()).unwrap_or(u32::MAX);
    whole.schema().iter().find_map(|field| {
        let read = |table: &Table| table.read(&field.name, 0, rows);
        let (Ok(a), Ok(b)) = (read(whole), read(pieces)) else { return Some(format!("no column `{}` in pieces", field.name)) };
        let row = first_difference(&a.values, &b.values)?;
        Some(format!("another bit in `{}` of row {}", field.name, row + 1))
    })
}

fn first_difference(a: &Values, b: &Values) -> Option<usize> {
    match (a, b) {
        (Values::Floats(a), Values::Floats(b)) => a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits()),
        (Values::Integers(a), Values::Integers(b)) => a.iter().zip(b).position(|(a, b)| a != b),
        (Values::Booleans(a), Values::Booleans(b)) => a.iter().zip(b).position(|(a, b)| a != b),
        (a, b) => (a != b).then_some(0),
    }
}

#[cfg(test)]
mod tests {
    use sprag_data::{Column, DType, Field};
    use sprag_schemas::record::{Metric, StageReport};

    use super::*;

    fn observed(outcome: Outcome, message: &str) -> Observed {
        let metrics = vec![Metric { name: "mse".into(), value: 2.0, step: None, split: None }];
        let report = StageReport { metrics, ..StageReport::default() };
        Observed { outcome, message: message.into(), answer: Some("pass".into()), result: String::new(), report }
    }

    fn found(expect: &Expect, observed: &Observed) -> String {
        problem(expect, observed).unwrap_or_default()
    }

    #[test]
    fn only_what_is_allowed_passes() {
        assert_eq!(judge(&Expect::default(), &observed(Outcome::Ok, "")), Status::Passed);
        let words = found(&Expect::default(), &observed(Outcome::BadInput, "bad input: no rows"));
        assert_eq!(words, "expected `ok`, found `bad-input`: bad input: no rows");
        let expect = Expect { outcomes: vec![Outcome::BadInput], ..Expect::default() };
        assert_eq!(found(&expect, &observed(Outcome::BadInput, "bad input: no rows")), "");
        assert!(found(&expect, &observed(Outcome::BadInput, "bad input: ")).contains("without words"));
        let expect = Expect { message: Some("columns".into()), ..expect };
        assert!(found(&expect, &observed(Outcome::BadInput, "bad input: no rows")).contains("with the words `columns`"));
    }

    #[test]
    fn figures_and_answers_are_held_against_the_case() {
        let figure =
            |value, within| Expect { metrics: [("mse".to_owned(), Figure { value, within })].into(), ..Expect::default() };
        assert_eq!(found(&figure(2.0, 0.0), &observed(Outcome::Ok, "")), "");
        assert!(found(&figure(2.5, 0.1), &observed(Outcome::Ok, "")).contains("to be 2.5 within 0.1, found 2"));
        assert!(found(&figure(f64::NAN, 1.0), &observed(Outcome::Ok, "")).contains("found 2"), "nothing is near no number");
        let answer = Expect { answer: Some("fail".into()), ..Expect::default() };
        assert_eq!(found(&answer, &observed(Outcome::Ok, "")), "expected the answer `fail`, found `pass`");
        let findings = Expect { findings: Some(vec!["missing".into()]), ..Expect::default() };
        assert!(found(&findings, &observed(Outcome::Ok, "")).contains("[\"missing\"], found []"));
    }

    #[test]
    fn predictions_are_compared_by_row() {
        let table = |values: Vec<f64>| {
            let field = Field { name: "p".into(), dtype: DType::Float, nullable: false };
            Table::from_columns(vec![field], vec![Column { values: Values::Floats(values), validity: None }]).unwrap()
        };
        let (a, b) = (table(vec![1.0, 2.0]), table(vec![1.0, 2.5]));
        assert_eq!(prediction_problem(&a, &b, 0.5), None);
        assert_eq!(prediction_problem(&a, &b, 0.1).unwrap(), "row 2: expected `p` to be 2 within 0.1, found 2.5");
        assert_eq!(difference(&a, &a), None);
        assert_eq!(difference(&a, &b).unwrap(), "another bit in `p` of row 2");
    }
}
