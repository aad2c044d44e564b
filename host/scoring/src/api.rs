//! The routes of one model, and what each takes and gives.

use crate::columns::Column;
use crate::infer::InferShape;
use crate::infer_answer::HEADER_LENGTH;
use crate::percent::decoded;
use crate::problem::{ErrorStyle, Problem};
use crate::reply::{JSON, Reply};
use crate::signature::ModelInfo;
use crate::{infer, infer_answer, metadata, openapi, score, write};

/// What of a request's head matters here.
#[derive(Debug, Clone, Copy, Default)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// `content-type`.
    pub content_type: Option<&'a str>,
    /// `content-encoding`.
    pub content_encoding: Option<&'a str>,
    /// `inference-header-content-length`.
    pub inference_header_length: Option<&'a str>,
}

impl<'a> Head<'a> {
    /// The path alone.
    pub fn path(&self) -> &'a str {
        self.target.split_once('?').map_or(self.target, |(path, _)| path)
    }

    /// How an error of this request is written.
    pub fn error_style(&self) -> ErrorStyle {
        ErrorStyle::of_path(self.path())
    }
}

/// Where a request leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Whether the process lives.
    Live,
    /// Whether requests can be answered.
    Ready,
    /// Figures for Prometheus.
    Metrics,
    /// An answer that depends on the model alone.
    Fixed(Reply),
    /// Rows to score: read the body, then [`Api::decode`].
    Score(Ask),
}

/// How rows are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask(Protocol);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Score { all_outputs: bool },
    Infer { header_length: Option<usize> },
}

/// Rows to score.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// How many.
    pub rows: u32,
    /// A column for each input of the model.
    pub columns: Vec<Column>,
    /// How the answer is written.
    pub shape: Shape,
}

/// How an answer is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape(Answer);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Score { all_outputs: bool },
    Infer(InferShape),
}

/// The protocol as one model speaks it.
#[derive(Debug, Clone)]
pub struct Api {
    model: ModelInfo,
    openapi: Reply,
}

impl Api {
    /// The protocol for a model.
    pub fn new(model: ModelInfo) -> Self {
        Self { openapi: openapi::document(&model), model }
    }

    /// The model.
    pub fn model(&self) -> &ModelInfo {
        &self.model
    }

    /// Finds where a request leads, before its body is read.
    ///
    /// # Errors
    /// There is nothing at the path, it takes another method, or the body is of a type that is not read there.
    pub fn route(&self, head: &Head<'_>) -> Result<Route, Problem> {
        let path = head.path();
        match path {
            "/score" => return self.score(head).map(Route::Score),
            "/healthz" | "/v2/health/live" => return get(head, || Route::Live),
            "/readyz" | "/v2/health/ready" => return get(head, || Route::Ready),
            "/metrics" => return get(head, || Route::Metrics),
            "/openapi.json" | "/swagger.json" => return get(head, || Route::Fixed(self.openapi.clone())),
            "/v2" | "/v2/" => return get(head, || Route::Fixed(metadata::server())),
            _ => {}
        }
        let rest = path.strip_prefix("/v2/models/").ok_or_else(|| Problem::not_found(path))?;
        match self.of_model(rest)? {
            "" => get(head, || Route::Fixed(metadata::model(&self.model))),
            "/ready" => get(head, || Route::Ready),
            "/infer" => infer(head).map(Route::Score),
            _ => Err(Problem::not_found(path)),
        }
    }

