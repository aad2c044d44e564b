//! What comes in and goes out, and what is said where it is not what was expected.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Shared;
use crate::problem::Problem;

/// A body that is JSON of a type.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned + Default> FromRequest<Shared> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        let bytes = bytes(request, shared).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        // What a form of another site can send has another type.
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::bad_request(format!("expected a body of the type `application/json`, found `{kind}`")));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Problem::bad_request(format!("the body: {error}")))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

/// The whole body, if it is not too long.
pub(super) async fn bytes(request: Request, shared: &Shared) -> Result<Bytes, Problem> {
    Bytes::from_request(request, shared).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("the body is longer than it may be"),
        _ => Problem::bad_request(rejection.body_text()),
    })
}

/// The parts of a path.
pub(crate) struct InPath<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let found = Path::from_request_parts(parts, shared).await;
        found.map(|Path(value)| Self(value)).map_err(|error| Problem::bad_request(error.body_text()))
    }
}

/// The parameters after the `?`.
pub(crate) struct InQuery<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for InQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let found = Query::from_request_parts(parts, shared).await;
        found.map(|Query(value)| Self(value)).map_err(|error| Problem::bad_request(error.body_text()))
    }
}
