//! The test: first what the service says of itself, then all rows, then single ones.

use std::time::Duration;

use serde_json::{Value, json};
use sprag_sdk::http::{Client, Request, Response};
use sprag_sdk::{Failure, Finding, Source, Watch};

use crate::ask::{Asker, Bounds, Unanswered};
use crate::grid::Pair;
use crate::judge::{Expected, Tolerance, error, judge};
use crate::trace::Trace;
use crate::{Demand, Params, columns};

/// The most rows of one request.
const ROWS: usize = 1000;

/// Where a service describes itself: the second is the place that Azure's clients know.
const DOCUMENTS: [&str; 2] = ["/openapi.json", "/swagger.json"];

/// The header by which a service says which model answered.
const DIGEST: &str = "x-sprag-model-digest";

/// Who is tested.
pub(crate) struct Target {
    /// The root of its paths, without a slash at the end.
    pub(crate) url: String,
    /// The digest of the model that must answer.
    pub(crate) digest: String,
    /// What stands for its bearer key.
    pub(crate) token: Option<String>,
}

/// What came of a test.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    pub(crate) rows: usize,
    pub(crate) requests: u32,
    pub(crate) attempts: u32,
    pub(crate) slowest: Duration,
    pub(crate) trace: String,
}

/// Tests a service.
///
/// # Errors
/// The test could not be done: the rows cannot be sent, a grant or a secret is missing, or the host asked to stop.
pub(crate) fn run<C: Client, W: Watch>(
    client: &C,
    watch: &W,
    params: &Params,
    target: &Target,
    trace: Trace,
    rows: &impl Source,
    expected: &impl Source,
) -> Result<Report, Failure> {
    let pair = Pair::read(rows, expected)?;
    let bounds = Bounds {
        whole: Duration::from_secs_f64(params.seconds),
        answer: Duration::from_secs_f64(params.answer_seconds),
        losses: params.losses,
    };
    let asker = Asker::new(client, watch, target.token.as_deref(), trace, bounds);
    let mut test = Test { params, target, pair: &pair, asker, findings: vec![], document: None };
    let ended = test.all();
    match ended {
        Ok(()) => {}
        Err(Unanswered::Found(finding)) => test.findings.push(finding),
        Err(Unanswered::Failed(failure)) => return Err(failure),
    }
    let Asker { requests, attempts, slowest, .. } = test.asker;
    Ok(Report { trace: test.asker.trace(), findings: test.findings, rows: pair.sent.rows.len(), requests, attempts, slowest })
}

struct Test<'a, C, W> {
    params: &'a Params,
    target: &'a Target,
    pair: &'a Pair,
    asker: Asker<'a, C, W>,
    findings: Vec<Finding>,
    document: Option<Value>,
}

impl<C: Client, W: Watch> Test<'_, C, W> {
    fn all(&mut self) -> Result<(), Unanswered> {
        if self.params.schema == Demand::Required {
            self.describe()?;
        }
        let count = self.pair.sent.rows.len();
        for start in (0..count).step_by(ROWS) {
            self.score(start..count.min(start + ROWS), self.pair.expected.fields.len() > 1)?;
            if !self.findings.is_empty() {
                return Ok(());
            }
        }
        // Alone, a row must get the prediction that it got among others, and the service must still be there.
        for repeat in 0..self.params.repeats as usize {
            let row = repeat % count;
            self.score(row..row + 1, false)?;
            if !self.findings.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Holds the columns that the service says it has against those of the model.
    fn describe(&mut self) -> Result<(), Unanswered> {
        let mut answer = None;
        for path in DOCUMENTS {
            let place = format!("{}{path}", self.target.url);
            let answered = self.asker.ask(&Request::get(place.as_str()))?;
            let is_missing = answered.status == 404;
            answer = Some((place, answered));
            if !is_missing {
                break;
            }
        }
        let Some((place, answered)) = answer else { return Ok(()) };
        if answered.status != 200 {
            let message = format!("expected the status 200 of GET {place}, found {}: {}", answered.status, answered.excerpt());
            self.findings.push(error("wrong-status", message, None));
            return Ok(());
        }
        match serde_json::from_slice::<Value>(&answered.body) {
            Ok(document) => {
                let (inputs, outputs) = (&self.pair.sent.fields, &self.pair.expected.fields);
                self.findings.extend(columns::judge(&document, &place, inputs, outputs));
                self.document = Some(document);
            }
            Err(reason) => {
                let message = format!("expected JSON at {place}, found `{}`: {reason}", answered.excerpt());
                self.findings.push(error("not-json", message, None));
            }
        }
        Ok(())
    }

    /// Asks about some of the rows, and judges the answer.
    fn score(&mut self, range: std::ops::Range<usize>, all_outputs: bool) -> Result<(), Unanswered> {
        let query = if all_outputs { "?outputs=all" } else { "" };
        let url = format!("{}{}{query}", self.target.url, self.params.path);
        let what = format!("POST {url}");
        let body = json!({ "data": &self.pair.sent.rows[range.clone()] });
        let request = Request::post(url).json(&body).map_err(Failure::from)?.header("accept", "application/json");
        let answer = self.asker.ask(&request)?;
        let fields = &self.pair.expected.fields;
        let expected = Expected {
            fields: if all_outputs { fields } else { &fields[..1] },
            rows: &self.pair.expected.rows[range.clone()],
            places: &self.pair.places[range],
            tolerance: Tolerance { absolute: self.params.absolute_tolerance, relative: self.params.relative_tolerance },
        };
        if answer.is_success() {
            self.judge_model(&what, &answer);
        }
        self.findings.extend(judge(&what, &answer, &expected));
        Ok(())
    }

    /// Holds the model that names itself in an answer against the one that must answer: by header, else by the document.
    fn judge_model(&mut self, what: &str, answer: &Response) {
        if self.params.digest == Demand::Ignored {
            return;
        }
        let expected = &self.target.digest;
        let described = || self.document.as_ref()?.pointer("/info/description")?.as_str().map(str::to_owned);
        let finding = match answer.header(DIGEST) {
            Some(found) if found == expected => return,
            Some(found) => {
                let message = format!("expected the model {expected} to answer {what}, found {found}");
                error("wrong-model", message, None)
            }
            None if described().is_some_and(|text| text.contains(expected.as_str())) => return,
            None => {
                let message = format!(
                    "expected the answer to {what} to name the model {expected} in its header `{DIGEST}`, found no such header"
                );
                error("no-model", message, None)
            }
        };
        self.findings.push(finding);
    }
}
