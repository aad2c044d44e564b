//! Sends stored rows to a deployed service and holds its answers against the model's own predictions.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use sprag_sdk::http::{Client, Network, Request};
use sprag_sdk::stage::smoke_test::Endpoint;
use sprag_sdk::{
    Column, Failure, Session, Severity, SmokeTest, Source, Table, Verdict, batch_rows, secrets,
};

/// The parameters. `params.schema.json` says the same to sprag.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// How far a prediction may lie from the expected one, as a share of it.
    tolerance: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { tolerance: 1e-6 }
    }
}

/// The plugin.
pub struct Smoke;

impl SmokeTest for Smoke {
    type Params = Params;

    fn test(
        session: &Session,
        params: Params,
        service: Endpoint,
        rows: &Table,
        expected: &Table,
    ) -> Result<Verdict, Failure> {
        // Held until the answer is there: the placeholder lives as long as the handle.
        let secret = service.key.as_deref().map(secrets::get).transpose()?;
        let key = secret.as_ref().map(|secret| secret.placeholder());
        let problems = problems(
            &Network::new(),
            &service.url,
            key.as_deref(),
            &params,
            rows,
            expected,
        )?;
        for problem in &problems {
            session.find(Severity::Error, "wrong-answer", problem, None);
        }
        Ok(if problems.is_empty() {
            Verdict::Pass
        } else {
            Verdict::Fail
        })
    }
}

/// What is wrong with the service's answer. It runs over the network and sprag's tables, and in a test over neither.
fn problems(
    client: &impl Client,
    url: &str,
    key: Option<&str>,
    params: &Params,
    rows: &impl Source,
    expected: &impl Source,
) -> Result<Vec<String>, Failure> {
    let names: Vec<_> = rows.schema().into_iter().map(|field| field.name).collect();
    let url = format!("{}/score", url.trim_end_matches('/'));
    let mut request =
        Request::post(url).json(&json!({ "columns": names, "data": cells(rows)? }))?;
    request = request.timeout(Duration::from_secs(20));
    if let Some(key) = key {
        request = request.bearer(key);
    }
    let answer = client.send(&request)?;
    if !answer.is_success() {
        return Ok(vec![format!(
            "expected the status 200, found {}: {}",
            answer.status,
            answer.excerpt()
        )]);
    }
    let found = match answer.json::<Value>()?["result"].take() {
        Value::Array(found) => found,
        other => {
            return Ok(vec![format!(
                "expected predictions under `result`, found {other}"
            )]);
        }
    };
    let expected = cells(expected)?;
    if found.len() != expected.len() {
        return Ok(vec![format!(
            "expected {} predictions, found {}",
            expected.len(),
            found.len()
        )]);
    }
    let is_near = |found: &Value, expected: &Value| match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(expected)) => {
            (found - expected).abs() <= params.tolerance * expected.abs().max(1.0)
        }
        _ => found == expected,
    };
    let pairs = found
        .iter()
        .zip(&expected)
        .enumerate()
        .filter(|(_, (found, expected))| !is_near(found, &expected[0]));
    Ok(pairs
        .map(|(row, (found, expected))| {
            format!("expected {} for row {row}, found {found}", expected[0])
        })
        .collect())
}

/// A table's rows, as JSON carries them.
fn cells(table: &impl Source) -> Result<Vec<Vec<Value>>, Failure> {
    let names: Vec<_> = table.schema().into_iter().map(|field| field.name).collect();
    let mut rows = vec![];
    for batch in table.batches(&names, batch_rows(names.len()))? {
        let batch = batch?;
        let count = batch.first().map_or(0, Column::len);
        rows.extend((0..count).map(|row| batch.iter().map(|column| cell(column, row)).collect()));
    }
    Ok(rows)
}

fn cell(column: &Column, row: usize) -> Value {
    let number = column.numbers().map(|numbers| json!(numbers[row]));
    number.unwrap_or_else(|| column.display(row).map_or(Value::Null, |text| json!(text)))
}

sprag_sdk::smoke_test!(Smoke);

#[cfg(test)]
mod tests {
    use sprag_sdk::Frame;
    use sprag_sdk::http::{Error, Response};

    use super::*;

    /// A service that gives one answer.
    struct Fake(u16, &'static str);

    impl Client for Fake {
        fn send(&self, request: &Request) -> Result<Response, Error> {
            let asked: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(
                asked,
                json!({ "columns": ["x", "name"], "data": [[1.0, "a"], [2.0, "b"]] })
            );
            Ok(Response {
                status: self.0,
                headers: vec![],
                body: self.1.as_bytes().to_vec(),
            })
        }

        fn now(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn found(status: u16, body: &'static str) -> Vec<String> {
        let (rows, expected) = (
            Frame::from_csv("x,name\n1,a\n2,b\n"),
            Frame::from_csv("prediction\n10\n20\n"),
        );
        problems(
            &Fake(status, body),
            "http://localhost/",
            None,
            &Params::default(),
            &rows,
            &expected,
        )
        .unwrap()
    }

    #[test]
    fn right_answers_pass() {
        assert!(found(200, r#"{"result":[10.0,20.000001]}"#).is_empty());
    }

    #[test]
    fn wrong_ones_are_found() {
        assert_eq!(
            found(200, r#"{"result":[10.0,21.0]}"#),
            ["expected 20.0 for row 1, found 21.0"]
        );
        assert_eq!(
            found(200, r#"{"result":[10.0]}"#),
            ["expected 2 predictions, found 1"]
        );
        assert_eq!(
            found(503, "busy"),
            ["expected the status 200, found 503: busy"]
        );
    }
}
