//! The server itself.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sprag_schemas::server::{AuditEntry, Role};

use super::body::{InQuery, Json};
use super::{Shared, blocking, openapi};
use crate::auth::Caller;
use crate::problem::Problem;

/// How many entries of the audit log are read at once.
const MOST_ENTRIES: usize = 1000;

/// Who the server takes the caller for.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct WhoAmI {
    /// The name.
    pub user: String,
    /// What the caller may do.
    pub roles: Vec<Role>,
}

/// What `GET /api/v1/audit` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AuditPage {
    /// How many entries at most. Default: 100.
    limit: Option<usize>,
    /// Only entries before this one, by its place.
    before: Option<u64>,
}

/// `GET /api/v1/whoami`
pub(super) async fn whoami(caller: Caller) -> Json<WhoAmI> {
    Json(WhoAmI { user: caller.user, roles: caller.roles })
}

/// `GET /api/v1/audit`: newest first.
pub(super) async fn audit(
    State(shared): State<Shared>,
    caller: Caller,
    InQuery(page): InQuery<AuditPage>,
) -> Result<Json<Vec<AuditEntry>>, Problem> {
    caller.need(Role::Admin)?;
    let limit = page.limit.unwrap_or(100);
    if !(1..=MOST_ENTRIES).contains(&limit) {
        return Err(Problem::bad_request(format!("expected a `limit` of 1 to {MOST_ENTRIES}, found {limit}")));
    }
    // SQLite's numbers have a sign.
    let before = page.before.map(|before| before.min(i64::MAX.cast_unsigned()));
    blocking(move || Ok(Json(shared.site.own.audit_log(limit, before)?))).await
}

/// `GET /openapi.json`
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi::document().to_string()).into_response()
}

/// `GET /healthz`
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /metrics`: in the text format that Prometheus reads.
pub(super) async fn metrics(State(shared): State<Shared>, caller: Caller) -> Result<Response, Problem> {
    caller.need(Role::Viewer)?;
    let text = blocking(move || crate::figures::text(&shared.site)).await?;
    Ok(([(header::CONTENT_TYPE, crate::figures::CONTENT_TYPE)], text).into_response())
}
