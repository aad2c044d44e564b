//! What is wrong with a request, in the one shape that every error has.

use crate::reply::{JSON, Reply};
use crate::write;

/// What is wrong with a request, or with the service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The HTTP status: 4xx or 5xx.
    pub status: u16,
    /// A stable word for programs: lower-case words joined by hyphens.
    pub code: &'static str,
    /// What was expected and what was found, for people.
    pub message: String,
    /// The row that it is about, counted from 0.
    pub row: Option<u64>,
    /// The column that it is about.
    pub field: Option<String>,
    /// Headers of the answer, such as `allow`.
    pub headers: Vec<(&'static str, String)>,
}

/// How an error is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorStyle {
    /// `{"error":{"code":..,"message":..,"row":..,"field":..}}`
    Sprag,
    /// As the Open Inference Protocol has it: `error` is the message itself; the rest stands beside it.
    OpenInference,
}

impl ErrorStyle {
    /// The style of the protocol that a path belongs to.
    pub fn of_path(path: &str) -> Self {
        let is_open_inference = path.strip_prefix("/v2").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if is_open_inference { Self::OpenInference } else { Self::Sprag }
    }
}

impl Problem {
    /// A problem with the request as a whole.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), row: None, field: None, headers: vec![] }
    }

    /// The same, with a header of the answer.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same, about a row.
    #[must_use]
    pub fn at_row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }

    /// The same, about a column.
    #[must_use]
    pub fn at_field(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// There is nothing at this path.
    pub fn not_found(path: &str) -> Self {
        let shown: String = path.chars().take(100).collect();
        Self::new(404, "not-found", format!("expected a path that is listed in /openapi.json, found `{}`", shown.escape_debug()))
    }

    /// The answer that says so.
    pub fn reply(&self, style: ErrorStyle) -> Reply {
        let mut body = Vec::with_capacity(128);
        let details = |body: &mut Vec<u8>| {
            if let Some(row) = self.row {
                body.extend_from_slice(b",\"row\":");
                body.extend_from_slice(row.to_string().as_bytes());
            }
            if let Some(field) = &self.field {
                body.extend_from_slice(b",\"field\":");
                write::string(body, field);
            }
        };
        match style {
            ErrorStyle::Sprag => {
                body.extend_from_slice(b"{\"error\":{\"code\":");
                write::string(&mut body, self.code);
                body.extend_from_slice(b",\"message\":");
                write::string(&mut body, &self.message);
                details(&mut body);
                body.extend_from_slice(b"}}");
            }
            ErrorStyle::OpenInference => {
                body.extend_from_slice(b"{\"error\":");
                write::string(&mut body, &self.message);
                body.extend_from_slice(b",\"code\":");
                write::string(&mut body, self.code);
                details(&mut body);
                body.extend_from_slice(b"}");
            }
        }
        Reply { status: self.status, content_type: JSON, headers: self.headers.clone(), body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_its_own_shape() {
        let problem = Problem::new(422, "bad-value", "expected \"x\"").at_row(3).at_field("age");
        let text = |style| String::from_utf8(problem.reply(style).body).unwrap();
        assert_eq!(text(ErrorStyle::Sprag), r#"{"error":{"code":"bad-value","message":"expected \"x\"","row":3,"field":"age"}}"#);
        assert_eq!(
            text(ErrorStyle::of_path("/v2/models")),
            r#"{"error":"expected \"x\"","code":"bad-value","row":3,"field":"age"}"#
        );
        assert_eq!(ErrorStyle::of_path("/v2score"), ErrorStyle::Sprag);
    }
}
