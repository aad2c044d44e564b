//! How the server says no: RFC 9457, `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use sprag_lifecycle::with_causes;
use sprag_pipelines::PipelineError;
use sprag_store::StoreError;

use crate::site::SiteError;

/// What went wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// The status of the answer.
    pub status: u16,
    /// What kind of problem it is.
    pub title: &'static str,
    /// What was expected and what was found.
    pub detail: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// After how many seconds to try again.
    #[serde(skip)]
    pub retry_after: Option<u64>,
    /// What exactly is wrong with the server, for its own log.
    #[serde(skip)]
    pub fault: Option<String>,
}

/// What exactly is wrong with the server, beside an answer that does not say it.
#[derive(Debug, Clone)]
pub(crate) struct Fault(pub(crate) String);

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status: status.as_u16(), title, detail: detail.into(), hints: vec![], retry_after: None, fault: None }
    }

    /// What was sent makes no sense.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad request", detail)
    }

    /// Nobody is known by what was shown.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// Whoever asks may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found", detail)
    }

    /// It cannot be done as things stand.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// Too much was sent.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too large", detail)
    }

    /// It was asked too often.
    pub fn too_many(detail: impl Into<String>, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests", detail) }
    }

    /// Another method is meant.
    pub fn method(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed", detail)
    }

    /// The server is at fault. What exactly is for its own log.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let title = "internal";
        let told = "the server could not do it; its log says why";
        Self { fault: Some(with_causes(error)), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, title, told) }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if let Some(fault) = self.fault {
            response.extensions_mut().insert(Fault(fault));
        }
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"sprag\""));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let hint = error.hint();
        let detail = error.to_string();
        let problem = match error {
            StoreError::UnknownRun { .. }
            | StoreError::UnknownModel { .. }
            | StoreError::UnknownVersion { .. }
            | StoreError::UnknownAlias { .. }
            | StoreError::UnknownPipeline { .. }
            | StoreError::UnknownPipelineVersion { .. }
            | StoreError::UnknownRequest { .. }
            | StoreError::UnknownToken { .. }
            | StoreError::UnknownRelease { .. } => Self::not_found(detail),
            StoreError::OtherRequest { .. } => Self::conflict(detail),
            StoreError::QueueFull { .. } => Self::too_many(detail, 30),
            error if error.is_usage() => Self::bad_request(detail),
            error => return Self::internal(&error),
        };
        problem.hint(hint)
    }
}

impl From<PipelineError> for Problem {
    fn from(error: PipelineError) -> Self {
        let hints = error.hints();
        match error {
            PipelineError::Store(error) => error.into(),
            PipelineError::Project(error) => Self { hints, ..Self::bad_request(error.to_string()) },
            error => Self::internal(&error),
        }
    }
}

impl From<SiteError> for Problem {
    fn from(error: SiteError) -> Self {
        match error {
            SiteError::Store(error) => error.into(),
            SiteError::Pipeline(error) => error.into(),
            error => Self::internal(&error),
        }
    }
}