    fn score(&self, head: &Head<'_>) -> Result<Ask, Problem> {
        post(head, &[JSON])?;
        let mut all_outputs = false;
        let query = head.target.split_once('?').map(|(_, query)| query).unwrap_or_default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair {
                "outputs=all" => all_outputs = true,
                "outputs=prediction" => all_outputs = false,
                other => {
                    let message =
                        format!("expected `outputs=all` or `outputs=prediction`, found `{}`", crate::json::shown(other));
                    return Err(Problem::new(400, "unknown-parameter", message));
                }
            }
        }
        Ok(Ask(Protocol::Score { all_outputs }))
    }

    /// What follows the model's name, and its version where one is named.
    fn of_model<'p>(&self, rest: &'p str) -> Result<&'p str, Problem> {
        let cut = |text: &'p str| text.split_at(text.find('/').unwrap_or(text.len()));
        let unknown = |what: &str, expected: &str, found: &str| {
            let message = format!("expected the {what} `{expected}`, found `{}`", crate::json::shown(found));
            Problem::new(404, "unknown-model", message)
        };
        let (name, rest) = cut(rest);
        if decoded(name).is_none_or(|name| name != self.model.name) {
            return Err(unknown("model", &self.model.name, name));
        }
        let Some(versioned) = rest.strip_prefix("/versions/") else { return Ok(rest) };
        let (version, rest) = cut(versioned);
        if decoded(version).is_some_and(|version| version == self.model.version) {
            Ok(rest)
        } else {
            Err(unknown("version", &self.model.version, version))
        }
    }

    /// Reads the body of a request that asks about rows.
    ///
    /// # Errors
    /// The body is no request, or its rows do not fit the model.
    pub fn decode(&self, ask: &Ask, body: &[u8], most_rows: u32) -> Result<Batch, Problem> {
        match ask.0 {
            Protocol::Score { all_outputs } => {
                let (rows, columns) = score::decode(&self.model.inputs, body, most_rows)?;
                Ok(Batch { rows, columns, shape: Shape(Answer::Score { all_outputs }) })
            }
            Protocol::Infer { header_length } => {
                let (rows, columns, shape) = infer::decode(&self.model, body, header_length, most_rows)?;
                Ok(Batch { rows, columns, shape: Shape(Answer::Infer(shape)) })
            }
        }
    }

    /// Writes the answer: `predicted` has a column for each output of the model, with `rows` rows.
    pub fn answer(&self, shape: &Shape, rows: u32, predicted: &[Column]) -> Reply {
        match &shape.0 {
            Answer::Infer(shape) => infer_answer::encode(&self.model, shape, rows, predicted),
            Answer::Score { all_outputs } => {
                let mut body = Vec::with_capacity(16 + 20 * rows as usize);
                body.extend_from_slice(b"{\"result\":");
                match predicted.first() {
                    Some(prediction) => write::values(&mut body, &prediction.values),
                    None => body.extend_from_slice(b"[]"),
                }
                if *all_outputs {
                    for (count, (field, column)) in self.model.outputs.iter().zip(predicted).enumerate() {
                        body.extend_from_slice(if count == 0 { b",\"outputs\":{" } else { b"," });
                        write::string(&mut body, &field.name);
                        body.push(b':');
                        write::values(&mut body, &column.values);
                    }
                    body.push(b'}');
                }
                body.push(b'}');
                Reply::json(body)
            }
        }
    }
}

fn infer(head: &Head<'_>) -> Result<Ask, Problem> {
    post(head, &[JSON, "application/octet-stream"])?;
    let length = |text: &str| {
        text.parse().map_err(|_| {
            let message = format!("expected a number of bytes in `{HEADER_LENGTH}`, found `{}`", crate::json::shown(text));
            Problem::new(400, "bad-header", message)
        })
    };
    let header_length = head.inference_header_length.map(length).transpose()?;
    Ok(Ask(Protocol::Infer { header_length }))
}

fn get(head: &Head<'_>, route: impl FnOnce() -> Route) -> Result<Route, Problem> {
    match head.method {
        "GET" | "HEAD" => Ok(route()),
        method => Err(wrong_method("GET", method).header("allow", "GET, HEAD")),
    }
}

fn post(head: &Head<'_>, types: &[&str]) -> Result<(), Problem> {
    if head.method != "POST" {
        return Err(wrong_method("POST", head.method).header("allow", "POST"));
    }
    if let Some(encoding) = head.content_encoding
        && !encoding.trim().eq_ignore_ascii_case("identity")
    {
        let message = format!("expected a body without compression, found `{}`", crate::json::shown(encoding));
        return Err(Problem::new(415, "wrong-encoding", message));
    }
    let Some(found) = head.content_type else { return Ok(()) };
    let essence = found.split(';').next().unwrap_or_default().trim();
    if types.iter().any(|known| known.eq_ignore_ascii_case(essence)) {
        return Ok(());
    }
    let message = format!("expected a body of the type {}, found `{}`", types.join(" or "), crate::json::shown(found));
    Err(Problem::new(415, "wrong-type", message).header("accept", types.join(", ")))
}

fn wrong_method(expected: &str, found: &str) -> Problem {
    Problem::new(405, "wrong-method", format!("expected the method {expected}, found {}", crate::json::shown(found)))
}
