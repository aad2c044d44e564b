//! Published pipelines, and how a run of one is asked for.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sprag_pipelines::{Wish, check_key, overrides, trigger};
use sprag_schemas::pipeline::{Cause, Publication, RunRequest, TriggerRecord};
use sprag_schemas::server::Role;
use sprag_schemas::triggers::Trigger;
use sprag_store::Enqueued;

use super::body::{InPath, Json};
use super::{Shared, blocking};
use crate::auth::Caller;
use crate::problem::Problem;

/// The longest key that a request may have.
const LONGEST_KEY: usize = 255;

/// What `POST /api/v1/pipelines/{name}/runs` takes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct NewRun {
    /// The version. Default: the newest.
    #[serde(default)]
    pub version: Option<u64>,
    /// Parameters in place of the pipeline's own: `STAGE.NAME` and a value.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// Words to find the run by.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A pipeline with its versions.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct PipelineView {
    /// The versions, newest first.
    pub versions: Vec<Publication>,
    /// What starts runs of the newest.
    pub triggers: BTreeMap<String, Trigger>,
    /// What waits or is under way, oldest first.
    pub requests: Vec<RunRequest>,
}

/// `GET /api/v1/pipelines`: the newest version of each.
pub(super) async fn list(State(shared): State<Shared>, caller: Caller) -> Result<Json<Vec<Publication>>, Problem> {
    caller.need(Role::Viewer)?;
    blocking(move || {
        let mut newest: Vec<_> = shared.site.newest()?.into_iter().map(|(_, publication)| publication).collect();
        newest.sort_by(|one, other| one.pipeline.cmp(&other.pipeline));
        Ok(Json(newest))
    })
    .await
}

/// `GET /api/v1/pipelines/{name}`
pub(super) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
    InPath(name): InPath<String>,
) -> Result<Json<PipelineView>, Problem> {
    caller.need(Role::Viewer)?;
    blocking(move || {
        let (hosted, newest) = shared.site.find(&name, None)?;
        let manifest = sprag_pipelines::manifest(&hosted.store, &newest)?;
        let requests = hosted.store.open_requests()?.into_iter().filter(|request| request.pipeline.name == name).collect();
        Ok(Json(PipelineView { versions: hosted.store.publications(Some(&name))?, triggers: manifest.triggers, requests }))
    })
    .await
}

/// `POST /api/v1/pipelines/{name}/runs`
pub(super) async fn start(
    State(shared): State<Shared>,
    caller: Caller,
    InPath(name): InPath<String>,
    headers: HeaderMap,
    Json(new): Json<NewRun>,
) -> Result<Response, Problem> {
    caller.need(Role::Runner)?;
    let (idempotency_key, traceparent) = (key(&headers)?, traceparent(&headers));
    let entered = blocking(move || {
        let (hosted, publication) = shared.site.find(&name, new.version)?;
        if !new.params.is_empty() {
            // What cannot be run is better said now than found later.
            let digest = publication.digest.parse().map_err(|_| Problem::bad_request("the version has no digest"))?;
            shared.site.ground.open(&hosted.home, &hosted.store, &digest, &overrides(&new.params))?;
        }
        let wish = Wish { params: new.params, tags: new.tags, idempotency_key };
        let cause = TriggerRecord { traceparent, ..trigger(Cause::Request, None, &caller.user) };
        Ok(shared.site.request(&hosted, &publication, cause, wish)?)
    })
    .await?;
    let (status, request) = match entered {
        Enqueued::New(request) => (StatusCode::ACCEPTED, request),
        Enqueued::Known(request) | Enqueued::Coalesced(request) => (StatusCode::OK, request),
    };
    let place = format!("/api/v1/runs/{}", request.id);
    Ok((status, [(header::LOCATION, place)], Json(request)).into_response())
}

/// The span of whoever asks (W3C Trace Context). What is none is left out, as the recommendation has it.
fn traceparent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let parts: Vec<_> = text.split('-').collect();
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    (lengths == [2, 32, 16, 2] && parts.iter().all(|part| is_hex(part))).then(|| text.to_owned())
}

/// The key of whoever asks, from the header `Idempotency-Key`.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= LONGEST_KEY);
    let text = text.ok_or_else(|| {
        Problem::bad_request(format!("expected an `Idempotency-Key` of 1 to {LONGEST_KEY} visible characters, found another"))
    })?;
    check_key(text).map_err(Problem::bad_request)?;
    Ok(Some(text.to_owned()))
}
